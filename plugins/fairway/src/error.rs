//! What can go wrong, and the code each has.

use crate::trace;
use fairway_api::{Breakage, ClientError, released::ReleasedError};
use fairway_cni::{Code, Failure, Fault, FieldError};
use std::{io, net::IpAddr};

/// Why there is no address, or an attachment could not be let go.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Two addresses of one family, and neither place counts more.
    #[error("{field}: {ip} asked for, and {other} asks for {first}: one of each family can be had")]
    Surplus {
        /// The second.
        field: String,
        /// What it asks for.
        ip: IpAddr,
        /// The first.
        other: String,
        /// What that asks for.
        first: IpAddr,
    },
    /// The container's namespace.
    #[error("CNI_NETNS: cannot tell which namespace {path:?} is")]
    Netns {
        /// `CNI_NETNS`.
        path: String,
        /// The system's word.
        source: io::Error,
    },
    /// There is no answer.
    #[error(transparent)]
    Daemon(ClientError),
    /// The daemon named an address that cannot be.
    #[error("fairwayd gave {ip} with the prefix length {prefix}")]
    Prefix {
        /// The address.
        ip: IpAddr,
        /// Its length.
        prefix: u8,
    },
    /// DEL: neither is the daemon there, nor could a record be left for it.
    #[error("the address stays taken: {daemon}, and no record of the release can be left")]
    NotReleased {
        /// Why the daemon did not do it.
        daemon: String,
        /// Why there is no record.
        source: ReleasedError,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Error::Field(error) => error.code(),
            Error::Surplus { .. } => Code::ADDRESS_UNAVAILABLE,
            Error::Netns { .. } => Code::INVALID_NETNS,
            Error::Daemon(ClientError::Refused(body)) => Code::from_wire(body.code),
            Error::Daemon(ClientError::Unsendable(_)) => Code::INVALID_CONFIG,
            Error::Daemon(ClientError::Broken {
                source: Breakage::Frame(_) | Breakage::Answer(_) | Breakage::OutOfStep,
                ..
            })
            | Error::Prefix { .. } => Code::DECODE,
            Error::Daemon(_) => Code::TRY_AGAIN,
            Error::NotReleased { .. } => Code::IO,
        }
    }
}

/// What the runtime is told of a call that failed: a refusal is the daemon's own words and code.
///
/// The details end with what the daemon's log knows the call by, if it heard of it.
pub(crate) fn failure(error: ClientError) -> Failure {
    let heard = !matches!(
        error,
        ClientError::NotThere { .. } | ClientError::Denied { .. } | ClientError::Unsendable(_)
    );
    let failure = match error {
        ClientError::Refused(body) => Failure {
            code: Code::from_wire(body.code),
            msg: body.message,
            details: body.details,
        },
        error => Error::Daemon(error).into(),
    };
    match heard {
        true => failure.with_detail(trace::word()),
        false => failure,
    }
}
