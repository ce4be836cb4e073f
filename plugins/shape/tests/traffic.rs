//! Limits under real connections: how much goes, whether any of it is lost, and how long a ping takes meanwhile.
//!
//! Two containers behind a node that routes. Which device bears the limit is the whole point, so both are
//! tried: the container's own end for what it sends, the host's end for what it gets.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

use std::time::Duration;

use fairway_lab::traffic::{Kind, Load, one_of_some};
use fairway_lab::{Guarded, Lab, Ns, Result, Value, poll, serde_json};
use fairway_netlink::{Handle, Netlink};
use fairway_shape::{Limit, Side, apply};

const SECONDS: u64 = 3;
/// Of an Ethernet frame's 1514 bytes TCP gets these.
const PAYLOAD: f64 = 1448.0 / 1514.0;

struct Bed {
    lab: Lab,
    a: Ns,
    b: Ns,
}

impl Bed {
    fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let (a, b) = (lab.container()?, lab.container()?);
        for (ns, name, subnet) in [(&a, "va", "10.0.1"), (&b, "vb", "10.0.2")] {
            lab.wire(lab.node(), name, ns, "eth0")?;
            lab.node().addr(name, &format!("{subnet}.1/24"))?;
            ns.addr("eth0", &format!("{subnet}.2/24"))?;
            ns.run(&format!("ip route add default via {subnet}.1"))?;
        }
        lab.node().set_sysctl("ipv4/ip_forward", "1")?;
        Ok(Self { lab, a, b })
    }

    /// Limits what `a` sends, or gets.
    fn limit(&self, side: Side, rate: &str) {
        let (ns, link) = match side {
            Side::Container => (&self.a, "eth0"),
            Side::Host => (self.lab.node(), "va"),
        };
        let limit = Limit::new(rate.parse().unwrap());
        ns.inside(|| {
            let mut handle = Handle::open().unwrap();
            let index = handle.link_by_name(link).unwrap().unwrap().index;
            apply(&mut handle, index, &limit, side).unwrap();
        })
        .unwrap();
    }

    /// One connection for [`SECONDS`], from or to `a`; `meanwhile` is done when a second is over.
    fn stream(&self, side: Side, meanwhile: impl FnOnce(&Self)) -> Result<Stream> {
        let server = self.b.command("iperf3").args(["-s", "-1", "-J"]).spawn()?;
        let listens = || {
            self.b
                .run("ss -Hltn sport = :5201")
                .is_ok_and(|it| !it.is_empty())
        };
        poll(Duration::from_secs(30), "iperf3 listens", listens)?;
        let seconds = SECONDS.to_string();
        let mut args = vec!["-c", "10.0.2.2", "-J", "-i", "0.5", "-t", &seconds];
        args.push("--get-server-output");
        if side == Side::Host {
            args.push("-R");
        }
        let client = self.a.command("iperf3").args(args);
        let (text, ping) = std::thread::scope(|scope| {
            let ping = self
                .a
                .command("ping")
                .args(["-q", "-i", "0.02", "-w", "2", "10.0.2.2"]);
            let client = scope.spawn(move || client.run());
            let ping = scope.spawn(move || ping.run());
            let started = || self.b.run("ss -Htn state established sport = :5201");
            let busy = || started().is_ok_and(|it| it.lines().count() > 1);
            poll(Duration::from_secs(30), "a connection", busy)?;
            meanwhile(self);
            Ok::<_, fairway_lab::Error>((client.join().unwrap()?, ping.join().unwrap()?))
        })?;
        drop::<Guarded>(server);
        Ok(Stream::read(&text, &ping, side))
    }
}

#[derive(Debug)]
struct Stream {
    /// What arrived in each interval, as frames, in Mbit/s, and how long the interval was.
    received: Vec<(f64, f64)>,
    retransmits: u64,
    /// Average, in ms.
    ping: f64,
}

impl Stream {
    fn read(text: &str, ping: &str, side: Side) -> Self {
        let told: Value = serde_json::from_str(text).unwrap();
        let receiver = match side {
            Side::Container => &told["server_output_json"],
            Side::Host => &told,
        };
        let intervals = receiver["intervals"].as_array().unwrap();
        let frames = |sum: &Value| {
            let seconds = sum["seconds"].as_f64().unwrap();
            let bits = sum["bytes"].as_f64().unwrap() * 8.0 / PAYLOAD;
            (bits / seconds / 1e6, seconds)
        };
        let received = intervals.iter().map(|interval| frames(&interval["sum"]));
        let average = ping.rsplit_once("= ").unwrap().1.split('/').nth(1).unwrap();
        Self {
            // The last one is often a stub.
            received: received.filter(|(_, seconds)| *seconds > 0.1).collect(),
            retransmits: told["end"]["sum_sent"]["retransmits"].as_u64().unwrap(),
            ping: average.parse().unwrap(),
        }
    }

    fn average(&self) -> f64 {
        let seconds: f64 = self.received.iter().map(|(_, seconds)| seconds).sum();
        let bits: f64 = self
            .received
            .iter()
            .map(|(rate, seconds)| rate * seconds)
            .sum();
        bits / seconds
    }
}

#[test]
fn twenty_megabits_are_twenty_both_ways() -> Result {
    let bed = Bed::new()?;
    for side in [Side::Container, Side::Host] {
        bed.limit(side, "20M");
        one_of_some(|| {
            let stream = bed.stream(side, |_| {}).unwrap();
            eprintln!("{side:?}: {:.2} Mbit/s, {stream:?}", stream.average());
            let off = (stream.average() / 20.0 - 1.0).abs();
            // A full queue in front of it would be tens of milliseconds.
            let right = off < 0.03 && stream.retransmits == 0 && stream.ping < 3.0;
            right.then_some(()).ok_or(format!("{side:?}: {stream:?}"))
        })
        .unwrap();
    }
    Ok(())
}

#[test]
fn a_rate_changes_under_a_connection_and_loses_nothing() -> Result {
    let bed = Bed::new()?;
    for side in [Side::Container, Side::Host] {
        one_of_some(|| {
            bed.limit(side, "50M");
            let lower = bed.stream(side, |bed| bed.limit(side, "10M")).unwrap();
            let higher = bed.stream(side, |bed| bed.limit(side, "50M")).unwrap();
            let last = |stream: &Stream| stream.received[stream.received.len() - 2].0;
            let right = (9.5..10.5).contains(&last(&lower))
                && (47.5..52.5).contains(&last(&higher))
                && higher.retransmits == 0;
            right
                .then_some(())
                .ok_or(format!("{side:?}: {lower:?}, {higher:?}"))
        })
        .unwrap();
    }
    Ok(())
}

/// What a container gets comes in packets of up to 64 KiB, and at 1 Mbit/s one of them is half a second.
#[test]
fn a_slow_limit_holds_from_the_first_second_on() {
    for (rate, flows) in [(1, 1), (20, 8)] {
        one_of_some(|| {
            let bed = Bed::new().unwrap();
            bed.limit(Side::Host, &format!("{rate}M"));
            let load = Load {
                from: bed.b.clone(),
                to: bed.a.clone(),
                address: "10.0.1.2".parse().unwrap(),
                port: 5301,
                kind: Kind::Tcp("cubic"),
                flows,
                seconds: 3,
                reverse: false,
            };
            let rates = load.run().unwrap();
            let of = |bits: f64| bits / 1e6 / f64::from(rate);
            let seen = (of(rates.first()), of(rates.whole()), rates.retransmits);
            eprintln!("{rate} Mbit/s, {flows} flows: {seen:?}");
            let right =
                (0.9..1.05).contains(&seen.0) && (0.95..1.03).contains(&seen.1) && seen.2 == 0;
            right.then_some(()).ok_or(format!("{rate}: {seen:?}"))
        })
        .unwrap();
    }
}
