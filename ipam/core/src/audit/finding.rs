//! What can be found.

use crate::{AttachmentId, PoolName};
use fairway_kv::Txn;
use std::{fmt, net::IpAddr};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $breaks:literal;)+) => {
        /// What kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl FindingKind {
            /// Every kind: its name, whether the equation does not hold with it, and its meaning.
            pub const ALL: &'static [(FindingKind, &'static str, bool, &'static str)] =
                &[$((FindingKind::$name, $text, $breaks, concat!($($doc),+))),+];

            /// Its name: kebab case, never used for anything else.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(FindingKind::$name => $text,)+
                }
            }

            /// Does the proof fail with it?
            pub fn breaks(self) -> bool {
                match self {
                    $(FindingKind::$name => $breaks,)+
                }
            }
        }
    };
}

kinds! {
    /// An address that stands in two blocks, two claims or twice in one block.
    Duplicate = "duplicate", true;
    /// Two pools, or two blocks, that overlap.
    Overlap = "overlap", true;
    /// A block sets an address aside for a claim that does not exist or does not have it: a leak.
    UnknownClaim = "unknown-claim", true;
    /// A claim has an address that its block does not set aside for it.
    NotGranted = "not-granted", true;
    /// A block of no pool, or one that its pool does not have.
    StaleBlock = "stale-block", true;
    /// A claim of no pool or outside its pool, a borrowed address that nobody has, a claim that was refused.
    StaleClaim = "stale-claim", true;
    /// A block's record speaks of an address outside the block.
    BadEntry = "bad-entry", true;
    /// A container has its pool's gateway address.
    GatewayTaken = "gateway-taken", true;
    /// A value of the store that cannot be read.
    Unreadable = "unreadable", true;
    /// A block or claim of a node's earlier journal, which the node has not taken over.
    OldJournal = "old-journal", true;
    /// The journal says that a container has an address; the container is not there.
    Leaked = "leaked", true;
    /// A container has an address that the journal does not know of.
    NotInJournal = "not-in-journal", true;
    /// A container does not have the address that the journal says it has.
    KernelDiffers = "kernel-differs", true;
    /// A container still has an address that was given on to another.
    CutOff = "cut-off", true;
    /// The store's record and the owner's journal do not say the same.
    NotPublished = "not-published", true;
    /// A claim's holder in the store is not the one in the journal.
    HolderMismatch = "holder-mismatch", true;
    /// A node whose lease is gone has blocks or claims.
    NodeAway = "node-away", false;
    /// A node that is not there, or a pool that is not, asks for a block.
    StaleWant = "stale-want", false;
    /// A set has more members than it may.
    SurplusMember = "surplus-member", false;
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// Its pool.
    pub pool: Option<PoolName>,
    /// The address, if it is about one.
    pub ip: Option<IpAddr>,
    /// One line for people.
    pub text: String,
    /// What an operator does, where it is not repaired.
    pub remedy: String,
    /// A repair that is safe.
    pub fix: Option<Fix>,
}

impl Finding {
    /// What it is about: the same where the same thing is seen again.
    pub(super) fn what(&self) -> (FindingKind, Option<&PoolName>, Option<IpAddr>, &str) {
        (self.kind, self.pool.as_ref(), self.ip, &self.text)
    }
}

/// A repair that frees nothing on an observation that is older than what it frees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// To be committed to the store; it fails where anything that it relies on has changed.
    Txn(Txn),
    /// To be handed to the agent as [`crate::Request::Gone`].
    Gone(AttachmentId, u64),
}
