//! What a session is told, and what it answers.

use super::{Agreed, Families, Fault, State, Text, Why};
use crate::Family;
use crate::message::{Cease, Message, Notification, Update};
use std::fmt;
use std::str::FromStr;

/// A connection. Those that the session asked for are numbered by it, those of the neighbour by whoever accepted them;
/// no number comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connection {
    /// Made from here.
    Ours(u32),
    /// Made by the neighbour.
    Theirs(u32),
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Connection::Ours(number) => write!(f, "ours/{number}"),
            Connection::Theirs(number) => write!(f, "theirs/{number}"),
        }
    }
}

impl FromStr for Connection {
    type Err = ();

    fn from_str(text: &str) -> Result<Connection, ()> {
        let (side, number) = text.split_once('/').ok_or(())?;
        let number = number.parse().map_err(|_| ())?;
        match side {
            "ours" => Ok(Connection::Ours(number)),
            "theirs" => Ok(Connection::Theirs(number)),
            _ => Err(()),
        }
    }
}

/// Something happened.
///
/// What was read has to be told before [`Input::Tick`]: a speaker that was itself held up would else find its
/// neighbours silent. Of what was read together, each message has to be told before the next is decoded: how to read it
/// follows from those before ([`Output::Up`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An operator wants the session.
    Start {
        /// This speaker has just restarted, and for these families it has gone on forwarding packets.
        restarted: Option<Families>,
    },
    /// An operator wants it no longer. It stays so until it is started.
    Stop {
        /// What the neighbour is told.
        reason: Cease,
        /// And in words (RFC 9003).
        text: Text,
    },
    /// An attempt came through, or the neighbour connected.
    Connected(Connection),
    /// An attempt did not come through.
    ConnectFailed(Connection, String),
    /// A connection ended, and not by [`Output::Close`].
    Closed(Connection, String),
    /// A message came.
    Received(Connection, Message),
    /// What came is no message; this is what the neighbour has to be told.
    Malformed(Connection, Notification),
    /// Time passed: [`deadline`](super::Session::deadline) is over, perhaps.
    Tick,
    /// The table has something to tell the neighbour.
    Tell(Update),
    /// Whoever writes wrote so many UPDATEs without [`Input::Tell`]: bytes that many neighbours share.
    Wrote(Connection, u64),
    /// The table has told the neighbour all routes of the family: after [`Output::Up`], once for each family agreed on,
    /// and once after each [`Output::RefreshWanted`].
    Told(Family),
    /// The neighbour's routes are wanted anew.
    Refresh(Family),
    /// The neighbour's routes of the family are now so many.
    Prefixes(Family, u32),
    /// Bytes wait to be written, and the neighbour takes none.
    Blocked(Connection),
    /// It takes them again.
    Flowing(Connection),
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Connect. The answer is [`Input::Connected`] or [`Input::ConnectFailed`].
    Connect(Connection),
    /// Send it.
    Send(Connection, Message),
    /// Close it once all is sent, or after a moment; or give up the attempt. Nothing of it is told any more.
    Close(Connection),
    /// The session is up. For each family agreed on the neighbour is told all routes, and then [`Input::Told`].
    Up(Connection, Box<Agreed>),
    /// The session is down, and nothing can be told.
    ///
    /// The neighbour's routes of `kept` are stale from now on; those that were stale before, and all of other families,
    /// are gone.
    Down {
        /// Why.
        why: Why,
        /// Routes of what are kept, since it may be restarting.
        kept: Families,
    },
    /// Routes of the neighbour.
    Update(Update),
    /// The neighbour's routes of the family are all told anew: what it told is stale until it does so again.
    MarkStale(Family),
    /// The neighbour's routes of the family that are still stale are gone.
    DropStale(Family),
    /// The neighbour wants all routes of the family once more. [`Input::Told`] ends it; until then it is not asked for
    /// again.
    RefreshWanted(Family),
    /// A speaker that restarted need not wait any longer for the neighbour's routes of the family. Each family comes
    /// once after a restart, and at each End-of-RIB.
    Complete(Family, Complete),
    /// Something that operators may want to know.
    Event(Event),
}

/// Why routes of a neighbour are not waited for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complete {
    /// It told all.
    EndOfRib,
    /// It does not say when it has told all, or does not speak the family.
    NotTold,
    /// It has restarted itself, and waits likewise.
    AlsoRestarting,
    /// It took too long.
    Late,
    /// The session was stopped.
    Stopped,
}

/// Something that operators may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The state is another.
    State {
        /// Before.
        from: State,
        /// Now.
        to: State,
    },
    /// An attempt to connect failed.
    ConnectFailed(String),
    /// A connection of the neighbour was not taken.
    Refused(Connection, Refused),
    /// A connection ended by what was found wrong here.
    Fault(Fault),
    /// A connection ended by what the neighbour found wrong.
    Notified(Notification),
    /// It tells about as many prefixes as it may.
    Near {
        /// Of the family.
        family: Family,
        /// So many.
        prefixes: u32,
        /// It may tell so many.
        limit: u32,
    },
    /// The neighbour cannot be asked for its routes.
    NoRefresh(Family),
}

/// Why a connection was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The session is stopped.
    Stopped,
    /// It is held down since it failed.
    Held,
    /// It is up.
    Established,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::State { from, to } => write!(f, "{from}: now {to}"),
            Event::ConnectFailed(why) => write!(f, "connecting failed: {why}"),
            Event::Refused(_, why) => f.write_str(match why {
                Refused::Stopped => "a connection was refused: the session is stopped",
                Refused::Held => "a connection was refused: the session is held down",
                Refused::Established => "a connection was refused: there is one",
            }),
            Event::Fault(fault) => write!(f, "a connection was ended: {fault}"),
            Event::Notified(said) => {
                let said = super::words::notification(said);
                write!(f, "the neighbour ended a connection: {said}")
            }
            Event::Near {
                family,
                prefixes,
                limit,
            } => write!(f, "{prefixes} prefixes of {family}; {limit} are allowed"),
            Event::NoRefresh(family) => {
                write!(f, "it cannot be asked for its routes of {family}")
            }
        }
    }
}
