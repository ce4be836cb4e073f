//! What there is to know of a session.

use super::{Agreed, Connection, Families};
use crate::message::{Kind, Message, Notification};
use crate::{Family, Time};
use std::fmt;

/// The states of RFC 4271, 8.2.2. Of two connections, the one that is further counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Stopped, or held down after failures. No connection is made or taken.
    Idle,
    /// An attempt to connect is under way.
    Connect,
    /// The neighbour is waited for, until the next attempt.
    Active,
    /// Connected; its OPEN is waited for.
    OpenSent,
    /// Its OPEN came; its first KEEPALIVE is waited for.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Idle => "Idle",
            State::Connect => "Connect",
            State::Active => "Active",
            State::OpenSent => "OpenSent",
            State::OpenConfirm => "OpenConfirm",
            State::Established => "Established",
        })
    }
}

/// Messages by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Messages {
    /// OPEN.
    pub open: u64,
    /// UPDATE.
    pub update: u64,
    /// NOTIFICATION.
    pub notification: u64,
    /// KEEPALIVE.
    pub keepalive: u64,
    /// ROUTE-REFRESH.
    pub refresh: u64,
}

impl Messages {
    /// Of all types.
    pub fn all(self) -> u64 {
        self.open + self.update + self.notification + self.keepalive + self.refresh
    }

    pub(super) fn count(&mut self, message: &Message) {
        let count = match message.kind() {
            Kind::Open => &mut self.open,
            Kind::Update => &mut self.update,
            Kind::Notification => &mut self.notification,
            Kind::Keepalive => &mut self.keepalive,
            Kind::Refresh => &mut self.refresh,
        };
        *count += 1;
    }
}

/// What was counted since the session was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// From the neighbour.
    pub received: Messages,
    /// To it.
    pub sent: Messages,
    /// How often a session came up.
    pub ups: u64,
    /// How often one went down.
    pub flaps: u64,
    /// Connections of the neighbour that were not taken.
    pub refused: u64,
    /// What was sent of NOTIFICATIONs, the last, and when.
    pub error_sent: Option<(Time, Notification)>,
    /// What came of them.
    pub error_received: Option<(Time, Notification)>,
}

/// What there is to know of a session at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How far it is.
    pub state: State,
    /// Since when.
    pub since: Time,
    /// In a sentence, why it is not up; none where it is.
    pub why: Option<String>,
    /// When something is tried next, where it is not up.
    pub next: Option<Time>,
    /// The connection that is furthest.
    pub connection: Option<Connection>,
    /// What both sides agreed on; from OpenConfirm on.
    pub agreed: Option<Agreed>,
    /// Since when it is up.
    pub established: Option<Time>,
    /// Routes of these are kept from before.
    pub stale: Families,
    /// Whether this speaker is still coming back from a restart.
    pub restarting: bool,
    /// How many prefixes the neighbour tells.
    pub prefixes: Vec<(Family, u32)>,
    /// What was counted.
    pub counters: Counters,
}
