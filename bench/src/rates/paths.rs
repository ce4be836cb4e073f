//! Limits that the daemon keeps, on every path and for each kind of sender: how near to the limit, how soon, how long a
//! ping takes meanwhile, and what was sent again.

use super::bed::{SECONDS, Way};
use crate::figure::Bound;
use crate::overlay::ours;
use crate::report::Report;
use anyhow::Result;
use fairway_lab::traffic::{Kind, Load, Pings};
use fairway_lab::{Ns, json};
use fairway_tests_cluster::{Bed, Plan};
use std::net::IpAddr;

/// Mbit/s. The slow ones' loads run at once, the fastest by itself.
const RATES: [u64; 4] = [1, 10, 100, 1000];
const SLOW: usize = 3;
const MEGABIT: u64 = 1_000_000;
const PORT: u16 = 5201;

/// (path, network, node of the peer; the peer of the last is no container)
const PATHS: [(&str, &str, usize); 4] = [
    ("one node", "always", 1),
    ("another node, encapsulated", "always", 2),
    ("another node, direct", "direct", 2),
    ("outside, masqueraded", "always", 0),
];

/// (name, flows); UDP is sent at twice the rate.
const SENDERS: [(&str, u32); 5] = [
    ("cubic", 1),
    ("cubic", 8),
    ("bbr", 1),
    ("bbr", 8),
    ("UDP", 1),
];

/// A container and who it talks with.
struct Lane {
    path: &'static str,
    /// Its limit of either way, if it has one.
    megabits: Option<u64>,
    limited: Ns,
    own: IpAddr,
    peer: Ns,
    other: IpAddr,
    /// Nobody outside knows a way to the container: what it gets, it has asked for.
    outside: bool,
}

/// What one load was like, in parts of the limit, ms, and parts of what was sent.
#[derive(Clone, Copy)]
struct Sample {
    whole: f64,
    first: f64,
    ping: f64,
    again: f64,
}

/// A row of the table: a path, a rate, a direction; and a sample for each sender.
struct Row {
    path: &'static str,
    megabits: u64,
    way: Way,
    samples: Vec<Sample>,
}

pub(super) fn run(report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    on_all(&RATES.map(Some), |lanes| {
        println!("  {} loads …", lanes.len() * 2 * SENDERS.len());
        for lanes in lanes.chunks(RATES.len()) {
            for way in Way::BOTH {
                rows.extend(all_senders(lanes, way)?);
            }
        }
        Ok(())
    })?;
    tell(report, &rows);
    Ok(())
}

/// What UDP, sent at twice the highest rate, is on each path where nothing limits it: what the machine can do.
pub(super) fn free(report: &mut Report) -> Result<()> {
    on_all(&[None], |lanes| {
        println!("  {} loads without a limit …", lanes.len() * 2);
        for lane in lanes {
            for way in Way::BOTH {
                let rates = lane.load(way, ("UDP", 1)).run()?;
                let name = format!("UDP, no limit: {}, {}", lane.path, way.name());
                report.figure(name, "Mbit/s", None, vec![rates.whole() / MEGABIT as f64]);
            }
        }
        Ok(())
    })
}

/// Lanes of these limits on each path, those of a path side by side.
fn on_all(limits: &[Option<u64>], work: impl FnOnce(&[Lane]) -> Result<()>) -> Result<()> {
    fairway_tests_cluster::on(&Plan::nodes(2).members(1), |bed| {
        ours::network(bed, ("always", "10.64.0.0/16", "always"), true)?;
        ours::network(bed, ("direct", "10.65.0.0/16", "cross-subnet"), true)?;
        let mut lanes = Vec::new();
        for path in PATHS {
            for megabits in limits {
                lanes.push(Lane::new(bed, path, *megabits)?);
            }
        }
        work(&lanes)
    })
}

impl Lane {
    fn new(
        bed: &Bed,
        (path, network, node): (&'static str, &str, usize),
        megabits: Option<u64>,
    ) -> Result<Self> {
        let id = format!("{}-{}", path.replace([' ', ','], ""), megabits.unwrap_or(0));
        let limit = match megabits.map(|megabits| megabits * MEGABIT) {
            Some(bits) => json!({"bandwidth": {"ingressRate": bits, "egressRate": bits}}),
            None => json!({}),
        };
        let (limited, own) = ours::attached(bed, 1, network, (&format!("limited-{id}"), limit))?;
        let outside = node == 0;
        let (peer, other) = match outside {
            true => {
                let peer = bed.lab.container()?;
                let cable = bed.lan.plug(&peer)?;
                (peer, cable.address)
            }
            false => ours::attached(bed, node, network, (&format!("peer-{id}"), json!({})))?,
        };
        Ok(Self {
            path,
            megabits,
            limited,
            own: own.parse()?,
            peer,
            other: other.parse()?,
            outside,
        })
    }

    /// The limit, or the highest that there is.
    fn rate(&self) -> u64 {
        let [.., highest] = RATES;
        self.megabits.unwrap_or(highest) * MEGABIT
    }

    fn load(&self, way: Way, (sender, flows): (&'static str, u32)) -> Load {
        let kind = match sender {
            "UDP" => Kind::Udp(self.rate() * 2),
            control => Kind::Tcp(control),
        };
        let (limited, peer) = (self.limited.clone(), self.peer.clone());
        let gets = way == Way::Ingress;
        let (from, to, address) = match gets && !self.outside {
            true => (peer, limited, self.own),
            false => (limited, peer, self.other),
        };
        Load {
            from,
            to,
            address,
            port: PORT,
            kind,
            flows,
            seconds: SECONDS,
            reverse: gets && self.outside,
        }
    }
}

/// A row for each of the lanes of a path.
fn all_senders(lanes: &[Lane], way: Way) -> Result<Vec<Row>> {
    let row = |lane: &Lane| Row {
        path: lane.path,
        megabits: lane.rate() / MEGABIT,
        way,
        samples: Vec::new(),
    };
    let mut rows: Vec<Row> = lanes.iter().map(row).collect();
    for sender in SENDERS {
        for part in [0..SLOW, SLOW..lanes.len()] {
            let samples = at_once(&lanes[part.clone()], way, sender)?;
            for (row, sample) in rows[part].iter_mut().zip(samples) {
                row.samples.push(sample);
            }
        }
    }
    Ok(rows)
}

fn at_once(lanes: &[Lane], way: Way, sender: (&'static str, u32)) -> Result<Vec<Sample>> {
    let begun: Result<Vec<_>> = lanes
        .iter()
        .map(|lane| {
            let pings = Pings::start(&lane.limited, lane.other)?;
            Ok((pings, lane.load(way, sender).start()?))
        })
        .collect();
    let ended = begun?.into_iter().zip(lanes).map(|((pings, load), lane)| {
        let rates = load.end()?;
        let pings = pings.end()?;
        let limit = lane.rate() as f64;
        Ok(Sample {
            whole: rates.whole() / limit,
            first: rates.first() / limit,
            // They come in ascending order.
            ping: pings[pings.len() / 2],
            again: rates.retransmitted(),
        })
    });
    ended.collect()
}

/// The furthest from each rate, and a table with a line for each path.
fn tell(report: &mut Report, rows: &[Row]) {
    for megabits in RATES {
        let rows = rows.iter().filter(|row| row.megabits == megabits);
        let samples: Vec<Sample> = rows.flat_map(|row| row.samples.clone()).collect();
        let worst = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(0.0, f64::max);
        let figures = [
            (
                "furthest from the limit over 10 s",
                "%",
                Some(3.0),
                worst(|it| off(it.whole)),
            ),
            (
                "… in the first second",
                "%",
                Some(10.0),
                worst(|it| off(it.first)),
            ),
            (
                "… slowest ping (medians) inside",
                "ms",
                (megabits == 100).then_some(10.0),
                worst(|it| it.ping),
            ),
            (
                "… most sent again",
                "%",
                Some(0.1),
                worst(|it| it.again * 100.0),
            ),
        ];
        for (what, unit, most, value) in figures {
            let name = format!("{megabits} Mbit/s, all paths: {what}");
            report.figure(name, unit, most.map(Bound::AtMost), vec![value]);
        }
    }
    report.notes.push(table(rows));
}

fn off(part: f64) -> f64 {
    (part - 1.0).abs() * 100.0
}

/// Of the limit: over 10 s / in the first second, then what was sent again in parts of a thousand where it was any.
fn table(rows: &[Row]) -> String {
    let heads = SENDERS.map(|(name, flows)| format!("{name}, {flows}"));
    let mut lines = vec![
        format!("| Mbit/s | | {} |", heads.join(" | ")),
        format!("|---|---|{}", "---|".repeat(SENDERS.len())),
    ];
    for megabits in RATES {
        for row in rows.iter().filter(|row| row.megabits == megabits) {
            let cells = row.samples.iter().map(|it| {
                let again = match it.again * 1e3 {
                    none if none < 0.05 => String::new(),
                    some => format!(" ({some:.1})"),
                };
                format!("{:.3} / {:.3}{again}", it.whole, it.first)
            });
            let cells: Vec<String> = cells.collect();
            let way = row.way.name();
            lines.push(format!(
                "| {megabits} | {}, {way} | {} |",
                row.path,
                cells.join(" | ")
            ));
        }
    }
    lines.join("\n")
}
