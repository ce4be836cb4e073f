//! Claims, as the store has them.

use super::Record;
use crate::{
    AppName, AttachmentId, Cidr, Handover, JournalId, NodeName, Release, Uid, UnixSeconds,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How far the owner of its block has agreed that an address is the claim's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "PartForm", into = "PartForm")]
pub enum Part {
    /// The owner of `block` is asked for this address, or for any of that block.
    Asked {
        /// The block.
        block: Cidr,
        /// The address; none: any.
        ip: Option<IpAddr>,
    },
    /// It is the claim's.
    Granted {
        /// The address.
        ip: IpAddr,
    },
    /// The owner says no.
    Refused {
        /// The block.
        block: Cidr,
        /// The address that was asked for.
        ip: Option<IpAddr>,
        /// Why.
        reason: String,
    },
}

/// As it is written: `{"state": "asked" | "granted" | "refused", …}`.
#[derive(Serialize, Deserialize)]
struct PartForm {
    state: PartState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    block: Option<Cidr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PartState {
    Asked,
    Granted,
    Refused,
}

impl TryFrom<PartForm> for Part {
    type Error = &'static str;

    fn try_from(form: PartForm) -> Result<Self, &'static str> {
        let ip = form.ip;
        let block = form.block.ok_or("block: missing, and needed in this state");
        Ok(match form.state {
            PartState::Asked => Part::Asked { block: block?, ip },
            PartState::Granted => Part::Granted {
                ip: ip.ok_or("ip: missing, and needed in this state")?,
            },
            PartState::Refused => Part::Refused {
                block: block?,
                ip,
                reason: form.reason.unwrap_or_default(),
            },
        })
    }
}

impl From<Part> for PartForm {
    fn from(part: Part) -> PartForm {
        let (state, block, ip, reason) = match part {
            Part::Asked { block, ip } => (PartState::Asked, Some(block), ip, None),
            Part::Granted { ip } => (PartState::Granted, None, Some(ip), None),
            Part::Refused { block, ip, reason } => {
                (PartState::Refused, Some(block), ip, Some(reason))
            }
        };
        PartForm {
            state,
            block,
            ip,
            reason,
        }
    }
}

/// Who has a claim's addresses now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// On which node.
    pub node: NodeName,
    /// By which journal.
    pub journal: JournalId,
    /// Which interface.
    pub attachment: AttachmentId,
    /// The holding node's sequence number of this holding.
    pub seq: u64,
    /// Since when.
    pub since: UnixSeconds,
    /// In which boot of the node's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
}

/// What kind of claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A workload's.
    Sticky,
    /// One container's, for as long as it lives: an address out of another node's block.
    Borrowed,
}

/// `claims/<pool>/<claim>`: a claim, or what holds for a set of claims: `{"claim": {…}}`, `{"set": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "ClaimForm")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are claims, and none is kept for long but in the view"
)]
pub enum ClaimRecord {
    /// One claim.
    Claim(Claim),
    /// A set: its members are the claims `<claim>#<n>`.
    Set(SetSpec),
}

impl Record for ClaimRecord {}

/// An enum of serde's cannot be read beside `version`.
#[derive(Deserialize)]
struct ClaimForm {
    #[serde(default)]
    claim: Option<Claim>,
    #[serde(default)]
    set: Option<SetSpec>,
}

impl TryFrom<ClaimForm> for ClaimRecord {
    type Error = &'static str;

    fn try_from(form: ClaimForm) -> Result<Self, &'static str> {
        match (form.claim, form.set) {
            (Some(claim), None) => Ok(ClaimRecord::Claim(claim)),
            (None, Some(set)) => Ok(ClaimRecord::Set(set)),
            _ => Err("exactly one of claim and set must be there"),
        }
    }
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which incarnation: a claim that was removed and made anew has another.
    pub uid: Uid,
    /// What kind.
    pub kind: Kind,
    /// One of each family.
    pub parts: Vec<Part>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// When it is given back.
    pub release: Release,
    /// What a newcomer gets while it is held.
    pub handover: Handover,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// Its number in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// Only this node may take it (`netctl claim move`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<NodeName>,
    /// Whom an administrator took it from: that one is cut off, and does not take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ousted: Option<Holder>,
    /// When the last holder went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<UnixSeconds>,
    /// When it was made.
    pub created: UnixSeconds,
}

impl Claim {
    /// Its addresses, if all of them were granted.
    pub fn addresses(&self) -> Option<Vec<IpAddr>> {
        let granted = |part: &Part| match part {
            Part::Granted { ip } => Some(*ip),
            _ => None,
        };
        self.parts.iter().map(granted).collect()
    }
}

/// What holds for a set of claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSpec {
    /// How many members it keeps. None: as many as there were at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// How many more there may be during an update. At least 1, so that an update with surge can go on.
    pub surge: u32,
    /// When members are given back.
    pub release: Release,
    /// What a newcomer gets while all members are held.
    pub handover: Handover,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// When it was made.
    pub created: UnixSeconds,
}
