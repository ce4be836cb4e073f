//! One generation after the other: no packet is lost, none slips through, no connection is cut.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::time::Duration;

use common::{Pair, config, options, with_pins};
use fairway_dataplane::abi::{Reason, Set, Sets, Side};
use fairway_dataplane::{Counter, Dataplane, Options, detach};
use fairway_lab::{Guarded, Ns, poll};
use nix::sys::signal::Signal;

/// Loads, fills, seals, swaps and lets the one before go.
fn next(pair: &Pair, options: &Options) -> Dataplane {
    let mut dataplane = Dataplane::load(options).unwrap();
    let epoch = dataplane.inherited_epoch().map_or(1, |epoch| epoch + 1);
    pair.open(&mut dataplane, epoch);
    dataplane.seal().unwrap();
    dataplane.attach(&mut pair.handle(), pair.link).unwrap();
    dataplane.retire_older().unwrap();
    dataplane
}

/// Asks as fast as answers come, for longer than a dozen generations take: those are a minute on a busy machine.
fn flood(pair: &Pair, target: &str) -> Guarded {
    let ping = pair.lab.node().command("ping");
    ping.args(["-n", "-q", "-f", "-w", "600", target])
        .spawn()
        .unwrap()
}

/// Packets that were let through.
fn passed(dataplane: &Dataplane) -> u64 {
    let counters = dataplane.counters().unwrap();
    let of = counters
        .iter()
        .filter(|counter| counter.reason == Reason::Forwarded);
    of.map(|counter| counter.count.packets).sum()
}

/// What was dropped, with the reasons.
fn dropped(dataplane: &Dataplane) -> Vec<Counter> {
    let mut counters = dataplane.counters().unwrap();
    counters.retain(|counter| counter.reason != Reason::Forwarded && counter.count.packets > 0);
    counters
}

fn more_passes(dataplane: &Dataplane) {
    let wanted = passed(dataplane) + 1000;
    let more = poll(Duration::from_secs(60), "more packets pass", || {
        passed(dataplane) > wanted
    });
    more.unwrap();
}

/// Ends it. What it says of losses is one too many where it is told so with a request on its way.
fn end(mut ping: Guarded) {
    ping.signal(Signal::SIGINT).unwrap();
    ping.wait(Duration::from_secs(30)).unwrap();
}

/// Requests sent, requests received, answers sent, answers received, of both families, as the kernel counts them at
/// both ends.
fn echoes(pair: &Pair) -> [[u64; 4]; 2] {
    let at = |ns: &Ns, v4: &str, v6: &str| {
        let text = |file: &str| {
            ns.run(&format!("cat /proc/thread-self/net/{file}"))
                .unwrap()
        };
        let (snmp, snmp6) = (text("snmp"), text("snmp6"));
        let mut lines = snmp
            .lines()
            .filter_map(|line| line.strip_prefix("IcmpMsg: "));
        let (names, values) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        let mut four = names.split(' ').zip(values.split(' '));
        let mut six = snmp6
            .lines()
            .filter_map(|line| line.split_once(char::is_whitespace));
        let of = |found: Option<(&str, &str)>| found.map_or(0, |(_, n)| n.trim().parse().unwrap());
        [
            of(four.find(|one| one.0 == v4)),
            of(six.find(|one| one.0 == v6)),
        ]
    };
    let (node, container) = (pair.lab.node(), &pair.container);
    let all = [
        at(node, "OutType8", "Icmp6OutType128"),
        at(container, "InType8", "Icmp6InType128"),
        at(container, "OutType0", "Icmp6OutType129"),
        at(node, "InType0", "Icmp6InType129"),
    ];
    [0, 1].map(|family| all.map(|of| of[family]))
}

#[test]
fn no_packet_is_lost_on_the_way() {
    with_pins(|root| {
        let pair = Pair::new();
        let mut dataplane = next(&pair, &options(root));
        pair.up();
        pair.introduce();
        let before = echoes(&pair);
        let floods = ["10.0.0.2", "fd00::2"].map(|target| flood(&pair, target));
        for number in 2..=12 {
            more_passes(&dataplane);
            let newer = next(&pair, &options(root));
            assert_eq!(newer.number(), Some(number));
            let before = std::mem::replace(&mut dataplane, newer);
            assert!(
                dataplane
                    .is_attached(&mut pair.handle(), pair.link)
                    .unwrap()
            );
            assert!(!before.is_attached(&mut pair.handle(), pair.link).unwrap());
            assert_eq!(dropped(&before), []);
            drop(before);
            assert_eq!(common::names(root), [format!("generation-{number}")]);
        }
        more_passes(&dataplane);
        assert_eq!(dropped(&dataplane), []);
        floods.into_iter().for_each(end);
        let arrived = || {
            let after = echoes(&pair);
            [0, 1].map(|family| [0, 1, 2, 3].map(|at| after[family][at] - before[family][at]))
        };
        let all_have = || {
            let whole = |of: &[u64; 4]| of[0] > 1000 && of.iter().all(|count| *count == of[0]);
            arrived().iter().all(whole)
        };
        let whole = poll(
            Duration::from_secs(10),
            "each request has its answer",
            all_have,
        );
        assert!(whole.is_ok(), "{:?}", arrived());
        detach(&mut pair.handle(), pair.link).unwrap();
    });
}

#[test]
fn nothing_slips_through_on_the_way() {
    with_pins(|root| {
        let pair = Pair::new();
        let closed = || {
            let mut dataplane = Dataplane::load(&options(root)).unwrap();
            dataplane.set_config(&config(1)).unwrap();
            dataplane.seal().unwrap();
            dataplane.attach(&mut pair.handle(), pair.link).unwrap();
            dataplane.retire_older().unwrap();
            dataplane
        };
        let mut dataplane = closed();
        pair.up();
        // Or nothing would be sent but ARP.
        pair.introduce();
        let node = pair.lab.node();
        let flood = node
            .command("ping")
            .args(["-n", "-f", "-w", "600", "10.0.0.2"]);
        let flood = flood.spawn().unwrap();
        for _ in 0..10 {
            poll(Duration::from_secs(60), "packets are dropped", || {
                dropped(&dataplane)
                    .iter()
                    .any(|counter| counter.count.packets > 10)
            })
            .unwrap();
            dataplane = closed();
        }
        drop(flood);
        let received = pair
            .container
            .run("cat /proc/thread-self/net/snmp")
            .unwrap();
        let icmp = received
            .lines()
            .filter(|line| line.starts_with("Icmp: "))
            .nth(1)
            .unwrap();
        assert_eq!(icmp.split(' ').nth(1), Some("0"), "{icmp}");
    });
}

/// Answers each line with the same line.
const ECHO: &str = "import socket\n\
    s = socket.create_server(('10.0.0.2', 7777))\n\
    print('ready', flush=True)\n\
    while True:\n\
    \x20c, _ = s.accept()\n\
    \x20while d := c.recv(100): c.sendall(d)\n";

/// Sends a line every 20 ms on one connection; says how many came back. The pause is the pace of what is sent:
/// nothing is waited for by it.
const TALK: &str = "import socket, time\n\
    c = socket.create_connection(('10.0.0.2', 7777), 5)\n\
    c.settimeout(5)\n\
    n = 0\n\
    while True:\n\
    \x20c.sendall(b'x'); assert c.recv(1) == b'x'; n += 1\n\
    \x20print('said', n, flush=True); time.sleep(0.02)\n";

fn said(talk: &Guarded) -> u32 {
    let log = talk.log();
    let last = log
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("said "));
    last.map_or(0, |number| number.trim().parse().unwrap_or(0))
}

fn goes_on(talk: &mut Guarded) {
    let wanted = said(talk) + 10;
    let goes_on = poll(Duration::from_secs(30), "the connection goes on", || {
        said(talk) > wanted
    });
    goes_on.unwrap_or_else(|error| panic!("{error}: {:?} {}", talk.ended(), talk.log()));
}

#[test]
fn an_open_connection_passes_by_its_entry() {
    with_pins(|root| {
        let pair = Pair::new();
        let first = next(&pair, &options(root));
        pair.up();
        let python =
            |ns: &Ns, program| ns.command("python3").args(["-c", program]).spawn().unwrap();
        let mut echo = python(&pair.container, ECHO);
        echo.wait_for(Duration::from_secs(30), "ready").unwrap();
        let mut talk = python(pair.lab.node(), TALK);
        goes_on(&mut talk);

        // The next one lets nothing in. It bears the epoch that the connection was judged in, so it takes its
        // entry's word for it: that it passes shows that the entry was handed over.
        let mut second = Dataplane::load(&options(root)).unwrap();
        assert_eq!(second.inherited_epoch(), Some(1));
        second.set_config(&config(1)).unwrap();
        let nothing = Set {
            otherwise: Side::DENY,
            ..Set::default()
        };
        second.put_set(5, &nothing).unwrap();
        let mut endpoint = pair.endpoint;
        endpoint.sets = Sets {
            ingress: 5,
            ..Sets::default()
        };
        second.put_endpoint(pair.link, &endpoint).unwrap();
        second.seal().unwrap();
        second.attach(&mut pair.handle(), pair.link).unwrap();
        second.retire_older().unwrap();
        drop(first);
        goes_on(&mut talk);
        let another = pair
            .lab
            .node()
            .command("python3")
            .args(["-c", TALK])
            .output()
            .unwrap();
        assert!(another.stderr.contains("timed out"), "{another:?}");
        goes_on(&mut talk);
        // And judged anew it is cut.
        second.set_config(&config(2)).unwrap();
        let ended = talk.wait(Duration::from_secs(30)).unwrap();
        assert!(!ended.success());
    });
}
