//! The kinds, as objects name them and as admins type them.

use std::fmt;

/// The API version that is taken.
pub const VERSION: &str = "fairway.network/v1alpha1";

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Who nodes are to their neighbours, and what they announce.
    BgpConfig,
    /// A neighbour of nodes, or many.
    BgpPeer,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 2] = [Kind::BgpConfig, Kind::BgpPeer];

    /// Its name in an object.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::BgpConfig => "BgpConfig",
            Kind::BgpPeer => "BgpPeer",
        }
    }

    /// Its name in the API and in the store.
    pub const fn plural(self) -> &'static str {
        match self {
            Kind::BgpConfig => "bgpconfigs",
            Kind::BgpPeer => "bgppeers",
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
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
