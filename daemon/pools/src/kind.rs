//! The kinds, as objects name them and as admins type them.

use fairway_ipam::{NetworkName, PoolName, admin::given_name};
use fairway_policy::object::form::Form;
use std::fmt;

/// The API version that is taken.
pub const VERSION: &str = "fairway.network/v1alpha1";

/// A kind of object. The order is that in which they are applied: what others name first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Where addresses come from.
    IPPool,
    /// Containers that reach each other.
    Network,
    /// Addresses that outlive a container.
    IPClaim,
}

impl Kind {
    /// All of them, in the order of the words for them.
    pub const ALL: [Kind; 3] = [Kind::IPPool, Kind::IPClaim, Kind::Network];

    /// Its name in an object.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::IPPool => "IPPool",
            Kind::IPClaim => "IPClaim",
            Kind::Network => "Network",
        }
    }

    /// Its name in the API.
    pub const fn plural(self) -> &'static str {
        match self {
            Kind::IPPool => "ippools",
            Kind::IPClaim => "ipclaims",
            Kind::Network => "networks",
        }
    }

    /// From what admins type: singular or plural, in any case, the group after a dot or not.
    pub fn read(text: &str) -> Option<Kind> {
        let typed = text.to_ascii_lowercase();
        let (word, group) = match typed.split_once('.') {
            Some((word, group)) => (word, Some(group)),
            None => (typed.as_str(), None),
        };
        let own = VERSION.split('/').next();
        let mut kinds = Kind::ALL.into_iter();
        kinds
            .find(|kind| word == kind.plural() || word.eq_ignore_ascii_case(kind.name()))
            .filter(|_| group.is_none() || group == own)
    }

    /// The form of its objects' names.
    pub(crate) fn form(self) -> Form {
        const SHORT: &str = "1 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends";
        match self {
            Kind::IPPool => (|text| PoolName::new(text).is_ok(), SHORT),
            Kind::Network => (|text| NetworkName::new(text).is_ok(), SHORT),
            Kind::IPClaim => (
                |text| given_name(text).is_ok(),
                "1 to 253 of A-Z, a-z, 0-9, ., _, :, ~, @ and -, in parts with / between them, and not begin with ~",
            ),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
