//! A neighbour, or a stranger, that does what it can to be a nuisance. Whoever else is spoken with does not notice.

use crate::bed::{SOON, lacks, says};
use crate::beside::{Beside, OTHER, PEER, PROMPT};
use crate::flaps::sockets;
use crate::raw::{
    KEEPALIVE, OPEN, REFRESH, RIGHT, Raw, UPDATE, attributes, keepalive, message, open, update,
};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::Family;
use fairway_lab::{poll, promptly};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Connections at once.
const MANY: usize = 200;
/// Longer than BIRD waits for a word.
const LONG: Duration = Duration::from_millis(6_500);
/// Routes, each with other attributes: some megabytes of UPDATEs.
const ROUTES: u32 = 100_000;

#[test]
fn connections_by_the_hundred_are_not_kept() -> Result<()> {
    let mut beside = Beside::new()?;
    let before = sockets(&beside.own)?;
    beside.peer.addr("own", "10.9.1.77/24")?;
    let from = |address: &str| -> Result<Vec<TcpStream>> {
        let all = (0..MANY).map(|_| {
            let to: SocketAddr = "10.9.1.1:179".parse()?;
            let source: SocketAddr = format!("{address}:0").parse()?;
            let stream = beside.peer.inside(|| connect(source, to))??;
            Ok(stream)
        });
        all.collect()
    };
    let strangers = from("10.9.1.77")?;
    let half_open = from(PEER)?;
    // Of the neighbour's the last is looked at; all others are closed, though nobody there closes them.
    let few = || sockets(&beside.own).is_ok_and(|now| now <= before + 10);
    promptly(PROMPT, "few connections are left", few)
        .with_context(|| format!("{:?} after {before}", sockets(&beside.own)))?;
    beside.others_are_told("10.64.1.0/26")?;
    drop((strangers, half_open));
    let _peer = Raw::up(&beside.peer, 0)?;
    beside.others_are_told("10.64.2.0/26")
}

fn connect(from: SocketAddr, to: SocketAddr) -> Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(from)?;
        socket.connect(to).await?.into_std()
    })?;
    Ok(stream)
}

/// Bytes that are no message yet are no sign of life.
#[test]
fn silence_and_a_byte_now_and_then_are_not_waited_for() -> Result<()> {
    let mut beside = Beside::new()?;
    let silent = Raw::connect(&beside.peer)?;
    // The same neighbour may connect anew, and say what it says as slowly as it likes.
    let mut slow = Raw::connect(&beside.peer)?;
    slow.expect(OPEN)?;
    let began = Instant::now();
    for byte in open(3).into_iter().chain(keepalive()) {
        slow.send(&[byte])?;
    }
    slow.expect(KEEPALIVE)?;
    poll(SOON, "the slow one is up", || beside.ours.is_up(PEER))?;
    drop(silent);
    let endless = message(UPDATE, &[0; 4_000]);
    let mut bytes = endless.into_iter();
    let said = loop {
        ensure!(began.elapsed() < SOON, "a byte now and then is enough");
        let next = bytes.next().context("a long message")?;
        // It may be over by now.
        let _ = slow.send(&[next]);
        match slow.read(Duration::from_millis(100)) {
            Ok(Some((3, body))) => break body,
            Ok(None) => anyhow::bail!("it ended without a word"),
            Ok(Some(_)) | Err(_) => {}
        }
    };
    ensure!(said == [4, 0], "{said:?}");
    ensure!(
        began.elapsed() >= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    beside.others_are_told("10.64.1.0/26")
}

/// Who takes nothing has nothing made for it but what its connection has room for.
#[test]
fn who_never_reads_costs_no_memory() -> Result<()> {
    let mut beside = Beside::new()?;
    // The kernels keep little.
    beside
        .peer
        .set_sysctl("ipv4/tcp_rmem", "4096 16384 16384")?;
    beside.own.set_sysctl("ipv4/tcp_wmem", "4096 16384 16384")?;
    let mut peer = Raw::up(&beside.peer, 0)?;
    poll(SOON, "it is up", || beside.ours.is_up(PEER))?;
    beside.ours.originate_many(ROUTES, |number| number)?;
    let told = |address: &str| {
        let status = beside.ours.status(address).ok()?;
        let mut routes = status.routes.into_iter();
        let (_, _, told) = routes.find(|(family, ..)| *family == Family::Ipv4)?;
        Some(told)
    };
    let all = ROUTES as usize;
    let others = || told(OTHER).is_some_and(|told| told >= all);
    poll(SOON, "BIRD is told all", others).with_context(|| format!("{:?}", told(OTHER)))?;
    let count = || {
        let said = beside.bird.ask("show route count");
        said.is_ok_and(|said| said.contains(&format!("{} of", all + 1)))
    };
    poll(SOON, "BIRD has all", count)
        .with_context(|| format!("{:?}", beside.bird.ask("show route count")))?;
    let few = told(PEER).context("it is a neighbour")?;
    ensure!(few < all / 5, "{few} of {all} were made for it");
    beside.others_are_told("10.64.0.0/26")?;

    // Once it reads, it gets them, each as it is by then.
    beside.ours.retract_many(ROUTES / 2)?;
    let mut known = std::collections::BTreeSet::new();
    let mut withdrawn = 0;
    let wanted = all / 2 + 2;
    while known.len() != wanted || withdrawn == 0 {
        let Some((kind, body)) = peer.read(SOON)? else {
            anyhow::bail!("it ended at {} routes", known.len());
        };
        if kind != UPDATE {
            continue;
        }
        let length = |at: usize| usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
        let gone = length(0);
        let come = 4 + gone + length(2 + gone);
        for (prefixes, comes) in [(&body[2..2 + gone], false), (&body[come..], true)] {
            let mut left = prefixes;
            while let [bits, rest @ ..] = left {
                let octets = usize::from(*bits).div_ceil(8);
                let prefix = (*bits, rest[..octets].to_vec());
                match comes {
                    true => drop(known.insert(prefix)),
                    false => {
                        known.remove(&prefix);
                        withdrawn += 1;
                    }
                }
                left = &rest[octets..];
            }
        }
    }
    ensure!(
        withdrawn < all / 5,
        "{withdrawn} were withdrawn that it was not told"
    );
    beside.others_are_fine()
}

/// Sends it again and again, as fast as it is taken, while all that comes back is read; for as long as it is to be and as
/// somebody looks.
fn flood(beside: &mut Beside, what: &[u8], number: u8) -> Result<u64> {
    let peer = Raw::up(&beside.peer, 0)?;
    let once = what.repeat(1 + 65_536 / what.len());
    let over = AtomicBool::new(false);
    let (mut to, mut back) = (peer.stream.try_clone()?, peer.stream.try_clone()?);
    thread::scope(|scope| -> Result<u64> {
        let sends = scope.spawn(|| -> Result<u64> {
            let mut sent = 0;
            while !over.load(Ordering::Relaxed) {
                match to.write_all(&once) {
                    Ok(()) => sent += once.len() as u64,
                    // It was waiting to be read.
                    Err(_) if over.load(Ordering::Relaxed) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(sent)
        });
        let reads = scope.spawn(|| {
            let mut chunk = [0; 65_536];
            let mut goes_on = || match back.read(&mut chunk) {
                Ok(count) => count > 0,
                Err(error) => error.kind() == ErrorKind::Interrupted,
            };
            while goes_on() {}
        });
        let began = Instant::now();
        let mut told = Ok(());
        let mut turn = 0_u16;
        while told.is_ok() && began.elapsed() < LONG {
            turn += 1;
            let [high, low] = turn.to_be_bytes();
            told = beside.others_are_told(&format!("10.{}.{low}.0/26", number + high));
        }
        let up = beside.ours.is_up(PEER);
        over.store(true, Ordering::Relaxed);
        // Else it would send what it has begun, for as long as that is read.
        peer.stream.shutdown(std::net::Shutdown::Both)?;
        let sent = sends.join().expect("the flood does not panic");
        reads.join().expect("the reader does not panic");
        told?;
        ensure!(up, "the neighbour's own session went down");
        sent
    })
}

#[test]
fn floods_do_not_drown_others() -> Result<()> {
    let mut beside = Beside::new()?;
    beside.ours.originate_many(1_000, |number| number)?;
    let right = attributes(&RIGHT);
    let comes_and_goes = [
        update(&right, &[24, 203, 0, 113]),
        message(UPDATE, &[0, 4, 24, 203, 0, 113, 0, 0]),
    ]
    .concat();
    let asks = [keepalive(), message(REFRESH, &[0, 1, 0, 1])].concat();
    for (what, bytes, number) in [
        ("UPDATEs", comes_and_goes, 101),
        ("KEEPALIVEs and ROUTE-REFRESHes", asks, 151),
    ] {
        let sent = flood(&mut beside, &bytes, number).context(what)?;
        // Else it would be no flood.
        ensure!(sent > 1_000_000, "{what}: {sent} octets in all");
    }
    Ok(())
}

/// The same bytes each time.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 32) as u8
        };
        (0..count).map(|_| next()).collect()
    }
}

#[test]
fn noise_ends_its_own_connection_alone() -> Result<()> {
    let mut beside = Beside::new()?;
    let mut noise = Noise(0x5EED);
    let is_over = |raw: &mut Raw| -> Result<()> {
        while raw.read(SOON)?.is_some() {}
        Ok(())
    };
    for turn in 0..60 {
        // In place of an OPEN.
        let mut raw = Raw::connect(&beside.peer)?;
        // It may be refused before.
        let _ = raw.send(&noise.bytes(200));
        is_over(&mut raw)?;
        // In a session: as bytes, and in messages of the right length.
        let mut raw = Raw::up(&beside.peer, 0)?;
        let body = noise.bytes(20 + turn);
        match turn % 2 {
            0 => raw.send(&body)?,
            _ => raw.send(&message(UPDATE, &body))?,
        }
        // What could be an UPDATE may be borne.
        let _ = raw.send(&noise.bytes(19));
        is_over(&mut raw)?;
    }
    beside.others_are_told("10.64.1.0/26")?;
    let mut raw = Raw::up(&beside.peer, 0)?;
    raw.send(&update(&attributes(&RIGHT), &[24, 203, 0, 113]))?;
    beside.ours.uses("203.0.113.0/24", Some(PEER))
}

/// The right attributes, and one of so many octets that nobody knows.
fn unknown(octets: u16) -> Vec<u8> {
    let value = vec![0xAB; octets.into()];
    [
        &attributes(&RIGHT),
        &[0xD0, 99][..],
        &octets.to_be_bytes(),
        &value,
    ]
    .concat()
}

/// With the own AS in front it is longer than BIRD takes messages: that is no reason to say what cannot be read, nor to
/// leave what was told of it before.
#[test]
fn a_route_that_is_too_long_to_be_told_is_withdrawn() -> Result<()> {
    const ROUTE: &[u8] = &[24, 203, 0, 113];
    let mut beside = Beside::new()?;
    let mut peer = Raw::up(&beside.peer, 0)?;
    let known = || beside.bird.ask("show route");
    peer.send(&update(&unknown(100), ROUTE))?;
    says("BIRD", known, &["203.0.113.0/24"])?;
    let longest = update(&unknown(4_045), ROUTE);
    ensure!(longest.len() == 4_096, "{} octets", longest.len());
    peer.send(&longest)?;
    lacks("BIRD", known, &["203.0.113.0/24"])?;
    beside.ours.uses("203.0.113.0/24", Some(PEER))?;
    // The longest that can be told.
    peer.send(&update(&unknown(4_041), ROUTE))?;
    let known = || beside.bird.ask("show route");
    says("BIRD", known, &["203.0.113.0/24"])?;
    beside.others_are_told("10.64.1.0/26")
}
