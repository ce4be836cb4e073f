//! What an operator should hear of.

use crate::{metrics::keep::Counters, news::news};
use fairway_cni::Code;
use fairway_ipam::Notice;

/// Tells the agent's notices to the log.
#[derive(Debug)]
pub(crate) struct Notices {
    counted: Counters<1>,
}

impl Notices {
    /// Counts them there.
    pub(crate) fn new(counted: Counters<1>) -> Notices {
        Notices { counted }
    }

    /// Tells one, unless it was told a short while ago.
    pub(crate) fn tell(&self, notice: &Notice) {
        self.counted
            .get_or_create(&[("kind", kind(notice).into())])
            .inc();
        let (loud, text) = worded(notice);
        match (loud, notice) {
            (_, Notice::Unreadable { .. }) => news!(error, code = Code::IO.number(), "{text}"),
            (true, _) => news!(error, "{text}"),
            (false, _) => news!(warn, "{text}"),
        }
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
