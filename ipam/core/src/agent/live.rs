//! What attachments of this node have.

use crate::{AttachmentId, Cidr, ClaimName, Netns, PoolName, Uid, UnixSeconds};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which claim an attachment holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) pool: PoolName,
    pub(super) name: ClaimName,
    pub(super) uid: Uid,
    pub(super) borrowed: bool,
    /// The store says so, by this journal. Not so where the holding was a former life's, of which a
    /// transaction may still be on its way.
    pub(super) confirmed: bool,
}

/// An address and what its pool says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) ip: IpAddr,
    pub(super) range: Cidr,
    pub(super) gateway: Option<IpAddr>,
    pub(super) pool: PoolName,
    /// It is the claim's, and not of a block of this node.
    pub(super) claim: bool,
}

/// An attachment and what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Live {
    pub(super) attachment: AttachmentId,
    pub(super) netns: Option<Netns>,
    pub(super) given: Vec<Given>,
    pub(super) hold: Option<Hold>,
    pub(super) label: Option<String>,
    pub(super) seq: u64,
    pub(super) since: UnixSeconds,
    pub(super) temporary: bool,
    /// Why it must not use its addresses any more.
    pub(super) cut_off: Option<String>,
    /// All that it has was given under this journal, so nothing that the store says of a former life is its own.
    #[serde(default)]
    pub(super) whole: bool,
}

impl Live {
    /// All its addresses.
    pub(super) fn ips(&self) -> Vec<IpAddr> {
        self.given.iter().map(|given| given.ip).collect()
    }
}

/// A claim whose holder on this node has gone. As long as the store was not asked to note that
/// (`releasing`), this node has it still and may give it to the workload's next container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vacant {
    pub(super) uid: Uid,
    pub(super) pool: PoolName,
    pub(super) name: ClaimName,
    pub(super) borrowed: bool,
    pub(super) confirmed: bool,
    pub(super) given: Vec<Given>,
    pub(super) ended: UnixSeconds,
    pub(super) releasing: bool,
}
