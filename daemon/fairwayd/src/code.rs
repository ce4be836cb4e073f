//! Which code of the list in `docs/errors.md` an error has.
//!
//! A call that is refused has its code in the answer, and its line in the log bears it. What goes wrong where nobody has
//! asked is of the same kinds, and an operator looks for either by the same number: so the type says it, here, and a line
//! of the log that tells of an error says `code = error.number()`. What is only words by then (the problems of
//! `netctl status`) has none.

use crate::{driver::DriverError, error::Error, journal::JournalFault};
use fairway_api::{ErrorBody, released::ReleasedError};
use fairway_cni::Code;
use fairway_netlink::sysctl::SysctlError;
use fairway_store::StoreError;
use nix::errno::Errno;

/// An error that has a code.
pub trait Coded {
    /// See the module's head.
    fn code(&self) -> Code;

    /// The same as it is in the log.
    fn number(&self) -> u32 {
        self.code().number()
    }
}

/// Errors that have one code, whatever it was.
macro_rules! always {
    ($($error:ty = $code:ident;)+) => {
        $(impl Coded for $error {
            fn code(&self) -> Code {
                Code::$code
            }
        })+
    };
}

always! {
    std::io::Error = IO;
    JournalFault = IO;
    SysctlError = KERNEL;
    fairway_netlink::Error = KERNEL;
    fairway_netfilter::Error = FIREWALL;
    fairway_speaker::Gone = TRY_AGAIN;
    tokio::task::JoinError = INTERNAL;
}

impl Coded for fairway_dataplane::Error {
    fn code(&self) -> Code {
        match self {
            // The link has gone meanwhile: with its container, or with an ADD that is made again.
            fairway_dataplane::Error::Netlink(error) if error.errno() == Some(Errno::ENODEV) => {
                Code::TRY_AGAIN
            }
            _ => Code::KERNEL,
        }
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self.needs_hands() {
            true => Code::IO,
            false => Code::TRY_AGAIN,
        }
    }
}

impl Coded for ErrorBody {
    fn code(&self) -> Code {
        Code::from_wire(self.code)
    }
}

impl Coded for ReleasedError {
    fn code(&self) -> Code {
        match self {
            ReleasedError::Io { .. } | ReleasedError::Clock { .. } => Code::IO,
            _ => Code::DECODE,
        }
    }
}

impl Coded for DriverError {
    fn code(&self) -> Code {
        match self {
            DriverError::Agent(_) | DriverError::Journal(_) | DriverError::Thread(_) => Code::IO,
            DriverError::Renamed { .. } => Code::INVALID_CONFIG,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::Config(_) | Error::Name(_) => Code::INVALID_CONFIG,
            Error::Folder(_) | Error::Socket(_) | Error::Metrics { .. } | Error::System { .. } => {
                Code::IO
            }
            Error::Journal(fault) => fault.code(),
            Error::Driver(error) => error.code(),
            Error::Store(error) => error.code(),
            Error::Kernel(error) => error.code(),
            Error::Released(error) => error.code(),
            Error::Late(failure) => failure.code(),
            Error::Cleanup { .. } => Code::TRY_AGAIN,
            Error::Ended { .. } => Code::INTERNAL,
        }
    }
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
