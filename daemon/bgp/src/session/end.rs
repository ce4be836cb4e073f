//! Connections come to an end, and what follows from that.

use super::link::{Link, Stage};
use super::{
    Agreed, Connection, Event, Families, Fault, Mode, Output, Session, State, Text, Why, words,
};
use crate::Time;
use crate::message::{Cease, Message, Notification, Reason};
use std::time::Duration;

/// Whether an end is meant to last: the neighbour is not to keep routes for it (RFC 8538, 4).
fn is_hard(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Cease(
            Cease::MaximumPrefixes | Cease::Shutdown | Cease::Deconfigured | Cease::HardReset
        )
    )
}

/// What a neighbour that keeps routes through NOTIFICATIONs is told where it is not to.
fn hard_reset(meant: Notification) -> Notification {
    let (code, subcode) = words::code(meant.reason);
    let mut data = vec![code, subcode];
    data.extend(meant.data);
    Notification {
        reason: Reason::Cease(Cease::HardReset),
        data,
    }
}

/// Routes of what are kept through such an end (RFC 4724, 4.2; RFC 8538, 4).
fn kept(agreed: &Agreed, why: &Why) -> Families {
    let Some(graceful) = &agreed.graceful else {
        return Families::NONE;
    };
    let keeps = match why {
        Why::Lost(_) | Why::Restarted | Why::Stuck => true,
        Why::Stopped(reason, _) => graceful.notification() && !is_hard(Reason::Cease(*reason)),
        Why::Fault(fault) => graceful.notification() && !is_hard(fault.notification().reason),
        // What the neighbour means by one of its own is its business: only HardReset says that it is an end.
        Why::Notified(said) => {
            graceful.notification() && said.reason != Reason::Cease(Cease::HardReset)
        }
    };
    match keeps && graceful.theirs.seconds > 0 {
        true => agreed.kept(),
        false => Families::NONE,
    }
}

impl Session {
    /// Events 2 and 8: the operator has enough.
    pub(super) fn stop(&mut self, now: Time, reason: Cease, text: Text, out: &mut Vec<Output>) {
        let why = Why::Stopped(reason, text);
        self.end_all(now, &why, out);
        if is_hard(Reason::Cease(reason)) {
            self.drop_stale(out);
        }
        self.rest(Mode::Stopped, out);
        self.failures = 0;
        self.why = Some(why);
    }

    /// The table says that there are too many prefixes.
    pub(super) fn too_many(
        &mut self,
        now: Time,
        fault: Fault,
        again: Option<Duration>,
        out: &mut Vec<Output>,
    ) {
        if self.established().is_none() {
            return;
        }
        self.end_all(now, &Why::Fault(fault), out);
        let mode = again.map_or(Mode::Stopped, |pause| Mode::Held(now + pause));
        self.rest(mode, out);
    }

    /// What came, or did not, is wrong.
    pub(super) fn fault(&mut self, now: Time, id: Connection, fault: Fault, out: &mut Vec<Output>) {
        self.end(now, id, Why::Fault(fault), out);
    }

    /// Event 18, where there is a connection.
    pub(super) fn closed(&mut self, now: Time, id: Connection, why: String, out: &mut Vec<Output>) {
        self.end(now, id, Why::Lost(why), out);
    }

    fn end_all(&mut self, now: Time, why: &Why, out: &mut Vec<Output>) {
        for link in std::mem::take(&mut self.links) {
            self.bury(now, link, why, out);
        }
    }

    /// A connection ends. Where none is left, the session failed: it rests, the longer the more often it did.
    pub(super) fn end(&mut self, now: Time, id: Connection, why: Why, out: &mut Vec<Output>) {
        let Some(at) = self.links.iter().position(|link| link.id == id) else {
            return;
        };
        let link = self.links.remove(at);
        let (state, ours) = (link.state(), link.is_ours());
        self.bury(now, link, &why, out);
        // A connection that is closed before anything was said on it is like one that was not made.
        let harmless = why.is_collision()
            || state == State::OpenSent && matches!(why, Why::Lost(_) | Why::Restarted);
        if harmless && ours {
            self.failed = self.failed.saturating_add(1);
        }
        if harmless || !self.links.is_empty() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(damped) = self.failures.checked_sub(1).filter(|damped| *damped > 0) {
            let pause = self.neighbour.settings().idle_hold.after(damped);
            let until = now + self.jitter.of(pause);
            self.rest(Mode::Held(until), out);
        }
    }

    /// The neighbour is told why, where it can be; the connection is closed; and if it was the session's, that is down.
    pub(super) fn bury(&mut self, now: Time, link: Link, why: &Why, out: &mut Vec<Output>) {
        let agreed = match link.stage {
            Stage::Established(agreed) => Some(agreed),
            _ => None,
        };
        let said = match why {
            Why::Fault(fault) => {
                out.push(Output::Event(Event::Fault(fault.clone())));
                Some(fault.notification())
            }
            Why::Stopped(reason, text) => Some(Notification {
                reason: Reason::Cease(*reason),
                data: match reason {
                    Cease::Shutdown | Cease::Reset => text.data(),
                    _ => Vec::new(),
                },
            }),
            Why::Notified(said) => {
                out.push(Output::Event(Event::Notified(said.clone())));
                None
            }
            Why::Lost(_) | Why::Restarted | Why::Stuck => None,
        };
        if let Some(said) = said {
            let keeps = agreed.as_ref().and_then(|agreed| agreed.graceful.as_ref());
            let said = match keeps.is_some_and(|graceful| graceful.notification()) {
                true if is_hard(said.reason) => hard_reset(said),
                _ => said,
            };
            self.counters.error_sent = Some((now, said.clone()));
            self.send(now, link.id, Message::Notification(said), out);
        }
        if !matches!(why, Why::Lost(_)) {
            out.push(Output::Close(link.id));
        }
        if let Some(agreed) = agreed {
            self.down(now, &agreed, why, out);
        }
        if !why.is_collision() {
            self.why = Some(why.clone());
        }
    }

    fn down(&mut self, now: Time, agreed: &Agreed, why: &Why, out: &mut Vec<Output>) {
        let kept = kept(agreed, why);
        let steady = self.neighbour.settings().idle_hold.most;
        if self.established.is_some_and(|since| now - since >= steady) {
            self.failures = 0;
        }
        self.established = None;
        self.counters.flaps += 1;
        let why = why.clone();
        out.push(Output::Down { why, kept });
        self.forget();
        self.keep(now, agreed, kept);
    }

    /// Back to Idle.
    fn rest(&mut self, mode: Mode, out: &mut Vec<Output>) {
        self.mode = mode;
        self.hang_up(out);
        self.failed = 0;
        self.connect_failed = None;
        if mode == Mode::Stopped {
            self.restart_over(super::Complete::Stopped, out);
        }
    }
}
