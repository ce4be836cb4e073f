//! What can go wrong between a request and its answer.
//!
//! The kernel says little more than an errno; a plugin has to tell its user
//! which operation on which object failed. So every error names both, and takes
//! along the kernel's own words (extended acknowledgement) where there are any.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

use crate::ns::NsError;

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Failure of a netlink operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused the request.
    #[error("{op} {subject}: {errno}{}", ext_ack_suffix(.ext_ack))]
    Kernel {
        /// What was asked for, as a phrase: "create veth".
        op: &'static str,
        /// On which object: "veth0", "10.1.0.2/24 on link 7".
        subject: String,
        /// The kernel's error number.
        errno: Errno,
        /// The kernel's explanation, where it gave one.
        ext_ack: Option<String>,
    },
    /// The kernel did not answer in time.
    #[error("{op} {subject}: no answer from the kernel within {} s", .after.as_secs())]
    Timeout {
        /// What was asked for.
        op: &'static str,
        /// On which object.
        subject: String,
        /// How long the answer was waited for.
        after: Duration,
    },
    /// A dump was interrupted by concurrent changes each time it was tried.
    #[error("{op} {subject}: interrupted by concurrent changes {tries} times in a row")]
    Interrupted {
        /// What was asked for.
        op: &'static str,
        /// On which object.
        subject: String,
        /// How many times the dump was started.
        tries: u32,
    },
    /// The answer does not parse.
    #[error("{op} {subject}: malformed answer from the kernel: {what}")]
    Malformed {
        /// What was asked for.
        op: &'static str,
        /// On which object.
        subject: String,
        /// Which rule of the format was broken.
        what: &'static str,
    },
    /// A value that the kernel's format has no room for, found before sending.
    #[error("{op} {subject}: {what}")]
    Invalid {
        /// What was asked for.
        op: &'static str,
        /// On which object.
        subject: String,
        /// Why it cannot be sent.
        what: &'static str,
    },
    /// The socket itself failed.
    #[error("{op}: {source}")]
    Io {
        /// Which step: "open netlink socket", "send", "receive".
        op: &'static str,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The namespace could not be entered.
    #[error(transparent)]
    Namespace(#[from] NsError),
}

fn ext_ack_suffix(ext_ack: &Option<String>) -> String {
    ext_ack
        .as_ref()
        .map_or_else(String::new, |text| format!(" ({text})"))
}

impl Error {
    /// The kernel's error number, where the kernel (or the socket) gave one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            Self::Io { source, .. } => source.raw_os_error().map(Errno::from_raw),
            _ => None,
        }
    }

    /// The object exists already (EEXIST).
    pub fn is_exists(&self) -> bool {
        self.errno() == Some(Errno::EEXIST)
    }

    /// The object is not there (ENOENT, ENODEV, ESRCH, EADDRNOTAVAIL).
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.errno(),
            Some(Errno::ENOENT | Errno::ENODEV | Errno::ESRCH | Errno::EADDRNOTAVAIL)
        )
    }

    /// The object is in use (EBUSY).
    pub fn is_busy(&self) -> bool {
        self.errno() == Some(Errno::EBUSY)
    }

    /// This kernel lacks the feature (EOPNOTSUPP).
    pub fn is_unsupported(&self) -> bool {
        self.errno() == Some(Errno::EOPNOTSUPP)
    }
}
