//! What stands in the journal, and in which form.
//!
//! `seq`: no sequence number above it was given. `block/POOL/CIDR`: a block of this node. `live/…`: an
//! attachment and what it has. `rest/IP`: an address that rests. `claimed/IP`: one that was set aside for
//! a claim. `vacant/UID`: a claim whose holder has gone, of which the store has not been told.
//! `pool/NAME`: a pool as it was last seen, so that a restart without the store knows it. `rebuilding`: what
//! a lost journal knew was not all taken over yet. `ended/…`: an attachment that was released before it was.
//! `rewound`: at which revision the store was found to have gone back.

use super::{
    block::{Phase, Slot, Used},
    live::{Live, Vacant},
};
use crate::{AttachmentId, Cidr, Journal, JournalChange, PoolName, PoolSpec, Uid};
use fairway_kv::Revision;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, net::IpAddr};

/// A journal that cannot be read: it is to be set aside, and the agent started with an empty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal: {key}: {reason}")]
pub struct JournalError {
    /// The key.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// A block, in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedBlock {
    pub(super) epoch: u64,
    /// All claims in it are known.
    pub(super) ready: bool,
    pub(super) giving: bool,
}

/// An address of a claim, in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedClaimed {
    pub(super) uid: Uid,
    pub(super) seq: u64,
    pub(super) granted: Option<u64>,
}

/// An address that rests, in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedRest {
    pub(super) seq: u64,
}

/// A pool, in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedPool {
    pub(super) spec: PoolSpec,
    pub(super) modified: u64,
}

/// All that a journal holds, read.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) seq: u64,
    pub(super) blocks: Vec<(PoolName, Cidr, SavedBlock)>,
    pub(super) live: Vec<Live>,
    pub(super) rests: Vec<(IpAddr, SavedRest)>,
    pub(super) claimed: Vec<(IpAddr, SavedClaimed)>,
    pub(super) vacant: Vec<Vacant>,
    pub(super) pools: Vec<(PoolName, SavedPool)>,
    pub(super) rebuilding: bool,
    pub(super) ended: BTreeSet<AttachmentId>,
    pub(super) rewound: Option<u64>,
}

const REBUILDING: &str = "rebuilding";

/// Does an agent that begins with this journal need to know what the kernel shows?
pub fn wants_sightings(journal: &Journal) -> bool {
    journal.is_empty() || journal.iter().any(|(key, _)| key == REBUILDING)
}

impl Saved {
    pub(super) fn read(journal: Journal) -> Result<Saved, JournalError> {
        let mut saved = Saved::default();
        for (key, value) in journal {
            let unknown = || JournalError {
                key: key.clone(),
                reason: "is no key of a journal".to_owned(),
            };
            let (kind, rest) = key.split_once('/').unwrap_or((&key, ""));
            let ip = || rest.parse::<IpAddr>().map_err(|_| unknown());
            match kind {
                "seq" => saved.seq = decode(&key, &value)?,
                "rewound" => saved.rewound = Some(decode(&key, &value)?),
                REBUILDING => saved.rebuilding = true,
                "ended" => _ = saved.ended.insert(decode(&key, &value)?),
                "block" => {
                    let at = rest.split_once('/').ok_or_else(unknown)?;
                    let pool = PoolName::new(at.0).map_err(|_| unknown())?;
                    let cidr = at.1.parse().map_err(|_| unknown())?;
                    saved.blocks.push((pool, cidr, decode(&key, &value)?));
                }
                "live" => saved.live.push(decode(&key, &value)?),
                "rest" => saved.rests.push((ip()?, decode(&key, &value)?)),
                "claimed" => saved.claimed.push((ip()?, decode(&key, &value)?)),
                "vacant" => saved.vacant.push(decode(&key, &value)?),
                "pool" => {
                    let name = PoolName::new(rest).map_err(|_| unknown())?;
                    saved.pools.push((name, decode(&key, &value)?));
                }
                _ => return Err(unknown()),
            }
        }
        Ok(saved)
    }
}

fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, JournalError> {
    serde_json::from_slice(value).map_err(|error| JournalError {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

fn put(key: String, value: &impl Serialize) -> JournalChange {
    // These types have text keys only and no fallible impls, so that this cannot fail.
    let value = serde_json::to_vec(value).unwrap_or_default();
    JournalChange {
        key,
        value: Some(value),
    }
}

fn gone(key: String) -> JournalChange {
    JournalChange { key, value: None }
}

pub(super) fn rebuilding(is: bool) -> JournalChange {
    match is {
        true => put(REBUILDING.to_owned(), &true),
        false => gone(REBUILDING.to_owned()),
    }
}

pub(super) fn ended(attachment: &AttachmentId) -> JournalChange {
    put(ended_key(attachment), attachment)
}

pub(super) fn not_ended(attachment: &AttachmentId) -> JournalChange {
    gone(ended_key(attachment))
}

fn ended_key(attachment: &AttachmentId) -> String {
    format!("ended/{attachment}")
}

pub(super) fn rewound(at: Revision) -> JournalChange {
    put("rewound".to_owned(), &at.0)
}

pub(super) fn seq(seq: u64) -> JournalChange {
    put("seq".to_owned(), &seq)
}

pub(super) fn block(pool: &PoolName, cidr: Cidr, epoch: u64, phase: Phase) -> JournalChange {
    let saved = SavedBlock {
        epoch,
        // One that was lost is given out of only when it is had again.
        ready: !matches!(phase, Phase::From(_) | Phase::Lost),
        giving: phase == Phase::Giving,
    };
    put(format!("block/{pool}/{cidr}"), &saved)
}

pub(super) fn no_block(pool: &PoolName, cidr: Cidr) -> JournalChange {
    gone(format!("block/{pool}/{cidr}"))
}

pub(super) fn live(live: &Live) -> JournalChange {
    put(live_key(&live.attachment), live)
}

pub(super) fn no_live(attachment: &AttachmentId) -> JournalChange {
    gone(live_key(attachment))
}

fn live_key(attachment: &AttachmentId) -> String {
    // None of the three can hold a slash.
    format!("live/{attachment}")
}

pub(super) fn vacant(vacant: &Vacant) -> JournalChange {
    put(format!("vacant/{}", vacant.uid), vacant)
}

pub(super) fn no_vacant(uid: &Uid) -> JournalChange {
    gone(format!("vacant/{uid}"))
}

pub(super) fn pool(name: &PoolName, spec: &PoolSpec, modified: Revision) -> JournalChange {
    let saved = SavedPool {
        spec: spec.clone(),
        modified: modified.0,
    };
    put(format!("pool/{name}"), &saved)
}

pub(super) fn no_pool(name: &PoolName) -> JournalChange {
    gone(format!("pool/{name}"))
}

/// What a slot was and is: what changes in the journal. Live ones stand with their attachment.
pub(super) fn slot(ip: IpAddr, was: Option<&Slot>, is: Option<&Slot>) -> Vec<JournalChange> {
    let key = |slot: &Slot| match slot.used {
        Used::Live { .. } => None,
        Used::Cooling { .. } => Some(format!("rest/{ip}")),
        Used::Claimed { .. } => Some(format!("claimed/{ip}")),
    };
    let (before, after) = (was.and_then(key), is.and_then(key));
    let mut changes = Vec::new();
    if before != after {
        changes.extend(before.map(gone));
    }
    let Some((slot, key)) = is.zip(after) else {
        return changes;
    };
    changes.push(match &slot.used {
        Used::Claimed { uid, granted } => {
            let saved = SavedClaimed {
                uid: uid.clone(),
                seq: slot.seq,
                granted: granted.map(|revision| revision.0),
            };
            put(key, &saved)
        }
        _ => put(key, &SavedRest { seq: slot.seq }),
    });
    changes
}
