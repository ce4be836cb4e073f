//! One neighbour: the state machine of RFC 4271, section 8.
//!
//! A [`Session`] is told what happened ([`Input`]) and when, and answers with what is to be done ([`Output`]). It has
//! no clock and no socket: it says [when it wants to be told of the time](Session::deadline), and connections are
//! names. It makes connections and takes the neighbour's, sees to it that of two one stays, says who this speaker is,
//! agrees with the neighbour on what both can do, and has all timers. What it agreed on is [`Agreed`]; how bytes are
//! read and written follows from that.
//!
//! What holds, whatever happens:
//! 1. Outside Established no UPDATE is sent, and none is passed on. After [`Output::Down`] and [`Output::Close`] nothing
//!    is sent.
//! 2. A session that was started has a timer, an attempt or a connection, unless it only waits for the neighbour.
//!    A connection that is not yet a session has a limit, whatever the neighbour agreed to.
//! 3. At most one connection is Established. Others (one from here, one of the neighbour) are only ever looked at until
//!    their OPEN.
//! 4. Routes kept from before ([`Output::Down`]) have a timer: they are told anew, or dropped.
//! 5. A neighbour cannot make this speaker work more by asking more often: refreshes are told one after the other, and
//!    failures double the time to the next attempt.
//!
//! Differences to the letter of RFC 4271. There is no DelayOpen. Each connection has its own hold and keepalive timers,
//! as if it had a state machine of its own, but ConnectRetry and IdleHold are the session's. The first failure of a
//! session that had been up for long passes through Idle at once. A connection of the neighbour replaces an older one of
//! it that is not Established: it would not make two.

mod agreed;
pub mod config;
mod connect;
mod end;
mod families;
mod graceful;
mod io;
mod jitter;
mod link;
mod open;
mod receive;
pub mod record;
mod refresh;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod timers;
mod why;
mod words;

pub use agreed::{Agreed, AgreedFamily, AgreedGraceful, RefreshAbility};
pub use config::{Neighbour, RemoteAs, Speaker};
pub use families::Families;
pub use io::{Complete, Connection, Event, Input, Output, Refused};
pub use status::{Counters, Messages, State, Status};
pub use text::Text;
pub use why::{Fault, Why};

use crate::message::Message;
use crate::{Family, Time};
use connect::Attempt;
use families::PerFamily;
use graceful::{Restarting, Stale};
use jitter::Jitter;
use link::{Link, Stage};
use refresh::{Heard, Telling};
use smallvec::SmallVec;

/// What a session is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nobody wants it.
    Stopped,
    /// It failed, and rests until then.
    Held(Time),
    /// It is, or is to come.
    Running,
}

/// One neighbour.
#[derive(Debug, Clone)]
pub struct Session {
    neighbour: Neighbour,
    mode: Mode,
    links: SmallVec<[Link; 2]>,
    attempt: Option<Attempt>,
    /// Attempts so far: the number of the last.
    attempts: u32,
    /// Of those, in a row, that came to nothing.
    failed: u32,
    /// When the next attempt is made (ConnectRetryTimer).
    retry: Option<Time>,
    /// Failures in a row, by which the session is held down.
    failures: u32,
    restarting: Option<Restarting>,
    stale: Stale,
    telling: PerFamily<Telling>,
    heard: PerFamily<Heard>,
    prefixes: PerFamily<u32>,
    /// Whether there was a warning of them.
    near: Families,
    jitter: Jitter,
    counters: Counters,
    since: Time,
    established: Option<Time>,
    why: Option<Why>,
    connect_failed: Option<String>,
}

impl Session {
    /// Of a neighbour, stopped. Times are spread by numbers that follow from the seed.
    pub fn new(neighbour: Neighbour, seed: u64) -> Session {
        Session {
            neighbour,
            mode: Mode::Stopped,
            links: SmallVec::new(),
            attempt: None,
            attempts: 0,
            failed: 0,
            retry: None,
            failures: 0,
            restarting: None,
            stale: Stale::default(),
            telling: PerFamily::default(),
            heard: PerFamily::default(),
            prefixes: PerFamily::default(),
            near: Families::NONE,
            jitter: Jitter::new(seed),
            counters: Counters::default(),
            since: Time::default(),
            established: None,
            why: None,
            connect_failed: None,
        }
    }

    /// Something happened; what is to be done is added to `out`.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        let from = self.state();
        match input {
            Input::Start { restarted } => self.start(now, restarted, out),
            Input::Stop { reason, text } => self.stop(now, reason, text, out),
            Input::Connected(id) => self.connected(now, id, out),
            Input::ConnectFailed(id, why) => self.connect_failed(id, why, out),
            Input::Closed(id, why) => self.closed(now, id, why, out),
            Input::Received(id, message) => self.received(now, id, message, out),
            Input::Malformed(id, said) => self.fault(now, id, Fault::Malformed(said), out),
            Input::Tick => self.tick(now, out),
            Input::Tell(update) => self.tell(now, Message::Update(update), out),
            Input::Wrote(id, updates) => self.wrote(now, id, updates),
            Input::Told(family) => self.told(now, family, out),
            Input::Refresh(family) => self.refresh(now, family, out),
            Input::Prefixes(family, prefixes) => self.limit(now, family, prefixes, out),
            Input::Blocked(id) => self.blocked(id, Some(now)),
            Input::Flowing(id) => self.blocked(id, None),
        }
        self.lead_on(now);
        let to = self.state();
        if from != to {
            self.since = now;
            out.push(Output::Event(Event::State { from, to }));
        }
    }

    /// How far it is.
    pub fn state(&self) -> State {
        match self.links.iter().map(Link::state).max() {
            Some(state) => state,
            None if self.attempt.is_some() => State::Connect,
            None if self.mode == Mode::Running => State::Active,
            None => State::Idle,
        }
    }

    /// The connection by which routes are exchanged, and what was agreed on for it.
    pub fn established(&self) -> Option<(Connection, &Agreed)> {
        self.links.iter().find_map(|link| match &link.stage {
            Stage::Established(agreed) => Some((link.id, &**agreed)),
            _ => None,
        })
    }

    /// The neighbour that it is of.
    pub fn neighbour(&self) -> &Neighbour {
        &self.neighbour
    }

    /// All that there is to know.
    pub fn status(&self) -> Status {
        let link = self.links.iter().max_by_key(|link| link.state());
        let state = self.state();
        let families = self.neighbour.families();
        Status {
            state,
            since: self.since,
            why: (state != State::Established).then(|| self.sentence(state)),
            next: match (self.mode, self.attempt) {
                (Mode::Held(until), _) => Some(until),
                (Mode::Running, None) => self.retry,
                _ => None,
            },
            connection: link.map(|link| link.id),
            agreed: link.and_then(Link::agreed).cloned(),
            established: self.established,
            stale: self.stale.families(),
            restarting: self.restarting.is_some(),
            prefixes: families.iter().map(|f| (f, self.prefixes[f])).collect(),
            counters: self.counters.clone(),
        }
    }

    /// Why it is not up.
    fn sentence(&self, state: State) -> String {
        let passive = self.neighbour.settings().passive;
        let now = match (state, self.mode) {
            (State::Idle, Mode::Stopped) => "it is stopped",
            (State::Idle, _) => "it rests after failures",
            (State::Connect, _) => "it is connecting",
            (State::Active, _) if passive => "it waits for the neighbour to connect",
            (State::Active, _) => "it waits for the next attempt to connect",
            (State::OpenSent, _) => "it is connected, and waits for the neighbour's OPEN",
            (State::OpenConfirm, _) => "it waits for the neighbour's first KEEPALIVE",
            (State::Established, _) => "it is up",
        };
        let before = match (&self.connect_failed, &self.why) {
            (Some(failed), _) => Some(format!("connecting failed: {failed}")),
            (None, why) => why.as_ref().map(Why::to_string),
        };
        match before {
            Some(before) => format!("{now}; {before}"),
            None => now.to_owned(),
        }
    }

    /// Sends it, and counts it. The connection is one of the session's.
    fn send(&mut self, now: Time, id: Connection, message: Message, out: &mut Vec<Output>) {
        self.counters.sent.count(&message);
        if let Some(link) = self.links.iter_mut().find(|link| link.id == id) {
            link.told(now, &mut self.jitter);
        }
        out.push(Output::Send(id, message));
    }

    /// Sends it where the session is up.
    fn tell(&mut self, now: Time, message: Message, out: &mut Vec<Output>) {
        if let Some((id, _)) = self.established() {
            self.send(now, id, message, out);
        }
    }

    fn wrote(&mut self, now: Time, id: Connection, updates: u64) {
        if let Some(link) = self.links.iter_mut().find(|link| link.id == id) {
            link.told(now, &mut self.jitter);
            let sent = &mut self.counters.sent.update;
            *sent = sent.saturating_add(updates);
        }
    }

    fn blocked(&mut self, id: Connection, since: Option<Time>) {
        if let Some(link) = self.links.iter_mut().find(|link| link.id == id) {
            match since {
                Some(now) => link.blocked(now),
                None => link.stuck = None,
            }
        }
    }

    /// The neighbour tells so many prefixes.
    fn limit(&mut self, now: Time, family: Family, prefixes: u32, out: &mut Vec<Output>) {
        self.prefixes[family] = prefixes;
        let limit = self.neighbour.family(family).and_then(|one| one.limit);
        let Some(limit) = limit else { return };
        if prefixes < limit.warning() {
            self.near.remove(family);
        } else if !self.near.contains(family) {
            self.near.insert(family);
            let limit = limit.prefixes;
            out.push(Output::Event(Event::Near {
                family,
                prefixes,
                limit,
            }));
        }
        if prefixes > limit.prefixes
            && let config::Over::Down { again } = limit.over
        {
            let fault = Fault::Prefixes {
                family,
                found: prefixes,
                limit: limit.prefixes,
            };
            self.too_many(now, fault, again, out);
        }
    }
}
