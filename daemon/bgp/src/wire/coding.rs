//! What bytes mean depends on what both sides agreed on.

use super::frame::{LONGEST, LONGEST_EXTENDED};
use crate::Family;
use crate::message::Kind;

/// What a neighbour is and what was agreed on with it, as far as bytes go.
///
/// The default is what holds before anything was agreed on, and with a neighbour that has no capabilities at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coding {
    /// IPv4 routes are told. So it is without any capability, too (RFC 4760, 8).
    pub ipv4: bool,
    /// IPv6 routes are told.
    pub ipv6: bool,
    /// IPv4 routes may have IPv6 next hops (RFC 8950).
    pub ipv4_by_ipv6: bool,
    /// AS numbers have four octets (RFC 6793).
    pub four_octets: bool,
    /// Messages may have 65,535 octets (RFC 8654).
    pub extended_messages: bool,
    /// Beginning and end of a refresh are told (RFC 7313).
    pub enhanced_refresh: bool,
    /// The neighbour is of the same AS: it tells LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST and is told them.
    pub internal: bool,
    /// The neighbour is of the same confederation (RFC 5065): paths may have its segments, routes LOCAL_PREF.
    pub confederation: bool,
    /// Paths may have sets. RFC 9774 forbids it where the operator does not want it so.
    pub as_sets: bool,
}

impl Default for Coding {
    fn default() -> Coding {
        Coding {
            ipv4: true,
            ipv6: false,
            ipv4_by_ipv6: false,
            four_octets: false,
            extended_messages: false,
            enhanced_refresh: false,
            internal: false,
            confederation: false,
            as_sets: false,
        }
    }
}

impl Coding {
    /// Whether routes of the family are told.
    pub const fn speaks(&self, family: Family) -> bool {
        match family {
            Family::Ipv4 => self.ipv4,
            Family::Ipv6 => self.ipv6,
        }
    }

    /// How long a message may be, header included.
    pub const fn longest(&self, kind: Kind) -> usize {
        match kind {
            Kind::Open | Kind::Keepalive => LONGEST,
            _ if self.extended_messages => LONGEST_EXTENDED,
            _ => LONGEST,
        }
    }

    /// Whether attributes that were encoded for the one will do for the other, too.
    pub const fn shares_attributes(&self, other: &Coding) -> bool {
        self.four_octets == other.four_octets
            && self.internal == other.internal
            && self.confederation == other.confederation
            && self.as_sets == other.as_sets
    }

    /// Whether LOCAL_PREF is told.
    pub(super) const fn has_local_pref(&self) -> bool {
        self.internal || self.confederation
    }
}
