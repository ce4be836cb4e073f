//! Packets that a network card has summed up (`CHECKSUM_COMPLETE`): the sum is right afterwards, too. The kernel
//! compares it with the packet if a test run asks for that.
#![expect(unsafe_code, reason = "aya's test runs have no flags")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use fairway_dataplane_abi::{Limit, Slot};
use nix::libc;

use super::Shaper;

const TEST_RUN: libc::c_long = 10;
/// `BPF_F_TEST_SKB_CHECKSUM_COMPLETE`, of Linux 6.11.
const COMPLETE: u32 = 4;

/// `union bpf_attr`, of test runs.
#[repr(C)]
#[derive(Default)]
struct Attr {
    program: u32,
    result: u32,
    size_in: u32,
    size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    context_in: u32,
    context_out: u32,
    contexts: [u64; 2],
    flags: u32,
    processor: u32,
    batch: u32,
    zero: u32,
}

/// The packet afterwards; EBADMSG where its sum is wrong.
fn run(shaper: &Shaper, packet: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = vec![0; packet.len()];
    let program = shaper.program().unwrap().fd().unwrap().as_fd();
    let mut attr = Attr {
        program: program.as_raw_fd().cast_unsigned(),
        size_in: packet.len() as u32,
        size_out: packet.len() as u32,
        data_in: packet.as_ptr() as u64,
        data_out: out.as_mut_ptr() as u64,
        flags: COMPLETE,
        ..Attr::default()
    };
    let (to, size) = (&raw mut attr, size_of::<Attr>());
    // SAFETY: The attributes are as the kernel wants them, and both buffers as long as it is told.
    let result = unsafe { libc::syscall(libc::SYS_bpf, TEST_RUN, to, size) };
    match result {
        0 => Ok(out),
        _ => Err(io::Error::last_os_error()),
    }
}

/// UDP without a checksum, as long as a queue that is soon too long wants it.
fn packets(ecn: u8) -> [Vec<u8>; 2] {
    let mut four = vec![0; 12];
    four.extend_from_slice(&[8, 0, 0x45, ecn, 4, 210, 0, 0, 0, 0, 64, 17, 0, 0]);
    four.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    let words = four[14..].chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    let sum = !((sum & 0xffff) as u16 + (sum >> 16) as u16);
    four[24..26].copy_from_slice(&sum.to_be_bytes());
    let mut six = vec![0; 12];
    six.extend_from_slice(&[0x86, 0xdd, 0x60, ecn << 4, 0, 0, 4, 170, 17, 64]);
    for end in [1, 2] {
        six.extend_from_slice(&[0xfd; 15]);
        six.push(end);
    }
    [four, six].map(|mut packet| {
        packet.extend_from_slice(&[0, 7, 0, 9]);
        packet.resize(1_248, 0);
        packet
    })
}

#[test]
fn what_a_card_has_summed_up_is_right_afterwards() {
    let shaper = Shaper::load().unwrap();
    let uname = nix::sys::utsname::uname().unwrap();
    let release = uname.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    let mut next = || numbers.next().unwrap().parse::<u32>().unwrap();
    let tells = (next(), next()) >= (6, 11);
    let [plain, _] = packets(0);
    let asked = run(&shaper, &plain);
    if !tells {
        // Nothing can be seen of it there.
        assert_eq!(asked.unwrap_err().raw_os_error(), Some(libc::EINVAL));
        return;
    }
    assert_eq!(asked.unwrap(), plain);
    let slot = |flags| {
        let slot = Slot {
            limits: [1, 0, 0, 0],
            flags,
            dscp: 46,
            ..Slot::default()
        };
        shaper.set_slot(0, &slot).unwrap();
    };
    for ecn in [0, 2] {
        for packet in packets(ecn) {
            slot(Slot::DSCP);
            assert_ne!(run(&shaper, &packet).unwrap(), packet, "the DSCP");
        }
    }
    // A millisecond for each byte, and a mark for what waits at all.
    let limit = Limit {
        byte: 1_000_000 * Limit::SCALE,
        early: u64::MAX / 8,
        most: u64::MAX,
        ..Limit::default()
    };
    shaper.set_limit(1, &limit).unwrap();
    slot(Slot::DEPART);
    run(&shaper, &plain).unwrap();
    for packet in packets(2) {
        assert_ne!(run(&shaper, &packet).unwrap(), packet, "the mark");
    }
}
