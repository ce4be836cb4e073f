//! What was asked of the daemons, when, and what came of it.
//!
//! A history is written as JSON lines while the test runs ([`Recorder`]) and judged afterwards ([`judge()`]),
//! so a run that failed can be judged again, and the judge can be shown histories that never were. All
//! times are microseconds on one clock, that of the process that made the calls: what is proven needs no
//! daemon's clock.

mod judge;
mod lives;
mod record;
mod snapshot;
mod violation;

#[cfg(test)]
mod forged;

pub use judge::{Rules, judge};
pub use lives::Lives;
pub use record::{Recorder, read};
pub use snapshot::check_snapshot;
pub use violation::Violation;

use fairway_api::admin::AddressRow;
use fairway_api::ipam::{Allocated, Attachment, Facts};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// A call that was made.
    Call(Call),
    /// What one daemon listed when all should have been in step.
    Snapshot(Listed),
    /// What was done to the cluster. For people; nothing is judged by it.
    Fault {
        /// When.
        at: u64,
        /// What.
        what: String,
    },
}

/// A call that was made and has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Before the request was sent.
    pub start: u64,
    /// After the answer was read, or it was clear that there will be none.
    pub end: u64,
    /// The node whose daemon was asked.
    pub node: String,
    /// What was asked.
    pub ask: Ask,
    /// What came of it.
    pub outcome: Outcome,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Addresses.
    Add {
        /// For whom.
        attachment: Attachment,
        /// With what said about it.
        facts: Box<Facts>,
    },
    /// They are not needed any more.
    Del {
        /// By whom.
        attachment: Attachment,
    },
    /// Are they there still?
    Check {
        /// Whose.
        attachment: Attachment,
        /// Which.
        addresses: Vec<IpAddr>,
    },
    /// A claim goes.
    Unclaim {
        /// Its name.
        claim: String,
    },
}

impl Ask {
    /// Whom it is about.
    pub fn attachment(&self) -> Option<&Attachment> {
        match self {
            Self::Add { attachment, .. }
            | Self::Del { attachment }
            | Self::Check { attachment, .. } => Some(attachment),
            Self::Unclaim { .. } => None,
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// An ADD's addresses.
    Given(Allocated),
    /// What a DEL freed.
    Freed(Vec<IpAddr>),
    /// A good answer that says nothing more.
    Fine,
    /// The daemon's no: nothing was done.
    Refused {
        /// The code.
        code: u32,
        /// The daemon's words.
        message: String,
    },
    /// No answer: it may have been done, or not, or be done yet.
    Unknown {
        /// What happened to the connection.
        why: String,
    },
}

/// A list of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Before it was asked for.
    pub start: u64,
    /// After it was read.
    pub end: u64,
    /// Who was asked.
    pub node: String,
    /// All that is not free.
    pub rows: Vec<AddressRow>,
}
