//! Settings that cannot be so.

use super::{Backoff, Peer, RemoteAs, Settings, Ttl};
use crate::session::Families;
use crate::{Asn, Family};
use std::time::Duration;

/// A field that cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// Its name.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Invalid {
    pub(super) fn new(field: &'static str, problem: Problem) -> Invalid {
        Invalid { field, problem }
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has to be more.
    #[error("0 is none")]
    Zero,
    /// There has to be one.
    #[error("there is none")]
    Empty,
    /// An address nobody is at.
    #[error("no neighbour can be at it")]
    NoHost,
    /// A family has to be there once.
    #[error("{0} is there twice")]
    Twice(Family),
    /// The source cannot reach the neighbour.
    #[error("it is not of the neighbour's address family")]
    OtherFamily,
    /// The first time is the least.
    #[error("the first time is more than the most")]
    FirstIsMore,
    /// Of another family than IPv4.
    #[error("routes of {0} always have next hops of IPv6")]
    NextHops(Family),
    /// More than it can be.
    #[error("{found} is more than {most}")]
    TooMuch {
        /// What it is.
        found: u32,
        /// What it may be.
        most: u32,
    },
    /// An AS number that two octets cannot say.
    #[error("AS {0} has more than two octets")]
    LongAs(Asn),
    /// One ability is part of another.
    #[error("there is none without refresh")]
    NoRefresh,
    /// A key has to have a length that Linux takes; the key is not told.
    #[error("it has {0} octets; 1 to 80 are wanted")]
    PasswordLength(usize),
}

pub(super) fn check(settings: &Settings) -> Result<(), Invalid> {
    let refuse = |field, problem| Err(Invalid::new(field, problem));
    if let Peer::At(ip) = settings.peer
        && (ip.is_unspecified() || ip.is_multicast())
    {
        return refuse("peer", Problem::NoHost);
    }
    if settings.port == 0 {
        return refuse("port", Problem::Zero);
    }
    if let Some(source) = settings.source
        && source.is_ipv4() != settings.peer.is_ipv4()
    {
        return refuse("source", Problem::OtherFamily);
    }
    if matches!(&settings.remote_as, RemoteAs::OneOf(all) if all.is_empty()) {
        return refuse("remote_as", Problem::Empty);
    }
    times("retry", settings.retry)?;
    times("idle_hold", settings.idle_hold)?;
    families(settings)?;
    let abilities = settings.abilities;
    if !abilities.four_octets && settings.local.asn.get() > u32::from(u16::MAX) {
        return refuse("four_octets", Problem::LongAs(settings.local.asn));
    }
    if abilities.enhanced_refresh && !abilities.refresh {
        return refuse("enhanced_refresh", Problem::NoRefresh);
    }
    let graceful = settings.graceful;
    at_most("restart_time", u32::from(graceful.restart_time), 4095)?;
    not_zero("stale_time", graceful.stale_time)?;
    not_zero("deferral", graceful.deferral)?;
    match settings.ttl {
        Ttl::Hops(0) | Ttl::Security(0) => refuse("ttl", Problem::Zero),
        Ttl::Security(hops) => at_most("ttl", u32::from(hops), 254),
        Ttl::Usual | Ttl::Hops(_) => Ok(()),
    }
}

fn families(settings: &Settings) -> Result<(), Invalid> {
    let mut seen = Families::NONE;
    for one in &settings.families {
        if seen.contains(one.family) {
            return Err(Invalid::new("families", Problem::Twice(one.family)));
        }
        seen.insert(one.family);
        if one.ipv6_next_hops && one.family != Family::Ipv4 {
            return Err(Invalid::new(
                "ipv6_next_hops",
                Problem::NextHops(one.family),
            ));
        }
        if let Some(limit) = one.limit {
            if limit.prefixes == 0 {
                return Err(Invalid::new("limit.prefixes", Problem::Zero));
            }
            if limit.warn_at == 0 {
                return Err(Invalid::new("limit.warn_at", Problem::Zero));
            }
            at_most("limit.warn_at", u32::from(limit.warn_at), 100)?;
        }
    }
    match seen.is_empty() {
        true => Err(Invalid::new("families", Problem::Empty)),
        false => Ok(()),
    }
}

fn times(field: &'static str, times: Backoff) -> Result<(), Invalid> {
    not_zero(field, times.first)?;
    match times.first > times.most {
        true => Err(Invalid::new(field, Problem::FirstIsMore)),
        false => Ok(()),
    }
}

fn not_zero(field: &'static str, time: Duration) -> Result<(), Invalid> {
    match time.is_zero() {
        true => Err(Invalid::new(field, Problem::Zero)),
        false => Ok(()),
    }
}

fn at_most(field: &'static str, found: u32, most: u32) -> Result<(), Invalid> {
    match found > most {
        true => Err(Invalid::new(field, Problem::TooMuch { found, most })),
        false => Ok(()),
    }
}
