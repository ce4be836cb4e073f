//! Samples into the report: what is compared, and with what.

use super::flight::{DEPTHS, FLOOR};
use super::raw::Raw;
use super::sides::{BRIDGE, HOST, NOTHING, OVERLAY, REFERENCE};
use super::{AT_A_TIME, PODS};
use crate::figure::Bound;
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;

/// What a side is, in words.
fn words(side: &str) -> &'static str {
    match side {
        HOST => "no network at all (the node's own)",
        NOTHING => "plugins that do nothing",
        REFERENCE => "the reference's bridge",
        BRIDGE => "our bridge",
        OVERLAY => "our overlay",
        FLOOR => "a bare pair of links, no process",
        _ => "our overlay on etcd",
    }
}

/// Whatever of it was measured.
pub(super) fn all(raw: &Raw, report: &mut Report) {
    start(raw, report);
    flight(raw, report);
    rest(raw, report);
}

fn start(raw: &Raw, report: &mut Report) {
    let mut tell = Tell {
        raw,
        report,
        part: "start",
    };
    let wall = (format!("{PODS} pods, {AT_A_TIME} at a time"), "wall", "s");
    for side in [NOTHING, REFERENCE, BRIDGE, OVERLAY] {
        tell.compare(&wall, HOST, side);
    }
    for (what, name, unit) in [
        (wall.0.clone(), "wall", "s"),
        ("… one pod's start, p50".to_owned(), "pod p50", "ms"),
        ("… p99".to_owned(), "pod p99", "ms"),
        ("… their end".to_owned(), "end", "s"),
        ("ADD through containerd, p50".to_owned(), "add p50", "ms"),
        ("… p99".to_owned(), "add p99", "ms"),
        ("… CPU time of a pod's plugins".to_owned(), "cpu", "ms"),
        ("… plugins' share of a pod's start".to_owned(), "share", "%"),
    ] {
        for side in [NOTHING, BRIDGE, OVERLAY] {
            tell.compare(&(what.clone(), name, unit), REFERENCE, side);
        }
    }
}

fn flight(raw: &Raw, report: &mut Report) {
    let mut tell = Tell {
        raw,
        report,
        part: "flight",
    };
    for depth in DEPTHS {
        for (what, name, unit) in [
            ("p50", "p50", "ms"),
            ("p99", "p99", "ms"),
            ("all", "wall", "s"),
        ] {
            let line = format!("{PODS} ADDs, {depth} in flight: {what}");
            for side in [BRIDGE, OVERLAY, "etcd"] {
                tell.compare(
                    &(line.clone(), &format!("{depth} {name}"), unit),
                    REFERENCE,
                    side,
                );
            }
        }
    }
    for depth in DEPTHS {
        for part in ["p50", "p99"] {
            let name = format!("{PODS} pairs of links, {depth} in flight: {part}");
            tell.figure(&name, FLOOR, &format!("{depth} {part}"), "ms", None);
        }
    }
    for side in [BRIDGE, OVERLAY, "etcd"] {
        let name = format!("{PODS} ADDs, {AT_A_TIME} in flight: p99");
        let what = format!("{AT_A_TIME} p99");
        tell.figure(&name, side, &what, "ms", Some(Bound::AtMost(15.0)));
    }
}

fn rest(raw: &Raw, report: &mut Report) {
    let mut tell = Tell {
        raw,
        report,
        part: "rest",
    };
    for side in [OVERLAY, "etcd"] {
        let most = |most| Some(Bound::AtMost(most));
        for (name, what, unit, bound) in [
            ("fairwayd's memory, no pod", "empty", "MiB", None),
            ("… when 250 have just started", "started", "MiB", most(60.0)),
            ("… at rest", "memory", "MiB", most(60.0)),
            ("… without its program's text", "own", "MiB", None),
            ("fairwayd at rest, of a core", "cpu", "%", most(2.0)),
        ] {
            tell.figure(name, side, what, unit, bound);
        }
    }
}

struct Tell<'r> {
    raw: &'r Raw,
    report: &'r mut Report,
    part: &'static str,
}

impl Tell<'_> {
    fn compare(
        &mut self,
        (name, what, unit): &(String, &str, &'static str),
        peer: &str,
        side: &str,
    ) {
        let samples = |side| self.raw.get(self.part, side, what).map(Samples);
        let (Some(theirs), Some(ours)) = (samples(peer), samples(side)) else {
            return;
        };
        let measure = Measure {
            name: format!("{name}: {}, to {}", words(side), words(peer)),
            unit,
            peer: words(peer),
            better: Better::Less,
            target: None,
            theirs,
            ours,
        };
        measure.tell();
        self.report.measures.push(measure);
    }

    fn figure(
        &mut self,
        name: &str,
        side: &str,
        what: &str,
        unit: &'static str,
        bound: Option<Bound>,
    ) {
        if let Some(samples) = self.raw.get(self.part, side, what) {
            let name = format!("{name}: {}", words(side));
            self.report.figure(name, unit, bound, samples);
        }
    }
}
