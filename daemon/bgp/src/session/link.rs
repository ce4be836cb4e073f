//! One connection of a session: how far it is, and its timers.

use super::jitter::Jitter;
use super::{Agreed, Connection, State};
use crate::Time;
use crate::message::Open;
use std::time::Duration;

/// How long a connection may take to become a session (RFC 4271, 8: a large value; 4 minutes are suggested).
pub(super) const LARGE_HOLD: Duration = Duration::from_secs(240);

/// How long a neighbour may take no bytes, at least (RFC 9687).
const SEND_HOLD: Duration = Duration::from_secs(480);

/// How far it is.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// OPEN was sent.
    OpenSent,
    /// The neighbour's came.
    OpenConfirm(Box<Agreed>),
    /// The session is up.
    Established(Box<Agreed>),
}

/// A connection.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) id: Connection,
    pub(super) stage: Stage,
    pub(super) made: Time,
    /// What was said of oneself.
    pub(super) sent: Box<Open>,
    /// How long the session had been up when the connection was made; none, where it was not.
    pub(super) second: Option<Duration>,
    /// When the neighbour has been silent for too long.
    pub(super) hold: Option<Time>,
    /// When one has to be heard.
    pub(super) keepalive: Option<Time>,
    /// When the neighbour has taken no bytes for too long.
    pub(super) stuck: Option<Time>,
}

impl Link {
    pub(super) fn new(now: Time, id: Connection, sent: Open, second: Option<Duration>) -> Link {
        Link {
            id,
            stage: Stage::OpenSent,
            made: now,
            sent: Box::new(sent),
            second,
            hold: Some(now + LARGE_HOLD),
            keepalive: None,
            stuck: None,
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.id, Connection::Ours(_))
    }

    pub(super) fn state(&self) -> State {
        match self.stage {
            Stage::OpenSent => State::OpenSent,
            Stage::OpenConfirm(_) => State::OpenConfirm,
            Stage::Established(_) => State::Established,
        }
    }

    pub(super) fn agreed(&self) -> Option<&Agreed> {
        match &self.stage {
            Stage::OpenSent => None,
            Stage::OpenConfirm(agreed) | Stage::Established(agreed) => Some(agreed),
        }
    }

    /// The neighbour was heard. A session that is not up yet has a limit even where none was agreed on: else whoever
    /// sends an OPEN and no more would have the connection for ever.
    pub(super) fn heard(&mut self, now: Time) {
        let agreed = self.agreed().map(|agreed| agreed.hold_time.time());
        self.hold = match (&self.stage, agreed.flatten()) {
            (Stage::OpenSent, _) => self.hold,
            (_, Some(hold)) => Some(now + hold),
            (Stage::OpenConfirm(_), None) => Some(now + LARGE_HOLD),
            (Stage::Established(_), None) => None,
        };
    }

    /// The neighbour was told something.
    pub(super) fn told(&mut self, now: Time, jitter: &mut Jitter) {
        let every = self.agreed().and_then(Agreed::keepalive);
        self.keepalive = every.map(|time| now + jitter.of(time));
    }

    /// The neighbour takes no bytes.
    pub(super) fn blocked(&mut self, now: Time) {
        let hold = self.agreed().and_then(|agreed| agreed.hold_time.time());
        let least = hold.map_or(SEND_HOLD, |hold| SEND_HOLD.max(hold * 2));
        self.stuck = self.stuck.or(Some(now + least));
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let all = [self.hold, self.keepalive, self.stuck];
        all.into_iter().flatten().min()
    }
}
