//! What can go wrong with the files, and with giving out an address.

use fairway_cni::{Code, Fault};
use std::{io, net::IpAddr, path::PathBuf, time::Duration};

/// The network's folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be read or changed.
    #[error("host-local: cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The operating system's word on it.
        source: io::Error,
    },
    /// The lock file is another one each time that it has been locked.
    #[error("host-local: {} is removed or replaced as often as it is locked", .path.display())]
    LockGone {
        /// The lock file.
        path: PathBuf,
    },
    /// Another process holds the lock.
    #[error("host-local: {} is still locked by another process after {} s", .path.display(), .waited.as_secs_f32())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long we have waited.
        waited: Duration,
    },
}

impl StoreError {
    /// For `map_err` on system calls.
    pub(crate) fn io<E: Into<io::Error>>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> StoreError {
        let path = path.into();
        move |source| StoreError::Io {
            action,
            path,
            source: source.into(),
        }
    }
}

impl Fault for StoreError {
    fn code(&self) -> Code {
        match self {
            StoreError::Io { .. } => Code::IO,
            StoreError::LockGone { .. } | StoreError::Busy { .. } => Code::TRY_AGAIN,
        }
    }
}

/// No address, or not the one asked for.
#[derive(Debug, thiserror::Error)]
pub enum AllocError {
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Every address of the set is taken.
    #[error("{set}: no IP addresses available in range set: {ranges}")]
    Exhausted {
        /// Where the set stands in the configuration.
        set: String,
        /// Its ranges.
        ranges: String,
    },
    /// The attachment has an address of this set: ADD without a DEL in between.
    #[error(
        "{set}: {ip} has been allocated to {id} {ifname}, duplicate allocation is not allowed: DEL it first"
    )]
    Duplicate {
        /// Where the set stands in the configuration.
        set: String,
        /// What it has.
        ip: IpAddr,
        /// The container.
        id: String,
        /// The interface.
        ifname: String,
    },
    /// The address asked for has an owner.
    #[error("{field}: requested IP address {ip} is not available: {holder}")]
    Taken {
        /// Where it was asked for.
        field: String,
        /// The address.
        ip: IpAddr,
        /// Who has it.
        holder: String,
    },
    /// The address asked for is a gateway's.
    #[error("{field}: requested ip {ip} is subnet's gateway")]
    Gateway {
        /// Where it was asked for.
        field: String,
        /// The address.
        ip: IpAddr,
    },
    /// The address asked for is in no range.
    #[error("{field}: failed to allocate all requested IPs: {ip} is in none of the ranges")]
    Outside {
        /// Where it was asked for.
        field: String,
        /// The address.
        ip: IpAddr,
    },
    /// Two addresses were asked for where there is one to give.
    #[error(
        "{field}: failed to allocate all requested IPs: {ip} is in {set}, which gives one address, and {other} asks for another"
    )]
    Surplus {
        /// Where it was asked for.
        field: String,
        /// The address.
        ip: IpAddr,
        /// Where the set stands in the configuration.
        set: String,
        /// Where the other address was asked for.
        other: String,
    },
}

impl Fault for AllocError {
    fn code(&self) -> Code {
        match self {
            AllocError::Store(error) => error.code(),
            AllocError::Exhausted { .. } => Code::ADDRESSES_EXHAUSTED,
            AllocError::Duplicate { .. } => Code::ALREADY_ATTACHED,
            AllocError::Taken { .. }
            | AllocError::Gateway { .. }
            | AllocError::Outside { .. }
            | AllocError::Surplus { .. } => Code::ADDRESS_UNAVAILABLE,
        }
    }
}
