//! What can go wrong with a setting, and the code each has.

use fairway_cni::{Code, Fault};
use fairway_netlink::{NsError, sysctl::SysctlError};
use std::{io, path::PathBuf};

/// A setting could not be made, kept, put back, or is another one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The kernel, or the way to it.
    #[error(transparent)]
    Netlink(fairway_netlink::Error),
    /// The container's namespace.
    #[error("CNI_NETNS: {0}")]
    Namespace(#[from] NsError),
    /// The container has no such interface.
    #[error("CNI_IFNAME: interface {0:?}: not found")]
    NoLink(String),
    /// The kernel takes no such value.
    #[error("{field}: {value}: {source}")]
    Refused {
        /// The key.
        field: &'static str,
        /// The value.
        value: String,
        /// The kernel's word.
        #[source]
        source: fairway_netlink::Error,
    },
    /// A kernel setting that is not there, or takes no such value.
    #[error("{field}: {value:?}: {source}")]
    Sysctl {
        /// The key.
        field: String,
        /// The value.
        value: String,
        /// The kernel's word.
        #[source]
        source: SysctlError,
    },
    /// A kernel setting that an administrator does not allow.
    #[error("{field}: {path:?} does not allow it")]
    NotAllowed {
        /// The key.
        field: String,
        /// The list.
        path: PathBuf,
    },
    /// A line of the allow list that is no pattern.
    #[error("{path:?}, line {line}: {pattern:?} is no pattern")]
    Pattern {
        /// The list.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is there.
        pattern: String,
    },
    /// The allow list, or what is kept of interfaces.
    #[error("{op} {path:?}: {source}")]
    File {
        /// "read", "write" or "remove".
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// CHECK: something is not as configured.
    #[error("{what}: is {found}, not {wanted}")]
    Differs {
        /// Which setting.
        what: String,
        /// As it is.
        found: String,
        /// As it should be.
        wanted: String,
    },
}

impl From<fairway_netlink::Error> for Error {
    /// A namespace that only entering shows to be none is still the field's fault.
    fn from(error: fairway_netlink::Error) -> Self {
        match error {
            fairway_netlink::Error::Namespace(source) => Error::Namespace(source),
            error => Error::Netlink(error),
        }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Error::Netlink(_) => Code::KERNEL,
            Error::Namespace(_) => Code::INVALID_NETNS,
            Error::NoLink(_) => Code::CHECK_FAILED,
            Error::Refused { .. } | Error::Sysctl { .. } | Error::NotAllowed { .. } => {
                Code::INVALID_CONFIG
            }
            Error::Pattern { .. } | Error::File { .. } => Code::IO,
            Error::Differs { .. } => Code::CHECK_FAILED,
        }
    }
}
