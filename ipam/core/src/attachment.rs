//! Who holds an address: one interface of one container in one network.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which interface of which container in which network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttachmentId {
    /// The network's name, as the configuration has it.
    pub network: String,
    /// `CNI_CONTAINERID`.
    pub container: String,
    /// `CNI_IFNAME`.
    pub ifname: String,
}

impl fmt::Display for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.network, self.container, self.ifname)
    }
}

/// A network namespace by its path, and which one was mounted there: a path is used again, an inode
/// number is not while the namespace lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Netns {
    /// `CNI_NETNS`.
    pub path: String,
    /// The device of the file that was there.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
}
