//! `bgp`: our speaker beside BIRD, FRR and GoBGP, on one feed of a generator of ours.
//!
//! `FAIRWAY_BENCH_PARTS` picks from `floor one ten fifty million`.

mod crowd;
mod feed;
mod handshake;
mod process;
mod relay;
mod side;
mod sink;
mod turns;

use crate::report::Report;
use crate::rounds;
use anyhow::Result;

/// Who tells how much.
#[derive(Debug, Clone, Copy)]
struct Plan {
    part: &'static str,
    name: &'static str,
    peers: u32,
    /// Of each peer; no two tell the same.
    prefixes: u32,
}

const PLANS: &[Plan] = &[
    Plan {
        part: "one",
        name: "1 × 10,000",
        peers: 1,
        prefixes: 10_000,
    },
    Plan {
        part: "ten",
        name: "10 × 10,000",
        peers: 10,
        prefixes: 10_000,
    },
    Plan {
        part: "fifty",
        name: "50 × 10,000",
        peers: 50,
        prefixes: 10_000,
    },
    Plan {
        part: "million",
        name: "1 × 1,000,000",
        peers: 1,
        prefixes: 1_000_000,
    },
];

impl Plan {
    fn total(self) -> u32 {
        self.peers * self.prefixes
    }
}

/// All parts, or those that were asked for.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let parts = std::env::var("FAIRWAY_BENCH_PARTS").unwrap_or_default();
    let wanted = |name| parts.is_empty() || parts.split([',', ' ']).any(|part| part == name);
    // A round of all takes minutes.
    let rounds = (rounds()? / 8).max(3);
    for plan in PLANS {
        if wanted("floor") {
            turns::floor(report, *plan, rounds)?;
        }
        if wanted(plan.part) {
            turns::run(report, *plan, rounds)?;
        }
    }
    Ok(())
}
