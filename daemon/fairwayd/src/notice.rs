//! What an operator should hear of, once a minute at most for each thing.

use crate::metrics::keep::Counters;
use fairway_ipam::Notice;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tracing::{error, warn};

const AGAIN: Duration = Duration::from_secs(60);
/// So many different things are remembered.
const MANY: usize = 256;

/// Tells the agent's notices to the log.
#[derive(Debug)]
pub(crate) struct Notices {
    told: HashMap<String, Instant>,
    counted: Counters<1>,
}

impl Notices {
    /// Nothing was told yet.
    pub(crate) fn new(counted: Counters<1>) -> Notices {
        Notices {
            told: HashMap::new(),
            counted,
        }
    }

    /// Tells one, unless it was told a short while ago.
    pub(crate) fn tell(&mut self, notice: &Notice) {
        self.counted
            .get_or_create(&[("kind", kind(notice).into())])
            .inc();
        let (loud, text) = worded(notice);
        let now = Instant::now();
        if self.told.get(&text).is_some_and(|at| now - *at < AGAIN) {
            return;
        }
        if self.told.len() >= MANY {
            self.told.clear();
        }
        match loud {
            true => error!("{text}"),
            false => warn!("{text}"),
        }
        self.told.insert(text, now);
    }
}

/// As metrics have it.
fn kind(notice: &Notice) -> &'static str {
    match notice {
        Notice::BlockLost { .. } => "block_lost",
        Notice::Unreadable { .. } => "unreadable",
        Notice::Rejected { .. } => "rejected",
        Notice::Rewound { .. } => "rewound",
        Notice::Reclaimed { .. } => "reclaimed",
    }
}

fn worded(notice: &Notice) -> (bool, String) {
    match notice {
        Notice::BlockLost { pool, block, to } => (
            true,
            format!(
                "pool {pool}: block {block} was given to {to} while this node was thought dead; \
                 containers with addresses in it are cut off"
            ),
        ),
        Notice::Unreadable { key, reason } => (true, format!("{key}: {reason}; it is left alone")),
        Notice::Rejected { reason } => (true, format!("the store did not take a write: {reason}")),
        Notice::Rewound { from, to } => (
            true,
            format!(
                "the store went back from revision {} to {}: it was restored from a backup, or is another \
                 one. What this node's containers have is told to it anew; what others were given since, it \
                 does not know",
                from.0, to.0
            ),
        ),
        Notice::Reclaimed { node, blocks } => (
            false,
            format!("node {node} was away for too long: {blocks} of its blocks are free again"),
        ),
    }
}
