//! `overlay`: packets between containers on two nodes, by our way and by others, in turns.
//!
//! Wires are veth pairs to a bridge, and all of it shares the machine's cores: what is compared is what each
//! way costs on top of the same wire, not what a network card carries.

mod flannel;
pub(crate) mod load;
pub(crate) mod ours;
pub(crate) mod plain;

use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_lab::Ns;

/// Two ends, of which one answers.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) client: Ns,
    pub(crate) server: Ns,
    /// The server's address.
    pub(crate) to: String,
}

const UNDERLAY: &str = "the bare underlay";
const BRIDGE: &str = "a bridge on one node";
const FLANNEL: &str = "flannel's way";
const ALWAYS: &str = "encapsulated";
const DIRECT: &str = "direct";
/// Where masquerading makes the kernel track connections.
const FLANNEL_TRACKED: &str = "flannel's way, masquerading";
const ALWAYS_TRACKED: &str = "encapsulated, masquerading";
const DIRECT_TRACKED: &str = "direct, masquerading";

/// What is set against what, and whether it has to be on par.
const PAIRS: [(&str, &str, bool); 9] = [
    (ALWAYS, FLANNEL, true),
    (ALWAYS_TRACKED, FLANNEL_TRACKED, true),
    (DIRECT, FLANNEL, true),
    (DIRECT_TRACKED, FLANNEL_TRACKED, true),
    // What tracking costs.
    (ALWAYS_TRACKED, FLANNEL, false),
    (ALWAYS, UNDERLAY, false),
    (ALWAYS, BRIDGE, false),
    (DIRECT, UNDERLAY, false),
    (DIRECT, BRIDGE, false),
];
/// What a run on a shared machine cannot tell from none.
const NOISE: f64 = 0.05;

/// What one way did in each round.
#[derive(Debug, Default)]
struct Done {
    rate: Vec<f64>,
    delay: Vec<f64>,
    tail: Vec<f64>,
}

/// All ways stand at once, and are used by turns.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 5).max(5);
    let plain = plain::Plain::new()?;
    let flannels = [flannel::Flannel::new(false)?, flannel::Flannel::new(true)?];
    let flannel = flannels.each_ref().map(|flannel| flannel.way.clone());
    ours::on(|ours| {
        let ways: Vec<Way> = [&plain.ways[..], &flannel, ours].concat();
        for way in &ways {
            report.notes.push(load::describe(way)?);
        }
        println!("  {rounds} rounds of {} ways …", ways.len());
        let mut done: Vec<Done> = ways.iter().map(|_| Done::default()).collect();
        for round in 0..rounds {
            for turn in 0..ways.len() {
                let at = (round + turn) % ways.len();
                let (way, done) = (&ways[at], &mut done[at]);
                done.rate.push(load::stream(way).with_context(|| way.name)?);
                let delays = Samples(load::delays(way).with_context(|| way.name)?);
                done.delay.push(delays.median());
                done.tail.push(delays.quantile(0.99));
            }
        }
        let of = |name: &str| {
            ways.iter()
                .position(|way| way.name == name)
                .map(|at| &done[at])
        };
        for (ours, theirs, par) in PAIRS {
            let (a, b) = of(ours).zip(of(theirs)).context("a way is missing")?;
            compare(report, (ours, a), (theirs, b), par);
        }
        Ok(())
    })
}

fn compare(report: &mut Report, ours: (&str, &Done), theirs: (&'static str, &Done), par: bool) {
    let sides = [
        (
            "TCP, one stream",
            "Gbit/s",
            Better::More,
            &theirs.1.rate,
            &ours.1.rate,
        ),
        ("ping", "µs", Better::Less, &theirs.1.delay, &ours.1.delay),
        (
            "ping, p99",
            "µs",
            Better::Less,
            &theirs.1.tail,
            &ours.1.tail,
        ),
    ];
    for (what, unit, better, theirs_did, ours_did) in sides {
        let bound = match better {
            Better::More => 1.0 - NOISE,
            Better::Less => 1.0 + NOISE,
        };
        let measure = Measure {
            name: format!("{what}: {} to {}", ours.0, theirs.0),
            unit,
            peer: theirs.0,
            better,
            target: (par && what != "ping, p99").then_some(bound),
            theirs: Samples(theirs_did.clone()),
            ours: Samples(ours_did.clone()),
        };
        measure.tell();
        report.measures.push(measure);
    }
}
