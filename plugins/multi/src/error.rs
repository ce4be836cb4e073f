//! What can be wrong with a container's networks, besides what a field holds.

use crate::definition::NotDefined;
use fairway_cni::{Code, Failure, Fault, FieldError};
use fairway_netlink::NsError;
use std::{io, path::PathBuf};

/// Networks could not be found, agreed on, remembered or told apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the configuration, or of an annotation.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// What a pod asks for cannot be had from who knows it: in its own words.
    #[error("what the pod asks for is not known: {}", .0.msg)]
    Daemon(Failure),
    /// Nobody knows the network.
    #[error("{field}: network {name:?} is none of the delegates and in no file of {}{}{defined}", .folder.display(), beside(.unread))]
    Unknown {
        /// Who asks for it.
        field: String,
        /// Its name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// Files there that could not be read, and why.
        unread: Vec<String>,
        /// Why no object defines it.
        defined: Box<NotDefined>,
    },
    /// No plugin of the network can do what was asked for.
    #[error("{field}: network {network:?} has no plugin with the capability {capability:?}")]
    Incapable {
        /// Who asks.
        field: String,
        /// The network's name.
        network: String,
        /// The capability.
        capability: &'static str,
    },
    /// An interface's name that two networks would have.
    #[error("{field}: interface {ifname:?} is {other}'s already")]
    Twice {
        /// The later one.
        field: String,
        /// The interface.
        ifname: String,
        /// The earlier one.
        other: String,
    },
    /// A gateway that the kernel does not take.
    #[error("{field}: {gateway} cannot be a gateway by {ifname:?}")]
    Gateway {
        /// Who asks.
        field: String,
        /// The gateway.
        gateway: std::net::IpAddr,
        /// The network's interface in the container.
        ifname: String,
        /// The kernel's word.
        source: Box<fairway_netlink::Error>,
    },
    /// The container has its networks.
    #[error("container {container:?} has its networks at {ifname:?} already; DEL it first")]
    Attached {
        /// The container.
        container: String,
        /// `CNI_IFNAME`.
        ifname: String,
    },
    /// Somebody's interface has the name.
    #[error(
        "interface {ifname:?} is in the container already, and is nothing that was attached to this network"
    )]
    Taken {
        /// The name.
        ifname: String,
    },
    /// What was remembered of a container is not there.
    #[error("nothing is known of the networks of container {container:?} at {ifname:?}: no record in {}", .folder.display())]
    Forgotten {
        /// The container.
        container: String,
        /// `CNI_IFNAME`.
        ifname: String,
        /// Where it should be.
        folder: PathBuf,
    },
    /// What was remembered of a container makes no sense.
    #[error("{}: {reason}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file or folder.
    #[error("{op} {}", .path.display())]
    Io {
        /// What was to be done.
        op: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The name of a container that no file can bear.
    #[error("CNI_CONTAINERID: longer than {max} bytes")]
    LongName {
        /// How long it may be.
        max: usize,
    },
    /// What is in the container is not what should be.
    #[error("{what}: {found}")]
    Mismatch {
        /// What was looked at.
        what: String,
        /// What it is.
        found: String,
    },
    /// The container's side of the kernel.
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
    /// The container's namespace.
    #[error(transparent)]
    Namespace(#[from] NsError),
}

impl Error {
    /// For `map_err`.
    pub(crate) fn io(op: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Error::Io { op, path, source }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Error::Field(error) => error.code(),
            Error::Daemon(failure) => failure.code,
            Error::Unknown { defined, .. } => defined.code(),
            Error::Twice { .. } | Error::Gateway { .. } => Code::INVALID_CONFIG,
            Error::Incapable { .. } => Code::UNSUPPORTED_FIELD,
            Error::Attached { .. } | Error::Taken { .. } => Code::ALREADY_ATTACHED,
            Error::Forgotten { .. } | Error::Mismatch { .. } => Code::CHECK_FAILED,
            Error::Damaged { .. } | Error::Io { .. } => Code::IO,
            Error::LongName { .. } => Code::INVALID_ENVIRONMENT,
            Error::Netlink(fairway_netlink::Error::Namespace(_)) | Error::Namespace(_) => {
                Code::INVALID_NETNS
            }
            Error::Netlink(_) => Code::KERNEL,
        }
    }
}

fn beside(unread: &[String]) -> String {
    match unread {
        [] => String::new(),
        unread => format!(" (not readable: {})", unread.join("; ")),
    }
}
