//! Values in the store: JSON with a `version`.
//!
//! A newer version is never guessed at: whoever meets one says so and leaves the key alone.

use crate::{
    AppName, AttachmentId, Cidr, Handover, JournalId, NodeName, PoolSpec, Release, Uid, UnixSeconds,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, net::IpAddr};

/// The version that this program writes and the newest that it reads.
pub const VERSION: u32 = 1;

/// A value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not an object.
    #[error("is no JSON object: {reason}")]
    Json {
        /// The parser's word.
        reason: String,
    },
    /// A later Fairway wrote it.
    #[error(
        "version {found} is newer than {VERSION}, the newest that this program knows; it is left alone"
    )]
    Newer {
        /// Its version.
        found: u64,
    },
    /// No version, or not a number.
    #[error("version: missing or not a whole number above 0")]
    Version,
    /// A field is wrong.
    #[error("{field}: {reason}")]
    Field {
        /// Its path.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

/// What has a place in the store.
pub trait Record: Serialize + DeserializeOwned {
    /// Reads a value.
    ///
    /// # Errors
    /// Names the field, or says that the version is newer.
    fn decode(value: &[u8]) -> Result<Self, RecordError> {
        decode(value)
    }

    /// Writes it.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("{{\"version\":{VERSION},").into_bytes();
        match serde_json::to_vec(self) {
            Ok(json) if json.len() > 2 => bytes.extend_from_slice(&json[1..]),
            _ => {
                bytes.pop();
                bytes.push(b'}');
            }
        }
        bytes
    }
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, RecordError> {
    #[derive(Deserialize)]
    struct Version {
        version: Option<serde_json::Number>,
    }
    let json = |error: serde_json::Error| RecordError::Json {
        reason: error.to_string(),
    };
    let version = serde_json::from_slice::<Version>(value).map_err(json)?;
    match version.version.and_then(|number| number.as_u64()) {
        Some(found) if found > u64::from(VERSION) => return Err(RecordError::Newer { found }),
        Some(1..) => {}
        _ => return Err(RecordError::Version),
    }
    let mut reader = serde_json::Deserializer::from_slice(value);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| RecordError::Field {
        field: error.path().to_string(),
        reason: error.inner().to_string(),
    })
}

/// `pools/<pool>`.
impl Record for PoolSpec {}

/// `nodes/<node>`, bound to the node's lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The daemon's journal.
    pub journal: JournalId,
    /// Labels from its configuration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When it came up.
    pub since: UnixSeconds,
    /// The daemon's version.
    pub daemon: String,
    /// `uname -n`, so that two daemons with one node name can be told apart.
    pub host: String,
}

impl Record for NodeRecord {}

/// Who owns a block.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockOwner {
    /// The node.
    pub node: NodeName,
    /// Its journal: the same node with a new journal is another owner.
    pub journal: JournalId,
}

/// What an address of a block is, where it is not free.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// A container has it.
    Live {
        /// Which.
        attachment: AttachmentId,
        /// The workload's name, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workload: Option<String>,
    },
    /// It was freed and rests.
    Cooling,
    /// It is a claim's, and only the claim says who has it.
    Claimed {
        /// Which incarnation of which claim.
        uid: Uid,
    },
}

/// One address that is not free.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockEntry {
    /// The address.
    pub ip: IpAddr,
    /// The owner's sequence number of this use.
    pub seq: u64,
    /// What it is.
    #[serde(flatten)]
    pub used: Use,
}

/// `blocks/<pool>/<cidr>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRecord {
    /// Who may give its addresses. None: whoever comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<BlockOwner>,
    /// Goes up with each new owner.
    pub epoch: u64,
    /// How many addresses are neither excluded nor used. For people, and for nodes that seek one to borrow.
    pub free: u32,
    /// What is not free, as the owner last told; in order of addresses.
    #[serde(default)]
    pub entries: Vec<BlockEntry>,
}

impl Record for BlockRecord {}

/// How far the owner of its block has agreed that an address is the claim's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Part {
    /// The owner of `block` is asked for this address, or for any of that block.
    Asked {
        /// The block.
        block: Cidr,
        /// The address; none: any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ip: Option<IpAddr>,
        /// Why.
        reason: String,
    },
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

/// `claims/<pool>/<claim>`: a claim, or what holds for a set of claims (`set`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimRecord {
    /// One claim.
    Claim(Claim),
    /// A set: its members are the claims `<claim>#<n>`.
    Set(SetSpec),
}

impl Record for ClaimRecord {}

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

/// `wants/<pool>/<node>/<family>`: a node that finds no free block asks the others for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantRecord {
    /// Since when.
    pub since: UnixSeconds,
}

impl Record for WantRecord {}

/// `meta/pools`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRecord {
    /// Goes up with each change.
    pub generation: u64,
}

impl Record for GuardRecord {}
