//! What can go wrong with a virtual function, and the code each has.

use crate::pci::PciAddress;
use fairway_cni::{Code, Fault, FieldError};
use std::{io, path::PathBuf};

/// A virtual function could not be had, set, or put back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its link, or a field.
    #[error(transparent)]
    Iface(#[from] fairway_iface::Error),
    /// A file of the state, or its folder.
    #[error("{op} {}: {source}", .path.display())]
    State {
        /// Which step.
        op: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// A file of the state that nobody can have written so.
    #[error(
        "{}: says nothing of whose {address} is: {what}; remove it if no container has that one",
        .path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Whose.
        address: PciAddress,
        /// What is wrong with it.
        what: String,
    },
    /// Somebody works on it.
    #[error("virtual function {address}: another call has worked on it for {seconds} s")]
    Busy {
        /// Which one.
        address: PciAddress,
        /// How long was waited.
        seconds: u64,
    },
    /// Its link is neither on the host nor in the container.
    #[error(
        "virtual function {address}: its link is neither on the host nor in the container; it comes back to the host \
         when the namespace that has it is gone"
    )]
    Away {
        /// Which one.
        address: PciAddress,
    },
}

impl Error {
    /// A field whose value only the node shows to be wrong.
    pub(crate) fn field(
        path: &str,
        value: impl std::fmt::Display,
        reason: impl Into<String>,
    ) -> Self {
        Error::Iface(fairway_iface::Error::Field(FieldError::Value {
            path: path.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }))
    }

    /// A field that names what somebody else has.
    pub(crate) fn in_use(
        path: &str,
        value: impl std::fmt::Display,
        reason: impl Into<String>,
    ) -> Self {
        Error::Iface(fairway_iface::Error::InUse(FieldError::Value {
            path: path.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }))
    }
}

impl From<fairway_netlink::Error> for Error {
    fn from(error: fairway_netlink::Error) -> Self {
        Error::Iface(error.into())
    }
}

impl From<fairway_netlink::NsError> for Error {
    fn from(error: fairway_netlink::NsError) -> Self {
        Error::Iface(error.into())
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Error::Iface(error) => error.code(),
            Error::State { .. } | Error::Damaged { .. } => Code::IO,
            Error::Busy { .. } | Error::Away { .. } => Code::TRY_AGAIN,
        }
    }
}
