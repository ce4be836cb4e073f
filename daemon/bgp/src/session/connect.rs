//! Connections come to be.

use super::link::Link;
use super::{
    Connection, Event, Families, Fault, Mode, Output, Refused, Session, Stage, State, open,
};
use crate::Time;
use crate::message::Message;
use std::time::Duration;

/// How long an attempt may take: a SYN is sent four times meanwhile.
pub(super) const ATTEMPT: Duration = Duration::from_secs(20);

/// An attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) id: Connection,
    /// It has come to nothing then.
    pub(super) until: Time,
}

impl Session {
    /// Events 1 and 3 to 7 of RFC 4271: only in Idle.
    pub(super) fn start(&mut self, now: Time, restarted: Option<Families>, out: &mut Vec<Output>) {
        if self.mode == Mode::Running {
            return;
        }
        self.failures = 0;
        self.failed = 0;
        self.why = None;
        self.connect_failed = None;
        if let Some(kept) = restarted {
            self.restarted(now, kept);
        }
        self.begin(now, out);
    }

    /// Out of Idle.
    pub(super) fn begin(&mut self, now: Time, out: &mut Vec<Output>) {
        self.mode = Mode::Running;
        if !self.neighbour.settings().passive {
            self.dial(now, out);
        }
    }

    pub(super) fn dial(&mut self, now: Time, out: &mut Vec<Output>) {
        self.attempts = self.attempts.wrapping_add(1);
        let id = Connection::Ours(self.attempts);
        let until = now + ATTEMPT;
        self.attempt = Some(Attempt { id, until });
        self.retry = None;
        out.push(Output::Connect(id));
    }

    /// No attempt is under way, and none is to come.
    pub(super) fn hang_up(&mut self, out: &mut Vec<Output>) {
        self.retry = None;
        if let Some(attempt) = self.attempt.take() {
            out.push(Output::Close(attempt.id));
        }
    }

    /// Whatever happened, a session that is wanted has something to wait for.
    pub(super) fn lead_on(&mut self, now: Time) {
        let wanted = self.mode == Mode::Running
            && !self.neighbour.settings().passive
            && self.attempt.is_none()
            && self.retry.is_none()
            && !self.links.iter().any(Link::is_ours)
            && self
                .links
                .iter()
                .all(|link| link.state() == State::OpenSent);
        if wanted {
            let pause = self.neighbour.settings().retry.after(self.failed.max(1));
            self.retry = Some(now + self.jitter.of(pause));
        }
    }

    /// Events 16 and 17.
    pub(super) fn connected(&mut self, now: Time, id: Connection, out: &mut Vec<Output>) {
        if self.links.iter().any(|link| link.id == id) {
            return;
        }
        match id {
            Connection::Ours(_) => match self.attempt {
                Some(attempt) if attempt.id == id => {
                    self.attempt = None;
                    self.connect_failed = None;
                    self.take(now, id, out);
                }
                // It was given up while it came through.
                _ => out.push(Output::Close(id)),
            },
            Connection::Theirs(_) => self.accept(now, id, out),
        }
    }

    fn accept(&mut self, now: Time, id: Connection, out: &mut Vec<Output>) {
        match self.mode {
            Mode::Stopped => return self.refuse(id, Refused::Stopped, out),
            Mode::Held(_) => return self.refuse(id, Refused::Held, out),
            Mode::Running => {}
        }
        if let Some((_, agreed)) = self.established()
            && agreed.graceful.is_none()
        {
            let said = Fault::Collision.notification();
            self.counters.sent.notification += 1;
            out.push(Output::Send(id, Message::Notification(said)));
            return self.refuse(id, Refused::Established, out);
        }
        // A neighbour makes one connection at a time: it has given up an earlier one, and that was not heard yet.
        self.links.retain(|link| {
            let stays = link.is_ours() || matches!(link.stage, Stage::Established(_));
            if !stays {
                out.push(Output::Close(link.id));
            }
            stays
        });
        self.take(now, id, out);
    }

    fn refuse(&mut self, id: Connection, why: Refused, out: &mut Vec<Output>) {
        self.counters.refused += 1;
        out.push(Output::Close(id));
        out.push(Output::Event(Event::Refused(id, why)));
    }

    fn take(&mut self, now: Time, id: Connection, out: &mut Vec<Output>) {
        let sent = open::ours(&self.neighbour, self.restarting_for());
        let second = self.established.map(|since| now - since);
        self.links.push(Link::new(now, id, sent.clone(), second));
        self.send(now, id, Message::Open(sent), out);
    }

    /// Event 18, before there is a connection. Also where an attempt took too long.
    pub(super) fn connect_failed(&mut self, id: Connection, why: String, out: &mut Vec<Output>) {
        if self.attempt.is_some_and(|attempt| attempt.id == id) {
            self.attempt = None;
            self.failed = self.failed.saturating_add(1);
            out.push(Output::Event(Event::ConnectFailed(why.clone())));
            self.connect_failed = Some(why);
        }
    }
}
