//! Links that share a limit which no queue keeps to: each has its part, whoever came first, and all together the
//! whole.
//!
//! As the daemon does it where the kernel has no fq: each link's own htb has the very rate of the shared limit.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use common::handle;
use fairway_dataplane::Shaper;
use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, Hook, limit, shared};
use fairway_lab::traffic::{Kind, Load, Pings, Running};
use fairway_lab::{Lab, Ns, poll};
use fairway_netlink::Netlink;
use fairway_shape::{Limit, Side};

const MEGABIT: u64 = 1_000_000;
/// The number of the shared limit; those of the links' own come after it.
const SHARED: u32 = 1;
/// Seconds, of which what is ahead of the limit at most is less than three in a hundred.
const SETTLED: u64 = 8;
const CUBIC: Kind = Kind::Tcp("cubic");

/// A node that routes between containers that share a limit, in one direction, and one that has none.
struct Bed {
    _lab: Lab,
    limited: Vec<Ns>,
    other: Ns,
    side: Side,
    bits: u64,
    shaper: Shaper,
}

fn address(number: usize) -> IpAddr {
    [10, 0, u8::try_from(number).unwrap(), 2].into()
}

impl Bed {
    /// `side`: where their limit is, at the containers' own ends for what they send or at the host's for what they
    /// get.
    fn new(count: usize, side: Side, bits: u64) -> Self {
        let lab = Lab::new().unwrap();
        let node = lab.node();
        node.set_sysctl("ipv4/ip_forward", "1").unwrap();
        let container = |at: usize| {
            let (ns, link) = (lab.container().unwrap(), format!("fw{at}"));
            lab.wire(node, &link, &ns, "eth0").unwrap();
            node.addr(&link, &format!("10.0.{at}.1/24")).unwrap();
            ns.addr("eth0", &format!("10.0.{at}.2/24")).unwrap();
            ns.run(&format!("ip route add default via 10.0.{at}.1"))
                .unwrap();
            ns
        };
        let other = container(0);
        let limited: Vec<_> = (1..=count).map(container).collect();
        let shaper = Shaper::load().unwrap();
        let allowance = Allowance {
            bits,
            ..Allowance::default()
        };
        shaper.begin_limit(SHARED, &shared(&allowance)).unwrap();
        for (at, ns) in (1..).zip(&limited) {
            let (ns, link) = match side {
                Side::Container => (ns, "eth0".to_owned()),
                Side::Host => (node, format!("fw{at}")),
            };
            let mut netlink = handle(ns);
            let index = netlink.link_by_name(&link).unwrap().unwrap().index;
            let kept = Limit::new(bits.to_string().parse().unwrap());
            fairway_shape::apply(&mut netlink, index, &kept, side).unwrap();
            let own = SHARED + at;
            shaper.begin_limit(own, &limit(&allowance)).unwrap();
            let slot = Slot {
                limits: [own, SHARED, 0, 0],
                flags: Slot::CLASSES,
                ..Slot::default()
            };
            shaper.begin_slot(at, &slot).unwrap();
            let hook = Hook::Egress;
            shaper.attach(&mut netlink, index, hook, at).unwrap();
        }
        Self {
            _lab: lab,
            limited,
            other,
            side,
            bits,
            shaper,
        }
    }

    /// A load of one that is limited, from 0 on.
    fn load(&self, at: usize, kind: Kind, seconds: u32) -> Running {
        let (limited, other) = (self.limited[at].clone(), self.other.clone());
        let ([from, to], to_number) = match self.side {
            Side::Container => ([limited, other], 0),
            Side::Host => ([other, limited], at + 1),
        };
        let load = Load {
            from,
            to,
            address: address(to_number),
            port: 5201 + u16::try_from(at).unwrap(),
            kind,
            flows: 1,
            seconds,
            reverse: false,
        };
        load.start().unwrap()
    }

    fn bytes(&self) -> Vec<u64> {
        let slots = 1..=u32::try_from(self.limited.len()).unwrap();
        let sent = |slot| self.shaper.sent(slot).unwrap().bytes;
        slots.map(sent).collect()
    }

    /// Which parts of the limit each has in so many seconds from now on.
    fn parts(&self, seconds: u64) -> Vec<f64> {
        let (begun, before) = (Instant::now(), self.bytes());
        passes(Duration::from_secs(seconds));
        let after = self.bytes();
        let all = self.bits as f64 / 8.0 * begun.elapsed().as_secs_f64();
        let both = before.iter().zip(after);
        both.map(|(before, after)| (after - before) as f64 / all)
            .collect()
    }

    /// Until a link has sent what it may in so many seconds.
    fn busy(&self, at: usize, seconds: f64) {
        let enough = self.bytes()[at] + (self.bits as f64 / 8.0 * seconds) as u64;
        let limit = Duration::from_secs(10);
        poll(limit, "a load runs", || self.bytes()[at] > enough).unwrap();
    }
}

/// Time during which loads run is what is measured.
fn passes(time: Duration) {
    let begun = Instant::now();
    let limit = time + Duration::from_secs(5);
    poll(limit, "time passes", || begun.elapsed() >= time).unwrap();
}

fn together(parts: &[f64]) -> f64 {
    parts.iter().sum()
}

/// All but the last are there when it comes; what each has of the limit when it has settled.
fn newcomer(count: usize, side: Side, bits: u64) {
    let bed = Bed::new(count, side, bits);
    let last = count - 1;
    let mut running: Vec<_> = (0..last).map(|at| bed.load(at, CUBIC, 13)).collect();
    bed.busy(0, 0.5);
    running.push(bed.load(last, CUBIC, 11));
    let (begun, later) = (bed.parts(2), bed.parts(SETTLED));
    let whole: Vec<_> = running
        .into_iter()
        .map(|load| load.end().unwrap().whole() / bits as f64)
        .collect();
    let told = format!("{side:?} {bits}: {begun:.2?}, then {later:.2?}, {whole:.2?} arrived");
    let share = 1.0 / count as f64;
    assert!(begun[last] > 0.4 * share, "{told}");
    assert!(later[last] > 0.6 * share, "{told}");
    assert!(later.iter().all(|part| *part > 0.4 * share), "{told}");
    assert!(whole[last] > 0.6 * share, "{told}");
    assert!((0.85..1.03).contains(&together(&later)), "{told}");
}

#[test]
fn who_comes_later_gets_its_part_of_what_all_send() {
    newcomer(2, Side::Container, 15 * MEGABIT);
}

#[test]
fn who_comes_later_gets_its_part_of_what_all_get() {
    newcomer(2, Side::Host, 15 * MEGABIT);
}

#[test]
fn three_share_as_two_do() {
    newcomer(3, Side::Container, 40 * MEGABIT);
}

#[test]
fn who_wants_little_has_it_and_leaves_the_rest_to_others() {
    const LIMIT: u64 = 20 * MEGABIT;
    for side in [Side::Container, Side::Host] {
        let bed = Bed::new(3, side, LIMIT);
        let mut bulk = vec![bed.load(0, CUBIC, 13)];
        bed.busy(0, 0.5);
        // A tenth, in datagrams of 1300 bytes.
        let little = bed.load(2, Kind::Udp(LIMIT / 10), 12);
        let pings = Pings::start(&bed.limited[2], address(0)).unwrap();
        bulk.push(bed.load(1, CUBIC, 11));
        bed.parts(2);
        let parts = bed.parts(SETTLED);
        let pings = pings.end().unwrap();
        let little = little.end().unwrap();
        bulk.into_iter().for_each(|load| drop(load.end().unwrap()));
        let median = pings[pings.len() / 2];
        let told = format!(
            "{side:?}: {parts:.2?}, {} lost, {} pings, {median} ms",
            little.lost,
            pings.len()
        );
        // Twelve seconds are 2,307 datagrams.
        assert!(little.lost < 45, "{told}");
        assert!((0.09..0.13).contains(&parts[2]), "{told}");
        assert!(parts[1] > 0.27, "{told}");
        assert!((0.85..1.03).contains(&together(&parts)), "{told}");
        assert!(pings.len() > 50 && median < 10.0, "{told}");
    }
}

#[test]
#[ignore = "it measures"]
fn what_all_have() {
    for side in [Side::Container, Side::Host] {
        for (count, megabits) in [(2, 15), (2, 40), (3, 15), (6, 40), (2, 2), (2, 400)] {
            measure(side, count, megabits * MEGABIT, false);
            measure(side, count, megabits * MEGABIT, true);
        }
    }
}

/// One link's load, and then that of the others; `fair`, or as if nobody shared the limit.
fn measure(side: Side, count: usize, bits: u64, fair: bool) {
    let bed = Bed::new(count, side, bits);
    if !fair {
        let allowance = Allowance {
            bits,
            ..Allowance::default()
        };
        let alone = limit(&allowance);
        bed.shaper.begin_limit(SHARED, &alone).unwrap();
    }
    let mut running = vec![bed.load(0, CUBIC, 9)];
    bed.busy(0, 1.0);
    running.extend((1..count).map(|at| bed.load(at, CUBIC, 7)));
    let (begun, later) = (bed.parts(2), bed.parts(4));
    running
        .into_iter()
        .for_each(|load| drop(load.end().unwrap()));
    let all = together(&later);
    println!("fair {fair}, {side:?}, {bits}: {begun:.2?}, then {later:.2?}, {all:.3}");
}
