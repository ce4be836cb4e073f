//! The journal: what this node knows and must not forget, in a file that survives SIGKILL and power loss.
//!
//! One commit of it covers all requests that came while the one before was written (group commit), so that
//! a disk with 3 ms a sync bears thousands of allocations a second. What goes wrong with such files in real
//! life: the disk is full (the requests of that commit are refused, and the agent starts again from what
//! the disk has), the file is damaged (it is set aside, and the node is rebuilt from the store and the
//! kernel), two daemons want it (a lock on the folder).

mod file;
mod folder;
mod measured;
#[cfg(test)]
mod tests;

pub use file::FileJournal;
pub use folder::{Folder, FolderError};
pub use measured::{JournalMeter, Measured};

use fairway_ipam::{Journal as Entries, JournalChange, JournalId, NodeName};
use serde::{Deserialize, Serialize};
use std::{io, path::PathBuf};

/// Which boot of the machine the journal was last used in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// `/proc/sys/kernel/random/boot_id`.
    pub id: String,
    /// Attachments up to this sequence number were made in an earlier boot: their containers are gone.
    pub former: u64,
}

/// All that a journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Which journal it is.
    pub id: JournalId,
    /// The agent's entries.
    pub entries: Entries,
    /// The boot that it was last used in; none where it is new.
    pub boot: Option<Boot>,
    /// Which node's it is; none where it is new.
    pub node: Option<NodeName>,
}

/// A journal on a disk, or something that plays one.
pub trait Journal: Send {
    /// All there is on the disk, read anew: also after a commit that failed.
    ///
    /// # Errors
    /// See [`JournalFault`].
    fn load(&mut self) -> Result<Contents, JournalFault>;

    /// Makes changes durable, all or none, in their order. After an error [`Journal::load`] says what came
    /// of it.
    ///
    /// # Errors
    /// See [`JournalFault`].
    fn commit(&mut self, changes: &[JournalChange]) -> Result<(), JournalFault>;

    /// Notes whose it is.
    ///
    /// # Errors
    /// See [`JournalFault`].
    fn note_node(&mut self, node: &NodeName) -> Result<(), JournalFault>;

    /// Notes the boot.
    ///
    /// # Errors
    /// See [`JournalFault`].
    fn note_boot(&mut self, boot: &Boot) -> Result<(), JournalFault>;
}

/// What goes wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// It is damaged.
    #[error("journal {}: damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A later Fairway wrote it.
    #[error("journal {}: format {found} is newer than {known}, the newest that this program knows; it is left alone", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest that is known.
        known: u64,
    },
    /// It cannot be read or written.
    #[error("journal {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl JournalFault {
    /// Setting it aside and starting anew is the way out.
    pub fn is_damage(&self) -> bool {
        matches!(self, JournalFault::Damaged { .. })
    }
}
