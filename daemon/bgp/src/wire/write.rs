//! Any message as bytes.

use super::encode::{Encoded, announce, end_of_rib, withdraw};
use super::{Coding, frame, notification, open, refresh};
use crate::attr::NextHop;
use crate::message::{Kind, Message, RefreshKind, Update};
use crate::{Asn, Family};

/// Why something cannot be told to a neighbour. Whoever wanted it told has to do without: a route that was told before
/// has to be withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// Attributes or capabilities are so long that no message holds them and a prefix.
    #[error("{length} octets where {limit} are allowed")]
    TooLong {
        /// At least.
        length: usize,
        /// Of a message.
        limit: usize,
    },
    /// A next hop that routes of the family cannot have with this neighbour.
    #[error("routes of {family} cannot have the next hop {}", next_hop.address())]
    NextHop {
        /// Of the routes.
        family: Family,
        /// As it was wanted.
        next_hop: NextHop,
    },
    /// It was not agreed on.
    #[error("{0} was not agreed on")]
    Family(Family),
    /// A path with a set, which RFC 9774 forbids, or with one of more AS than a segment has.
    #[error("a path with an AS_SET")]
    AsSet,
    /// Routes without attributes.
    #[error("routes without attributes")]
    NoAttributes,
    /// A capability that is longer than its length can say.
    #[error("capability {code} of {length} octets")]
    Capability {
        /// Its code.
        code: u8,
        /// In octets.
        length: usize,
    },
    /// An AS that is told by the capability of four-octet numbers alone, which is not there.
    #[error("AS {0} without the capability of four-octet numbers")]
    Asn(Asn),
    /// Beginning or end of a refresh, which were not agreed on (RFC 7313).
    #[error("the bounds of a refresh were not agreed on")]
    Refresh,
}

/// Writes a message at the end of `out`; an [`Update`] as one or several: first what is withdrawn, then what is
/// announced, at last the sign that this was all. What is longer than a NOTIFICATION's data can be is cut.
///
/// # Errors
/// Then nothing is written.
pub fn write(message: &Message, coding: &Coding, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    match message {
        Message::Open(open) => open::write(open, out),
        Message::Update(update) => {
            let start = out.len();
            let written = write_update(update, coding, out);
            if written.is_err() {
                out.truncate(start);
            }
            written
        }
        Message::Notification(notification) => {
            notification::write(notification, coding, out);
            Ok(())
        }
        Message::Keepalive => {
            let start = frame::begin(Kind::Keepalive, out);
            frame::end(start, out);
            Ok(())
        }
        Message::Refresh(refresh) => {
            let bound = refresh.kind != RefreshKind::Wanted;
            if bound && !coding.enhanced_refresh {
                return Err(Unwritable::Refresh);
            }
            if !coding.speaks(refresh.family) {
                return Err(Unwritable::Family(refresh.family));
            }
            refresh::write(*refresh, out);
            Ok(())
        }
    }
}

fn write_update(update: &Update, coding: &Coding, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    withdraw(update.withdrawn.iter().copied(), coding, out)?;
    if !update.announced.is_empty() {
        let attributes = update.attributes.as_ref();
        let attributes = Encoded::new(attributes.ok_or(Unwritable::NoAttributes)?, coding)?;
        for announced in &update.announced {
            let prefixes = announced.prefixes.iter().copied();
            announce(&attributes, announced.next_hop, prefixes, coding, out)?;
        }
    }
    match update.end_of_rib {
        Some(family) => end_of_rib(family, coding, out),
        None => Ok(()),
    }
}
