//! What both sides of a session agreed on.

use super::{Families, Speaker};
use crate::message::{GracefulRestart, Role};
use crate::wire::Coding;
use crate::{Family, HoldTime};
use std::time::Duration;

/// What both sides agreed on: it follows from the OPENs they sent, and holds for a session.
///
/// From it follows how messages are written and read, what may be sent, and what becomes of routes in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// Who this speaker said that it is.
    pub local: Speaker,
    /// Who the neighbour said that it is.
    pub remote: Speaker,
    /// Whether both are of one AS.
    pub internal: bool,
    /// The lesser of both.
    pub hold_time: HoldTime,
    /// Routes of what; there is one.
    pub families: Vec<AgreedFamily>,
    /// AS numbers have four octets (RFC 6793).
    pub four_octets: bool,
    /// Messages have up to 65,535 octets (RFC 8654).
    pub extended_messages: bool,
    /// How routes can be asked for.
    pub refresh: RefreshAbility,
    /// What is kept through restarts, where both speak of it.
    pub graceful: Option<AgreedGraceful>,
    /// What the neighbour says it is to this speaker (RFC 9234).
    pub role: Option<Role>,
}

/// A family that both speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreedFamily {
    /// Which.
    pub family: Family,
    /// Whether next hops of IPv4's routes may be of IPv6 (RFC 8950).
    pub ipv6_next_hops: bool,
}

/// How routes can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefreshAbility {
    /// They cannot.
    None,
    /// By RFC 2918.
    Plain,
    /// By RFC 7313: beginning and end are told.
    Enhanced,
}

/// What both said of restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedGraceful {
    /// This speaker.
    pub ours: GracefulRestart,
    /// The neighbour.
    pub theirs: GracefulRestart,
}

impl AgreedGraceful {
    /// Whether routes are kept through NOTIFICATIONs too (RFC 8538).
    pub fn notification(&self) -> bool {
        self.ours.notification && self.theirs.notification
    }
}

impl Agreed {
    /// Families that both speak.
    pub fn families(&self) -> Families {
        self.families.iter().map(|one| one.family).collect()
    }

    /// How bytes are read and written from then on.
    pub fn coding(&self) -> Coding {
        let families = self.families();
        let mut v4 = self.families.iter();
        Coding {
            ipv4: families.contains(Family::Ipv4),
            ipv6: families.contains(Family::Ipv6),
            ipv4_by_ipv6: v4.any(|one| one.family == Family::Ipv4 && one.ipv6_next_hops),
            four_octets: self.four_octets,
            extended_messages: self.extended_messages,
            enhanced_refresh: self.refresh == RefreshAbility::Enhanced,
            internal: self.internal,
            ..Coding::default()
        }
    }

    /// How often one has to be heard: three times in the hold time.
    pub fn keepalive(&self) -> Option<Duration> {
        self.hold_time.time().map(|time| time / 3)
    }

    /// Families whose routes the neighbour wants kept while it restarts.
    pub fn kept(&self) -> Families {
        let theirs = self.graceful.iter().flat_map(|both| &both.theirs.families);
        let theirs: Families = theirs.map(|(family, _)| *family).collect();
        theirs.and(self.families())
    }

    /// Families for which the neighbour says that it went on forwarding packets.
    pub(super) fn forwarding(&self) -> Families {
        let theirs = self.graceful.iter().flat_map(|both| &both.theirs.families);
        let forwarding = theirs.filter(|(_, forwarding)| *forwarding);
        let forwarding: Families = forwarding.map(|(family, _)| *family).collect();
        forwarding.and(self.families())
    }
}
