//! A node's journal, as the core sees it: keys and values that survive a crash.
//!
//! What [`crate::Agent::handle`] adds to [`crate::Effects::journal`] must be durable before any of the
//! actions of the same or a later call is carried out. The daemon commits many calls' changes at once.

/// A change: the value, or none where the key goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalChange {
    /// The key.
    pub key: String,
    /// The value; none: the key goes.
    pub value: Option<Vec<u8>>,
}

/// All that a journal holds.
pub type Journal = Vec<(String, Vec<u8>)>;
