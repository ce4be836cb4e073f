//! Why a connection ended, in a sentence and as a NOTIFICATION.

use super::{Families, RemoteAs, State, Text, words};
use crate::message::{Cease, Kind, Notification, OpenError, Reason, StateError};
use crate::{Asn, Family, RouterId};
use std::fmt;

/// What was found wrong here; the neighbour is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is of an AS that is not wanted.
    Asn {
        /// Its AS.
        found: Asn,
        /// What was said of it.
        wanted: RemoteAs,
    },
    /// It has this speaker's identifier, and its AS (RFC 6286).
    RouterId(RouterId),
    /// It speaks none of these.
    NoFamily(Families),
    /// It does not speak these, and has to.
    Lacks(Families),
    /// There is another connection (RFC 4271, 6.8).
    Collision,
    /// It was silent for too long.
    HoldTimer,
    /// A message that does not belong there.
    Unexpected(Kind, State),
    /// It told more prefixes than it may.
    Prefixes {
        /// Of the family.
        family: Family,
        /// So many.
        found: u32,
        /// It may tell so many.
        limit: u32,
    },
    /// What came could not be read.
    Malformed(Notification),
}

impl Fault {
    /// What the neighbour is told.
    pub fn notification(&self) -> Notification {
        let none = Vec::new();
        let (reason, data) = match self {
            Fault::Asn { .. } => (Reason::Open(OpenError::PeerAs), none),
            Fault::RouterId(_) => (Reason::Open(OpenError::RouterId), none),
            Fault::NoFamily(families) | Fault::Lacks(families) => {
                (Reason::Open(OpenError::Capability), wanted(*families))
            }
            Fault::Collision => (Reason::Cease(Cease::Collision), none),
            Fault::HoldTimer => (Reason::HoldTimer, none),
            Fault::Unexpected(kind, state) => {
                let subcode = match state {
                    State::OpenSent => StateError::OpenSent,
                    State::OpenConfirm => StateError::OpenConfirm,
                    State::Established => StateError::Established,
                    State::Idle | State::Connect | State::Active => StateError::Unspecific,
                };
                (Reason::State(subcode), vec![*kind as u8])
            }
            Fault::Prefixes { family, limit, .. } => {
                let mut data = family.afi().to_be_bytes().to_vec();
                data.push(family.safi());
                data.extend_from_slice(&limit.to_be_bytes());
                (Reason::Cease(Cease::MaximumPrefixes), data)
            }
            Fault::Malformed(notification) => return notification.clone(),
        };
        Notification { reason, data }
    }
}

/// Capabilities of families, as RFC 5492 wants them back: code 1, four octets.
fn wanted(families: Families) -> Vec<u8> {
    let mut data = Vec::new();
    for family in families.iter() {
        let [high, low] = family.afi().to_be_bytes();
        data.extend_from_slice(&[1, 4, high, low, 0, family.safi()]);
    }
    data
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Asn { found, wanted } => {
                write!(f, "the neighbour is of AS {found}; {wanted} is wanted")
            }
            Fault::RouterId(router) => {
                write!(f, "the neighbour has this speaker's identifier, {router}")
            }
            Fault::NoFamily(ours) => write!(f, "the neighbour speaks none of {ours}"),
            Fault::Lacks(families) => {
                write!(
                    f,
                    "the neighbour does not speak {families}, which it has to"
                )
            }
            Fault::Collision => f.write_str("there was another connection to the neighbour"),
            Fault::HoldTimer => f.write_str("the neighbour was silent for the hold time"),
            Fault::Unexpected(kind, state) => {
                write!(f, "the neighbour sent a message of type {kind} in {state}")
            }
            Fault::Prefixes {
                family,
                found,
                limit,
            } => write!(
                f,
                "the neighbour told {found} prefixes of {family}; {limit} are allowed"
            ),
            Fault::Malformed(said) => {
                let said = words::notification(said);
                write!(f, "what the neighbour sent cannot be read: {said}")
            }
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// An operator wanted it so.
    Stopped(Cease, Text),
    /// Something was found wrong here.
    Fault(Fault),
    /// The neighbour said so.
    Notified(Notification),
    /// The connection was lost.
    Lost(String),
    /// The neighbour opened another: it has restarted (RFC 4724, 4.2).
    Restarted,
    /// The neighbour took no bytes for too long (RFC 9687).
    Stuck,
}

impl Why {
    /// Whether it is only that another connection was better.
    pub(super) fn is_collision(&self) -> bool {
        match self {
            Why::Fault(fault) => *fault == Fault::Collision,
            Why::Notified(said) => matches!(
                said.reason,
                Reason::Cease(Cease::Collision | Cease::Rejected)
            ),
            _ => false,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Stopped(reason, text) => {
                f.write_str(match reason {
                    Cease::Reset => "reset here",
                    Cease::Deconfigured => "no longer configured here",
                    Cease::ConfigChange => "its configuration changed",
                    Cease::BfdDown => "packets do not get through to the neighbour",
                    Cease::OutOfResources => "there is no room for it here",
                    _ => "shut down here",
                })?;
                match text.as_str() {
                    "" => Ok(()),
                    text => write!(f, ": {text:?}"),
                }
            }
            Why::Fault(fault) => fault.fmt(f),
            Why::Notified(said) => {
                let said = words::notification(said);
                write!(f, "the neighbour ended it: {said}")
            }
            Why::Lost(why) => write!(f, "the connection was lost: {why}"),
            Why::Restarted => f.write_str("the neighbour restarted"),
            Why::Stuck => f.write_str("the neighbour took no data for too long"),
        }
    }
}
