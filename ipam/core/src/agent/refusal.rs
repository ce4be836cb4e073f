//! Refusals, and what makes each.

use crate::{AttachmentId, ClaimName, Family, NodeName, PoolName, Release};
use std::net::IpAddr;

/// A refusal. Nothing was given, nothing is left behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such pool.
    #[error("pool {pool} does not exist")]
    NoPool {
        /// The name.
        pool: PoolName,
    },
    /// The pool does not take this node or namespace.
    #[error("pool {pool} does not take {what}")]
    NotForYou {
        /// The pool.
        pool: PoolName,
        /// What does not match.
        what: String,
    },
    /// No pool takes this node and namespace.
    #[error("no pool takes this node and namespace; pools are made by `netctl pool create`")]
    NoPoolTakes,
    /// The pool gives no addresses any more.
    #[error("pool {pool} is draining and gives no addresses")]
    Draining {
        /// The pool.
        pool: PoolName,
    },
    /// All is taken.
    #[error("pool {pool} has no free {family} address: {detail}")]
    Exhausted {
        /// The pool.
        pool: PoolName,
        /// Of which family.
        family: Family,
        /// What is where.
        detail: String,
    },
    /// The store is away and this node's own blocks do not help.
    #[error("the store cannot be reached, and {what} needs it")]
    StoreAway {
        /// What cannot be done.
        what: String,
    },
    /// An explicit address that is in no pool, or never given.
    #[error("address {ip} {reason}")]
    NotGiven {
        /// The address.
        ip: IpAddr,
        /// Why not.
        reason: String,
    },
    /// An explicit address that somebody has.
    #[error("address {ip} is taken by {holder}")]
    Taken {
        /// The address.
        ip: IpAddr,
        /// By whom.
        holder: String,
    },
    /// It was freed a short while ago.
    #[error("address {ip} was freed and rests for {millis} ms more")]
    Resting {
        /// The address.
        ip: IpAddr,
        /// For how long.
        millis: u64,
    },
    /// The claim is held by another container.
    #[error("claim {claim} is held by {holder}")]
    Held {
        /// The claim.
        claim: ClaimName,
        /// By whom, where.
        holder: String,
        /// Trying again is of use (`handover: wait`).
        again: bool,
    },
    /// The claim was moved to another node.
    #[error("claim {claim} is kept for node {node}")]
    KeptFor {
        /// The claim.
        claim: ClaimName,
        /// The node.
        node: NodeName,
    },
    /// The claim has other addresses, or is of another pool.
    #[error("claim {claim}: {reason}")]
    Claim {
        /// The claim.
        claim: ClaimName,
        /// What is wrong.
        reason: String,
    },
    /// A release policy that needs a workload, without one.
    #[error("release {release}: the workload is not known; name it by `claim`")]
    NoWorkload {
        /// The policy.
        release: Release,
    },
    /// ADD twice, without DEL in between.
    #[error("{attachment} has {addresses} already")]
    AlreadyAttached {
        /// Which.
        attachment: AttachmentId,
        /// What it has.
        addresses: String,
    },
    /// Its deadline passed.
    #[error("no answer in time: {what}")]
    TimedOut {
        /// What was waited for.
        what: String,
    },
    /// The other daemons' word, or the store's.
    #[error("{what}")]
    Again {
        /// What went wrong; trying again is of use.
        what: String,
    },
    /// CHECK: the attachment is not known.
    #[error("{attachment} has no addresses here")]
    Unknown {
        /// Which.
        attachment: AttachmentId,
    },
    /// CHECK: it has others.
    #[error("{attachment} has {found}, not {wanted}")]
    Differs {
        /// Which.
        attachment: AttachmentId,
        /// What it has.
        found: String,
        /// What it should have.
        wanted: String,
    },
    /// CHECK: its address was given on while this node was thought dead.
    #[error("{attachment} lost {addresses}: {reason}")]
    CutOff {
        /// Which.
        attachment: AttachmentId,
        /// What it had.
        addresses: String,
        /// Why.
        reason: String,
    },
    /// The store holds something of a newer version.
    #[error("{key}: {reason}")]
    Record {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

impl Refusal {
    pub(super) fn already(attachment: &AttachmentId, addresses: &[IpAddr]) -> Self {
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        Self::AlreadyAttached {
            attachment: attachment.clone(),
            addresses: addresses.join(", "),
        }
    }
}
