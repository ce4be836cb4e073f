//! Error codes: those of the specification and our own, in one list. A number is never reused.

use std::fmt;

/// The `code` of an error object.
///
/// 1–99 are the specification's (section 5, "Error"), 100 and up are Fairway's, 999 is "internal" by
/// common use. An error that a delegate answered keeps the number that the delegate gave.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(u32);

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal;)+) => {
        impl Code {
            $($(#[doc = $doc])+ pub const $name: Code = Code($number);)+

            /// Every code that Fairway's plugins answer with: number, name, meaning.
            pub const ALL: &'static [(u32, &'static str, &'static str)] =
                &[$(($number, stringify!($name), concat!($($doc),+))),+];
        }
    };
}

codes! {
    /// The configuration asks for a protocol version, or a verb in it, that is not supported.
    INCOMPATIBLE_VERSION = 1;
    /// A field of the configuration cannot be honoured; the message holds the key and the value.
    UNSUPPORTED_FIELD = 2;
    /// The container is unknown; the runtime may skip DEL.
    UNKNOWN_CONTAINER = 3;
    /// A variable of the environment is missing or malformed; the message names it.
    INVALID_ENVIRONMENT = 4;
    /// A file or the network could not be read or written.
    IO = 5;
    /// Standard input, or a delegate's answer, is not JSON of the expected shape.
    DECODE = 6;
    /// The network configuration is invalid; the message names the key.
    INVALID_CONFIG = 7;
    /// `CNI_NETNS` is gone, is no network namespace, or is the plugin's own.
    INVALID_NETNS = 8;
    /// Try again later: a lock or a service is busy.
    TRY_AGAIN = 11;
    /// STATUS: an ADD would fail now.
    UNAVAILABLE = 50;
    /// STATUS: an ADD would fail now, and existing containers may be degraded.
    UNAVAILABLE_DEGRADED = 51;
    /// CHECK found a difference between what is and what should be.
    CHECK_FAILED = 100;
    /// Every address of a range set is taken.
    ADDRESSES_EXHAUSTED = 101;
    /// The address that was asked for is taken, or not in any range.
    ADDRESS_UNAVAILABLE = 102;
    /// The attachment has an address or an interface already: ADD without DEL.
    ALREADY_ATTACHED = 103;
    /// The kernel refused a change.
    KERNEL = 104;
    /// A link of that name exists and is of another kind, holds another address, or is in use otherwise.
    LINK_CONFLICT = 105;
    /// Duplicate address detection found the address in use on the link.
    DUPLICATE_ADDRESS = 106;
    /// A delegated plugin was not found in `CNI_PATH`.
    DELEGATE_MISSING = 107;
    /// A firewall rule could not be written, read or removed.
    FIREWALL = 108;
    /// The host's port that was asked for is another container's, or none of the range is free.
    PORT_UNAVAILABLE = 110;
    /// An error that fits no other code.
    INTERNAL = 999;
}

impl Code {
    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// A code as a delegate sent it, known to us or not.
    pub const fn from_wire(number: u32) -> Self {
        Code(number)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::ALL.iter().find(|(n, ..)| *n == self.0) {
            Some((n, name, _)) => write!(f, "{name}({n})"),
            None => write!(f, "Code({})", self.0),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique() {
        let mut numbers: Vec<_> = Code::ALL.iter().map(|(n, ..)| n).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), Code::ALL.len());
    }
}
