//! Messages come in.

use super::connect::ATTEMPT;
use super::link::Stage;
use super::{Agreed, Connection, Fault, Output, Session, State, Why, open};
use crate::Time;
use crate::message::{Message, Open, Refresh, RefreshKind, Update};

impl Session {
    /// Events 19 to 28.
    pub(super) fn received(
        &mut self,
        now: Time,
        id: Connection,
        message: Message,
        out: &mut Vec<Output>,
    ) {
        let Some(link) = self.links.iter_mut().find(|link| link.id == id) else {
            return;
        };
        self.counters.received.count(&message);
        link.heard(now);
        let state = link.state();
        match (message, state) {
            (Message::Notification(said), _) => {
                self.counters.error_received = Some((now, said.clone()));
                self.end(now, id, Why::Notified(said), out);
            }
            (Message::Open(open), State::OpenSent) => self.opened(now, id, &open, out),
            (Message::Keepalive, State::OpenConfirm) => self.confirmed(now, id, out),
            (Message::Keepalive, State::Established) => {}
            (Message::Update(update), State::Established) => self.update(update, out),
            (Message::Refresh(refresh), State::Established) => self.asked(now, refresh, out),
            (message, state) => {
                let fault = Fault::Unexpected(message.kind(), state);
                self.fault(now, id, fault, out);
            }
        }
    }

    /// The neighbour says who it is.
    fn opened(&mut self, now: Time, id: Connection, theirs: &Open, out: &mut Vec<Output>) {
        let Some(link) = self.links.iter().find(|link| link.id == id) else {
            return;
        };
        let agreed = match open::negotiate(&self.neighbour, &link.sent, theirs) {
            Ok(agreed) => agreed,
            Err(fault) => return self.fault(now, id, fault, out),
        };
        if !self.collide(now, id, &agreed, out) {
            return;
        }
        // Whatever else was on its way is not needed any more.
        self.hang_up(out);
        if let Some(link) = self.links.iter_mut().find(|link| link.id == id) {
            link.stage = Stage::OpenConfirm(Box::new(agreed));
            link.heard(now);
        }
        self.send(now, id, Message::Keepalive, out);
    }

    /// Of two connections one stays (RFC 4271, 6.8; RFC 6286, 2.3): the one that the speaker with the greater identifier
    /// made, or of the greater AS. Whether it is this one.
    ///
    /// A session that is up stays, too; but a neighbour that connects anew while it is has restarted (RFC 4724, 4.2).
    ///
    /// Where this speaker's would stay, and the neighbour's OPEN on it has not come yet, it is waited for a moment: were
    /// the neighbour's let go on to Established, each side would close the one that the other keeps.
    fn collide(
        &mut self,
        now: Time,
        id: Connection,
        agreed: &Agreed,
        out: &mut Vec<Output>,
    ) -> bool {
        let rank = |speaker: super::Speaker| (speaker.router, speaker.asn);
        let theirs_stays = rank(agreed.local) < rank(agreed.remote);
        let restarted = self.has_restarted(id, agreed);
        let others = self.links.iter().filter(|link| link.id != id);
        // Of others there may be two, of which one is not further than OpenSent: that one's time comes with its OPEN.
        let other = others.max_by_key(|link| link.state());
        let fresh = other.is_some_and(|link| link.is_ours() && now - link.made < ATTEMPT);
        let other = other.map(|link| (link.id, &link.stage));
        match other {
            None => true,
            Some((_, Stage::OpenSent)) if theirs_stays || !fresh => true,
            Some((other, Stage::Established(_))) if restarted => {
                self.end(now, other, Why::Restarted, out);
                true
            }
            Some((other, Stage::OpenConfirm(_)))
                if theirs_stays == matches!(id, Connection::Theirs(_)) =>
            {
                self.fault(now, other, Fault::Collision, out);
                true
            }
            Some(_) => {
                self.fault(now, id, Fault::Collision, out);
                false
            }
        }
    }

    /// Whether the neighbour has restarted, since it connects while the session is up. At the beginning of a session it
    /// may be that both connected at once, and that its connection was slower: then it has to say that it restarted, and
    /// not to have said so before.
    fn has_restarted(&self, id: Connection, agreed: &Agreed) -> bool {
        let says = |agreed: &Agreed| {
            let both = agreed.graceful.as_ref();
            both.is_some_and(|both| both.theirs.restarting)
        };
        let link = self.links.iter().find(|link| link.id == id);
        let after = link.and_then(|link| link.second);
        match (after, self.established()) {
            (Some(after), Some((_, up))) if up.graceful.is_some() => {
                after >= ATTEMPT || says(agreed) && !says(up)
            }
            _ => false,
        }
    }

    /// The neighbour agrees.
    fn confirmed(&mut self, now: Time, id: Connection, out: &mut Vec<Output>) {
        let Some(link) = self.links.iter_mut().find(|link| link.id == id) else {
            return;
        };
        let Stage::OpenConfirm(agreed) = &link.stage else {
            return;
        };
        let agreed = agreed.clone();
        link.stage = Stage::Established(agreed.clone());
        link.heard(now);
        for link in &mut self.links {
            link.second = None;
        }
        self.counters.ups += 1;
        self.established = Some(now);
        self.failed = 0;
        self.why = None;
        out.push(Output::Up(id, agreed.clone()));
        self.telling_begins(&agreed);
        self.back(now, &agreed, out);
    }

    fn update(&mut self, update: Update, out: &mut Vec<Output>) {
        match update.end_of_rib {
            Some(family) => self.end_of_rib(family, out),
            None => out.push(Output::Update(update)),
        }
    }

    /// ROUTE-REFRESH; of what was not agreed on, nothing (RFC 2918, 4).
    fn asked(&mut self, now: Time, refresh: Refresh, out: &mut Vec<Output>) {
        match refresh.kind {
            RefreshKind::Wanted => self.refresh_wanted(now, refresh.family, out),
            RefreshKind::Begin => self.refresh_begins(now, refresh.family, out),
            RefreshKind::End => self.refresh_ends(refresh.family, out),
        }
    }
}
