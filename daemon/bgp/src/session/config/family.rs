//! Families of routes, and how many routes there may be.

use crate::Family;
use std::time::Duration;

/// A family that is spoken with a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilySettings {
    /// Which.
    pub family: Family,
    /// Whether there is no session without it.
    pub required: bool,
    /// Whether routes of IPv4 may have next hops of IPv6 (RFC 8950). Not of IPv6's routes.
    pub ipv6_next_hops: bool,
    /// Whether packets go on being forwarded while this speaker restarts (RFC 4724).
    pub forwarding: bool,
    /// How many routes it may tell.
    pub limit: Option<Limit>,
}

impl FamilySettings {
    /// Not required, next hops of its own, forwarding through restarts, no limit.
    pub fn new(family: Family) -> FamilySettings {
        FamilySettings {
            family,
            required: false,
            ipv6_next_hops: false,
            forwarding: true,
            limit: None,
        }
    }
}

/// How many prefixes a neighbour may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many. Not 0.
    pub prefixes: u32,
    /// At which share of them there is a warning, in percent: 1 to 100.
    pub warn_at: u8,
    /// What becomes of a neighbour with more.
    pub over: Over,
}

impl Limit {
    /// The number from which on there is a warning.
    pub(in crate::session) fn warning(self) -> u32 {
        let share = u64::from(self.prefixes) * u64::from(self.warn_at) / 100;
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    }
}

/// What becomes of a neighbour with more prefixes than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// There is a warning, and it stays.
    Warn,
    /// The session ends.
    Down {
        /// When it is begun anew; without a time, when an operator starts it.
        again: Option<Duration>,
    },
}
