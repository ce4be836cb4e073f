//! What loads were like: measures one by one, and a table with a line for each case.

use super::load::{Case, Sample};
use crate::figure::Bound;
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;

const REFERENCE: &str = "reference";
/// What of a sample is told.
type Of = fn(&Sample) -> Option<f64>;

const KINDS: [(&str, &str, Better, Of); 6] = [
    ("of the limit", "", Better::More, |it| Some(it.whole)),
    ("of the limit, first second", "", Better::More, |it| {
        Some(it.first)
    }),
    ("ping inside", "ms", Better::Less, |it| Some(it.ping[0])),
    ("ping inside, p99", "ms", Better::Less, |it| {
        Some(it.ping[1])
    }),
    ("sent again, of 1,000 segments", "", Better::Less, |it| {
        Some(it.again)
    }),
    (
        "processor time of the machine",
        "s/GB",
        Better::Less,
        |it| it.cost,
    ),
];

/// Each case by itself, then how far ours were off in the worst of them.
pub(super) fn all(report: &mut Report, cases: &[Case]) {
    for case in cases {
        for (what, unit, better, of) in KINDS {
            let sides = case
                .done
                .each_ref()
                .map(|done| done.iter().filter_map(of).collect());
            let [theirs, ours]: [Vec<f64>; 2] = sides;
            if ours.is_empty() {
                continue;
            }
            let measure = Measure {
                name: format!("{}: {what}", name(case)),
                unit,
                peer: REFERENCE,
                better,
                target: None,
                theirs: Samples(theirs),
                ours: Samples(ours),
            };
            measure.tell();
            report.measures.push(measure);
        }
    }
    let bounds = [
        ("ours, furthest from a limit over 10 s", 3.0, KINDS[0].3),
        (
            "ours, furthest from a limit in the first second",
            10.0,
            KINDS[1].3,
        ),
    ];
    for (what, most, of) in bounds {
        let off = cases
            .iter()
            .map(|case| (middle(&case.done[1], of) - 1.0).abs() * 100.0);
        let worst = off.fold(0.0, f64::max);
        report.figure(what, "%", Some(Bound::AtMost(most)), vec![worst]);
    }
    report.notes.push(table(cases));
}

/// `100 Mbit/s, sends, 8 flows`.
fn name(case: &Case) -> String {
    let (megabits, way) = (case.limit.megabits, case.limit.way.name());
    let flows = match case.flows {
        1 => "1 flow".to_owned(),
        many => format!("{many} flows"),
    };
    format!("{megabits} Mbit/s, {way}, {flows}")
}

fn middle(done: &[Sample], of: Of) -> f64 {
    Samples(done.iter().filter_map(of).collect()).median()
}

/// Medians, the reference's before ours.
fn table(cases: &[Case]) -> String {
    let heads =
        "| | of the limit | … first second | ping, ms | … p99 | sent again, of 1,000 | s/GB |";
    let mut lines = vec![heads.to_owned(), "|---|---|---|---|---|---|---|".to_owned()];
    for case in cases {
        let cells = KINDS.map(|(_, _, _, of)| {
            let [theirs, ours] = case.done.each_ref().map(|done| middle(done, of));
            match ours.is_nan() {
                true => String::new(),
                false => format!("{theirs:.3} → {ours:.3}"),
            }
        });
        lines.push(format!("| {} | {} |", name(case), cells.join(" | ")));
    }
    lines.join("\n")
}
