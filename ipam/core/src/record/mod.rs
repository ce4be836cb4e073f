//! Values in the store: JSON with a `version`.
//!
//! A newer version is never guessed at: whoever meets one says so and leaves the key alone. An error
//! names the field by its path. Fields that are not known are passed over, so that a later Fairway may add
//! some without a new version.

mod block;
mod claim;
#[cfg(test)]
mod tests;

pub use crate::network::NetworkRecord;
pub use block::{BlockEntry, BlockOwner, BlockRecord, Use};
pub use claim::{Claim, ClaimRecord, Holder, Kind, Part, SetSpec};

use crate::{JournalId, PoolSpec, UnixSeconds};
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
        // All records are objects with text keys and no part that can fail; the tests write each.
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
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = match error.path().iter().next() {
            Some(_) => error.path().to_string(),
            None => "value".to_owned(),
        };
        let mut reason = error.inner().to_string();
        // A record is one line: where in it says nothing.
        if let Some(at) = reason.rfind(" at line ") {
            reason.truncate(at);
        }
        RecordError::Field { field, reason }
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
    /// Where others reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub underlay: Option<UnderlayRecord>,
}

/// A node's place in the underlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderlayRecord {
    /// The largest packet, in bytes with its IP header.
    pub mtu: u32,
    /// One of each family at most, IPv4's first.
    pub addresses: Vec<UnderlayAddress>,
}

/// An address of a node in the underlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderlayAddress {
    /// The address; it is the VTEP as well.
    pub address: IpAddr,
    /// The length of its subnet's prefix.
    pub prefix: u8,
}

impl Record for NodeRecord {}

/// `wants/<pool>/<node>/<family>`: a node that finds no free block asks the others for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantRecord {
    /// Since when.
    pub since: UnixSeconds,
}

impl Record for WantRecord {}

/// `drains/<node>`: the node takes no new containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainRecord {
    /// Since when.
    pub since: UnixSeconds,
}

impl Record for DrainRecord {}

/// `meta/pools`, `meta/networks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRecord {
    /// Goes up with each change.
    pub generation: u64,
}

impl Record for GuardRecord {}
