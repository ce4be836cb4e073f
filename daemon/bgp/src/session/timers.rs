//! Time passes.

use super::{Complete, Fault, Mode, Output, Session, Why};
use crate::message::Message;
use crate::{Family, Time};

impl Session {
    /// When [`Input::Tick`](super::Input::Tick) is wanted, at the latest; none, where nothing comes of time.
    pub fn deadline(&self) -> Option<Time> {
        let links = self.links.iter().filter_map(super::Link::deadline);
        let held = match self.mode {
            Mode::Held(until) => Some(until),
            _ => None,
        };
        let single = [
            held,
            self.attempt.map(|attempt| attempt.until),
            self.retry,
            self.stale.until(),
            self.restarting.map(|restarting| restarting.until),
        ];
        let again = Family::ALL.map(|family| self.heard[family].again_until);
        let all = single.into_iter().chain(again).flatten();
        links.chain(all).min()
    }

    /// Whatever is due. Events 9 to 13.
    pub(super) fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        let due = |time: Option<Time>| time.is_some_and(|time| time <= now);
        let ids: Vec<_> = self.links.iter().map(|link| link.id).collect();
        for id in ids {
            let Some(link) = self.links.iter().find(|link| link.id == id) else {
                continue;
            };
            if due(link.hold) {
                self.fault(now, id, Fault::HoldTimer, out);
            } else if due(link.stuck) {
                self.end(now, id, Why::Stuck, out);
            } else if due(link.keepalive) {
                self.send(now, id, Message::Keepalive, out);
            }
        }
        if due(self.restarting.map(|restarting| restarting.until)) {
            self.restart_over(Complete::Late, out);
        }
        if due(self.stale.until()) {
            self.drop_stale(out);
        }
        for family in Family::ALL {
            if due(self.heard[family].again_until) {
                self.refresh_ends(family, out);
            }
        }
        if let Some(attempt) = self.attempt.filter(|attempt| attempt.until <= now) {
            out.push(Output::Close(attempt.id));
            self.connect_failed(attempt.id, "the neighbour does not answer".to_owned(), out);
            self.dial(now, out);
        }
        if due(self.retry) {
            self.dial(now, out);
        }
        if let Mode::Held(until) = self.mode
            && until <= now
        {
            self.begin(now, out);
        }
    }
}
