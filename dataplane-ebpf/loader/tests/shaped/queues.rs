//! Queues that keep to a limit, and the program in front of one and behind one.

use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, backstop};
use fairway_lab::Ns;
use fairway_lab::traffic::{Kind, one_of_some};

use crate::bed::{BACK, Bed, IN, MEGABIT};

/// A limit by the kernel's own means, with room for ten megabytes, which no packet is dropped from.
fn htb(ns: &Ns, link: &str, megabits: u64) {
    let line = |line: String| drop(ns.run(&line).unwrap());
    line(format!(
        "tc qdisc add dev {link} root handle 1: htb default 1"
    ));
    line(format!(
        "tc class add dev {link} parent 1: classid 1:1 htb rate {megabits}mbit burst 1600 cburst 1600"
    ));
    line(format!(
        "tc qdisc add dev {link} parent 1:1 bfifo limit 10000000"
    ));
}

#[test]
fn senders_notice_the_queue_of_who_is_limited() {
    let seen = one_of_some(|| {
        let mut bed = Bed::new();
        htb(bed.lab.node(), "fw1", 50);
        bed.limited(true);
        let load = bed.load(Kind::Tcp("cubic"), 1, 2);
        let running = load.start().unwrap();
        let mut most = 0;
        let waits = || {
            let shown = bed.lab.node().json("tc -j -s qdisc show dev fw1").unwrap();
            let all = shown.as_array().unwrap().iter();
            let queues = all.filter(|qdisc| qdisc["kind"] == "bfifo");
            queues
                .map(|qdisc| qdisc["backlog"].as_u64().unwrap())
                .sum::<u64>()
        };
        while bed.sent(IN).bytes < 8_000_000 {
            most = most.max(waits());
        }
        let rates = running.end().unwrap();
        let whole = rates.whole() / (50 * MEGABIT) as f64;
        // TCP lets a millisecond's worth wait, or some packets of 64 KiB; without that a whole window.
        let right =
            (0.95..1.03).contains(&whole) && rates.retransmits == 0 && most > 0 && most < 400_000;
        let told = format!("{whole}, {rates:?}, {most} bytes waited");
        right.then_some(()).ok_or(told)
    });
    seen.unwrap();
}

#[test]
fn what_keeps_to_the_limit_loses_nothing_and_what_does_not_is_held() {
    const LIMIT: u64 = 50 * MEGABIT;
    let bed = Bed::new();
    let allowance = Allowance {
        bits: LIMIT,
        ..Allowance::default()
    };
    bed.shaper.begin_limit(1, &backstop(&allowance)).unwrap();
    let slot = Slot {
        limits: [1, 0, 0, 0],
        ..Slot::default()
    };
    bed.shaper.set_slot(BACK, &slot).unwrap();
    htb(&bed.containers[0], "eth0", 50);
    for (kind, flows) in [
        (Kind::Tcp("cubic"), 1),
        (Kind::Tcp("cubic"), 4),
        (Kind::Udp(2 * LIMIT), 1),
    ] {
        let reached = one_of_some(|| {
            let rates = bed.load(kind, flows, 2).run().unwrap();
            let whole = rates.whole() / LIMIT as f64;
            let right = (0.95..1.03).contains(&whole) && rates.retransmits == 0;
            right
                .then_some(())
                .ok_or(format!("{kind:?} {whole} {rates:?}"))
        });
        reached.unwrap();
        let sent = bed.sent(BACK);
        assert_eq!((sent.dropped, sent.marked), (0, 0), "{kind:?}");
    }
    // The container takes its qdisc off.
    bed.containers[0].run("tc qdisc del dev eth0 root").unwrap();
    let held = one_of_some(|| {
        let rates = bed.load(Kind::Udp(3 * LIMIT), 1, 10).run().unwrap();
        let whole = rates.whole() / LIMIT as f64;
        assert!(bed.sent(BACK).dropped > 0);
        (1.03..1.06).contains(&whole).then_some(()).ok_or(whole)
    });
    held.unwrap();
}
