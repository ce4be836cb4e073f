//! Communities: marks that operators put on routes.

use std::fmt;

/// RFC 1997: `AS:value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    /// Not to any neighbour outside the AS or its confederation.
    pub const NO_EXPORT: Community = Community(0xFFFF_FF01);
    /// Not to anybody.
    pub const NO_ADVERTISE: Community = Community(0xFFFF_FF02);
    /// Not to any neighbour of another AS, a confederation's members included.
    pub const NO_EXPORT_SUBCONFED: Community = Community(0xFFFF_FF03);
    /// RFC 8326: a session that is about to go down.
    pub const GRACEFUL_SHUTDOWN: Community = Community(0xFFFF_0000);
    /// RFC 7999: packets are to be dropped.
    pub const BLACKHOLE: Community = Community(0xFFFF_029A);
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

/// RFC 4360: eight octets, of which the first say what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedCommunity(pub u64);

impl ExtendedCommunity {
    /// Whether it goes on to other AS.
    pub const fn is_transitive(self) -> bool {
        self.0 >> 62 & 1 == 0
    }
}

/// RFC 8092: `global:local:local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity {
    /// The AS that gave it its meaning.
    pub global: u32,
    /// Its meaning.
    pub local: [u32; 2],
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.local;
        write!(f, "{}:{first}:{second}", self.global)
    }
}
