//! One connection under a limit, tenth by tenth of a second, on both sides: a picture.

use super::bed::{self, Bed, Limit, Way};
use crate::plot::{Line, lines};
use crate::report::Report;
use anyhow::Result;

const MEGABITS: u64 = 20;

/// Both ways of both sides, one after the other.
pub(super) fn run(report: &mut Report) -> Result<()> {
    println!("  {MEGABITS} Mbit/s, tenth by tenth …");
    let beds = bed::both(&Way::BOTH.map(|way| Limit {
        megabits: MEGABITS,
        way,
    }))?;
    for (at, way) in Way::BOTH.into_iter().enumerate() {
        let [theirs, ours] = [tenths(&beds[0], at)?, tenths(&beds[1], at)?];
        let drawn = lines(
            &format!(
                "One TCP connection under {MEGABITS} Mbit/s, a container that {}",
                way.name()
            ),
            "Mbit/s",
            MEGABITS as f64,
            &[
                Line {
                    name: "reference",
                    colour: "#b58900",
                    points: &theirs,
                },
                Line {
                    name: "Fairway",
                    colour: "#268bd2",
                    points: &ours,
                },
            ],
        );
        report.pictures.push((way.name(), drawn));
    }
    Ok(())
}

/// (seconds, Mbit/s).
fn tenths(bed: &Bed, at: usize) -> Result<Vec<(f64, f64)>> {
    let rates = bed.lanes[at].load(1).run()?;
    let mut end = 0.0;
    let points = rates.tenths.iter().map(|one| {
        end += one.seconds;
        (end, one.bits / one.seconds / 1e6)
    });
    Ok(points.collect())
}
