//! What an operator says of a neighbour.
//!
//! [`Settings`] are as they were written; a [`Neighbour`] is made of them, and has none that contradict each other.
//! Some are for whoever owns the sockets: TTL, password, source address, port.

mod family;
mod graceful;
mod invalid;
mod remote;
mod socket;
#[cfg(test)]
mod tests;

pub use family::{FamilySettings, Limit, Over};
pub use graceful::{Graceful, GracefulMode};
pub use invalid::{Invalid, Problem};
pub use remote::{Peer, RemoteAs};
pub use socket::{Password, Ttl};

use crate::session::Families;
use crate::{Asn, Family, HoldTime, RouterId};
use std::net::IpAddr;
use std::time::Duration;

/// Who a speaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Speaker {
    /// Its AS.
    pub asn: Asn,
    /// Its identifier.
    pub router: RouterId,
}

/// A time that doubles with each failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure. Not 0.
    pub first: Duration,
    /// It grows no longer than this.
    pub most: Duration,
}

impl Backoff {
    /// After so many failures; nothing after none.
    pub fn after(self, failures: u32) -> Duration {
        match failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
                self.first.saturating_mul(factor).min(self.most)
            }
        }
    }
}

/// What is told of oneself beside the families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// AS numbers of four octets (RFC 6793).
    pub four_octets: bool,
    /// Route refresh (RFC 2918).
    pub refresh: bool,
    /// Beginning and end of a refresh (RFC 7313). Not without the former.
    pub enhanced_refresh: bool,
    /// Messages of up to 65,535 octets (RFC 8654).
    pub extended_messages: bool,
}

impl Abilities {
    /// All of them.
    pub const ALL: Abilities = Abilities {
        four_octets: true,
        refresh: true,
        enhanced_refresh: true,
        extended_messages: true,
    };
}

/// What an operator says of a neighbour, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where it is.
    pub peer: Peer,
    /// The port to connect to.
    pub port: u16,
    /// The address to connect from.
    pub source: Option<IpAddr>,
    /// Who the neighbour is told that one is.
    pub local: Speaker,
    /// Of which AS it has to be.
    pub remote_as: RemoteAs,
    /// Whether one waits for it to connect. A prefix's neighbours are always waited for.
    pub passive: bool,
    /// How long it may be silent. The lesser of both sides' is agreed on.
    pub hold_time: HoldTime,
    /// Between attempts to connect (ConnectRetryTime).
    pub retry: Backoff,
    /// Between failures and the next attempt (IdleHoldTime): the first of a session that was up for `most` or longer
    /// is free, later ones double it.
    pub idle_hold: Backoff,
    /// Routes of what.
    pub families: Vec<FamilySettings>,
    /// What else is told of oneself.
    pub abilities: Abilities,
    /// Through restarts.
    pub graceful: Graceful,
    /// How far away it may be.
    pub ttl: Ttl,
    /// The key of TCP-MD5 (RFC 2385).
    pub password: Option<Password>,
}

impl Settings {
    /// IPv4 unicast with all abilities, a hold time of 90 seconds, and graceful restart as a helper.
    pub fn new(peer: Peer, local: Speaker, remote_as: RemoteAs) -> Settings {
        Settings {
            peer,
            port: 179,
            source: None,
            local,
            remote_as,
            passive: false,
            hold_time: HoldTime::new(90).unwrap_or(HoldTime::NEVER),
            retry: Backoff {
                first: Duration::from_secs(5),
                most: Duration::from_secs(120),
            },
            idle_hold: Backoff {
                first: Duration::from_secs(2),
                most: Duration::from_secs(120),
            },
            families: vec![FamilySettings::new(Family::Ipv4)],
            abilities: Abilities::ALL,
            graceful: Graceful::HELPER,
            ttl: Ttl::Usual,
            password: None,
        }
    }
}

/// A neighbour whose settings do not contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour(Settings);

impl Neighbour {
    /// Of settings.
    ///
    /// # Errors
    /// The first field that cannot be so, by name.
    pub fn new(mut settings: Settings) -> Result<Neighbour, Invalid> {
        invalid::check(&settings)?;
        settings.passive |= matches!(settings.peer, Peer::Within(_));
        Ok(Neighbour(settings))
    }

    /// What was said of it.
    pub fn settings(&self) -> &Settings {
        &self.0
    }

    /// The one at an address, of those that a prefix is said to have; none where it has not the address.
    pub fn at(&self, address: IpAddr) -> Option<Neighbour> {
        self.0.peer.has(address).then(|| {
            let mut settings = self.0.clone();
            settings.peer = Peer::At(address);
            Neighbour(settings)
        })
    }

    /// The families that are spoken.
    pub fn families(&self) -> Families {
        self.0.families.iter().map(|one| one.family).collect()
    }

    /// What was said of a family.
    pub(in crate::session) fn family(&self, family: Family) -> Option<&FamilySettings> {
        self.0.families.iter().find(|one| one.family == family)
    }
}
