//! Blocks, as the store has them.

use super::Record;
use crate::{AttachmentId, JournalId, NodeName, Uid};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use std::net::IpAddr;

/// Who owns a block.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockOwner {
    /// The node.
    pub node: NodeName,
    /// Its journal: the same node with a new journal is another owner.
    pub journal: JournalId,
    /// Which boot of its machine (`/proc/sys/kernel/random/boot_id`): containers of another one are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
}

/// What an address of a block is, where it is not free.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Use {
    /// A container has it.
    Live {
        /// Which.
        attachment: AttachmentId,
        /// The workload's name, for people.
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

/// One address that is not free: `{"ip", "seq"}` and one of `"live": {…}`, `"cooling": true`,
/// `"claimed": UID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "EntryForm")]
pub struct BlockEntry {
    /// The address.
    pub ip: IpAddr,
    /// The owner's sequence number of this use.
    pub seq: u64,
    /// What it is.
    pub used: Use,
}

#[derive(Deserialize)]
struct EntryForm {
    ip: IpAddr,
    seq: u64,
    #[serde(default)]
    live: Option<LiveForm>,
    #[serde(default)]
    cooling: bool,
    #[serde(default)]
    claimed: Option<Uid>,
}

#[derive(Deserialize)]
struct LiveForm {
    attachment: AttachmentId,
    #[serde(default)]
    workload: Option<String>,
}

#[derive(Serialize)]
struct LiveRef<'a> {
    attachment: &'a AttachmentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<&'a str>,
}

impl TryFrom<EntryForm> for BlockEntry {
    type Error = &'static str;

    fn try_from(form: EntryForm) -> Result<Self, &'static str> {
        let used = match (form.live, form.cooling, form.claimed) {
            (
                Some(LiveForm {
                    attachment,
                    workload,
                }),
                false,
                None,
            ) => Use::Live {
                attachment,
                workload,
            },
            (None, true, None) => Use::Cooling,
            (None, false, Some(uid)) => Use::Claimed { uid },
            _ => return Err("exactly one of live, cooling and claimed must be there"),
        };
        let EntryForm { ip, seq, .. } = form;
        Ok(BlockEntry { ip, seq, used })
    }
}

impl Serialize for BlockEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("BlockEntry", 3)?;
        entry.serialize_field("ip", &self.ip)?;
        entry.serialize_field("seq", &self.seq)?;
        match &self.used {
            Use::Live {
                attachment,
                workload,
            } => {
                let workload = workload.as_deref();
                entry.serialize_field(
                    "live",
                    &LiveRef {
                        attachment,
                        workload,
                    },
                )?;
            }
            Use::Cooling => entry.serialize_field("cooling", &true)?,
            Use::Claimed { uid } => entry.serialize_field("claimed", uid)?,
        }
        entry.end()
    }
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

impl BlockRecord {
    /// The block with no owner any more: what its containers had rests, and who had it learns from the epoch.
    pub fn disowned(&self) -> BlockRecord {
        let mut record = BlockRecord {
            owner: None,
            epoch: self.epoch.saturating_add(1),
            ..self.clone()
        };
        for entry in &mut record.entries {
            if matches!(entry.used, Use::Live { .. }) {
                entry.used = Use::Cooling;
            }
        }
        record
    }
}
