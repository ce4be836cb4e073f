//! What can go wrong with a port, and the code each has.

use fairway_cni::{Code, Fault, FieldError};
use fairway_netlink::sysctl::SysctlError;
use std::{io, path::PathBuf};

/// A port could not be made to lead to a container, or does not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The rules.
    #[error(transparent)]
    Netfilter(#[from] fairway_netfilter::Error),
    /// Links and routes.
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
    /// A kernel setting.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// A port that is another's, or none is left.
    #[error("{field}: {value}: {source}")]
    Port {
        /// The path of the `hostPort`.
        field: String,
        /// What it says.
        value: String,
        /// Who has it.
        #[source]
        source: Box<fairway_netfilter::Error>,
    },
    /// A field that only the kernel shows to be wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// What is kept of the ports that were chosen.
    #[error("{op} {path:?}: {source}")]
    State {
        /// "read", "write" or "remove".
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// CHECK: it is not known any more which port was chosen.
    #[error("{field}: which port was chosen is not in {path:?}")]
    Forgotten {
        /// The path of the `hostPort`.
        field: String,
        /// The file.
        path: PathBuf,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        use fairway_netfilter::Error as Rules;
        match self {
            Error::Netfilter(Rules::MissingRule { .. } | Rules::ChangedChain { .. })
            | Error::Forgotten { .. } => Code::CHECK_FAILED,
            Error::Netfilter(_) => Code::FIREWALL,
            Error::Netlink(_) => Code::KERNEL,
            Error::Sysctl(_) | Error::State { .. } => Code::IO,
            Error::Port { .. } => Code::PORT_UNAVAILABLE,
            Error::Field(error) => error.code(),
        }
    }
}
