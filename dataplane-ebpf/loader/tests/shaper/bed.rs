//! Packets that are made up, and the program with limits of all kinds.

use fairway_dataplane::Shaper;
use fairway_dataplane::abi::{Limit, Slot};
use fairway_dataplane::shaper::{Allowance, Shaped, backstop, limit};
use nix::time::{ClockId, clock_gettime};
use std::process::Command;

pub(crate) const NEXT: i32 = -1;
pub(crate) const SHOT: i32 = 2;
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// A UDP packet of IPv4 with the ECN bits, from some port, as long as told with its Ethernet header.
pub(crate) fn v4(ecn: u8, port: u16, length: usize) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend_from_slice(&[8, 0, 0x45, ecn]);
    let rest = u16::try_from(length - 14).unwrap().to_be_bytes();
    frame.extend_from_slice(&rest);
    frame.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    let sum = checksum(&frame[14..34]).to_be_bytes();
    frame[24..26].copy_from_slice(&sum);
    frame.extend_from_slice(&port.to_be_bytes());
    frame.extend_from_slice(&[0, 9, 0, 0, 0, 0]);
    frame.resize(length, 0);
    frame
}

pub(crate) fn v6(ecn: u8, length: usize) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend_from_slice(&[0x86, 0xdd, 0x60, ecn << 4, 0, 0]);
    let rest = u16::try_from(length - 54).unwrap().to_be_bytes();
    frame.extend_from_slice(&rest);
    frame.extend_from_slice(&[17, 64]);
    for end in [1, 2] {
        frame.extend_from_slice(&[0xfd; 15]);
        frame.push(end);
    }
    frame.extend_from_slice(&[0, 7, 0, 9, 0, 0, 0, 0]);
    frame.resize(length, 0);
    frame
}

/// RFC 1071.
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    !((sum & 0xffff) as u16 + (sum >> 16) as u16)
}

pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(time.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap()
}

pub(crate) fn of(bits: u64) -> Limit {
    limit(&Allowance {
        bits,
        burst: 1,
        ..Allowance::default()
    })
}

/// From here on this thread goes before others, where it may: a packet that is sent ten milliseconds after the one before it,
/// since something else was compiled, is judged otherwise, and rightly so.
fn hurry() {
    let thread = nix::unistd::gettid().to_string();
    let chrt = Command::new("chrt")
        .args(["--fifo", "--pid", "1", &thread])
        .output();
    if !chrt.is_ok_and(|output| output.status.success()) {
        eprintln!("this machine gives no thread precedence");
    }
}

/// Limits 1, 2, … of so many bits a second, all of them over slot 0.
pub(crate) fn shaper(rates: &[u64], flags: u32) -> Shaper {
    hurry();
    let shaper = Shaper::load().unwrap();
    let mut slot = Slot {
        flags,
        ..Slot::default()
    };
    for (number, bits) in (1..).zip(rates) {
        shaper.set_limit(number, &of(*bits)).unwrap();
        slot.limits[number as usize - 1] = number;
    }
    shaper.set_slot(0, &slot).unwrap();
    shaper
}

/// A limit of each kind, and bursts of some packets, over slot 0, by departure times.
pub(crate) fn saving(allowances: &[Allowance]) -> Shaper {
    let shaper = shaper(&[], 0);
    let mut slot = Slot {
        flags: Slot::DEPART,
        ..Slot::default()
    };
    for (number, allowance) in (1..).zip(allowances) {
        shaper.set_limit(number, &limit(allowance)).unwrap();
        slot.limits[number as usize - 1] = number;
    }
    shaper.set_slot(0, &slot).unwrap();
    shaper
}

pub(crate) fn allowance(bits: u64, packets: u64, burst: u64) -> Allowance {
    Allowance {
        bits,
        packets,
        burst,
    }
}

/// The program as it stands behind a container's own qdisc.
pub(crate) fn behind(bits: u64) -> Shaper {
    let shaper = shaper(&[], 0);
    let allowance = Allowance {
        bits,
        ..Allowance::default()
    };
    shaper.set_limit(1, &backstop(&allowance)).unwrap();
    let slot = Slot {
        limits: [1, 0, 0, 0],
        ..Slot::default()
    };
    shaper.set_slot(0, &slot).unwrap();
    shaper
}

pub(crate) fn send(shaper: &Shaper, packet: &[u8]) -> Shaped {
    shaper.test_run(packet, packet.len() as u32, 0).unwrap()
}

/// Sends packets of 1,250 bytes, 10 ms each at 1 Mbit/s.
pub(crate) fn fill(shaper: &Shaper, count: u32) -> Vec<Shaped> {
    let packet = v4(0, 5, 1_250);
    (0..count).map(|_| send(shaper, &packet)).collect()
}

pub(crate) fn gaps(sent: &[Shaped]) -> Vec<u64> {
    let pairs = sent.iter().zip(&sent[1..]);
    pairs
        .map(|(one, next)| next.departs - one.departs)
        .collect()
}
