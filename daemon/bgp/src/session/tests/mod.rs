//! A session on the bench: what goes in, and what comes out as words.

mod collision;
mod connecting;
mod graceful;
mod negotiation;
mod refresh;
mod restarting;
mod states;
mod status;
mod timers;
mod world;

use super::config::{FamilySettings, Graceful, Peer, Settings};
use super::*;
use crate::message::{Cease, Notification, Open, Refresh, RefreshKind, Update};
use crate::{Asn, HoldTime, RouterId};
use std::time::Duration;

pub(super) const V4: Family = Family::Ipv4;
pub(super) const V6: Family = Family::Ipv6;
pub(super) const OURS: Connection = Connection::Ours(1);
pub(super) const THEIRS: Connection = Connection::Theirs(1);

pub(super) fn speaker(asn: u32, router: u32) -> Speaker {
    Speaker {
        asn: Asn::new(asn).unwrap(),
        router: RouterId::new(router).unwrap(),
    }
}

/// AS 65001 with identifier 10, whose neighbour is of AS 65002. No two families but where a test wants them.
pub(super) fn here() -> Settings {
    let peer = Peer::At("192.0.2.2".parse().unwrap());
    let wanted = RemoteAs::Is(Asn::new(65002).unwrap());
    Settings::new(peer, speaker(65001, 10), wanted)
}

/// And the neighbour: identifier 20.
pub(super) fn there() -> Settings {
    let peer = Peer::At("192.0.2.1".parse().unwrap());
    let wanted = RemoteAs::Is(Asn::new(65001).unwrap());
    Settings::new(peer, speaker(65002, 20), wanted)
}

pub(super) fn both_families(settings: Settings) -> Settings {
    Settings {
        families: Family::ALL.map(FamilySettings::new).to_vec(),
        ..settings
    }
}

pub(super) fn graceful(settings: Settings) -> Settings {
    Settings {
        graceful: Graceful::FULL,
        ..settings
    }
}

pub(super) fn hold(settings: Settings, seconds: u16) -> Settings {
    Settings {
        hold_time: HoldTime::new(seconds).unwrap(),
        ..settings
    }
}

/// What the neighbour says of itself.
pub(super) fn open_of(settings: &Settings) -> Open {
    open::ours(&Neighbour::new(settings.clone()).unwrap(), None)
}

pub(super) fn said(reason: Reason) -> Notification {
    Notification {
        reason,
        data: Vec::new(),
    }
}

pub(super) use crate::message::Reason;

pub(super) fn end_of_rib(family: Family) -> Message {
    Message::Update(Update {
        end_of_rib: Some(family),
        ..Update::default()
    })
}

pub(super) fn refresh(family: Family, kind: RefreshKind) -> Message {
    Message::Refresh(Refresh { family, kind })
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A session, its clock, and its neighbour's OPEN.
pub(super) struct Bench {
    pub(super) session: Session,
    pub(super) now: Time,
    pub(super) open: Open,
}

impl Bench {
    pub(super) fn new(here: Settings, there: &Settings) -> Bench {
        Bench {
            session: Session::new(Neighbour::new(here).unwrap(), 1),
            now: Time::after(secs(1000)),
            open: open_of(there),
        }
    }

    pub(super) fn usual() -> Bench {
        Bench::new(here(), &there())
    }

    /// What it answers, but for events.
    pub(super) fn raw(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.session.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Event(_)));
        out
    }

    /// In words.
    pub(super) fn give(&mut self, input: Input) -> String {
        let out: Vec<_> = self.raw(input).iter().map(words).collect();
        out.join(", ")
    }

    pub(super) fn receive(&mut self, id: Connection, message: Message) -> String {
        self.give(Input::Received(id, message))
    }

    /// Time passes, and whatever is due on the way is done.
    pub(super) fn pass(&mut self, time: Duration) -> String {
        let end = self.now + time;
        let mut all = Vec::new();
        while let Some(next) = self.session.deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            all.push(self.give(Input::Tick));
            let after = self.session.deadline();
            assert!(after.is_none_or(|time| time > self.now), "a timer stays");
        }
        self.now = end;
        all.retain(|words| !words.is_empty());
        all.join(", ")
    }

    /// To the next moment at which something is due.
    pub(super) fn skip(&mut self) {
        let next = self.session.deadline().unwrap();
        self.pass(next - self.now);
    }

    pub(super) fn start(&mut self) -> String {
        self.give(Input::Start { restarted: None })
    }

    pub(super) fn stop(&mut self, reason: Cease) -> String {
        let text = Text::none();
        self.give(Input::Stop { reason, text })
    }

    /// Up by the first attempt of ours.
    pub(super) fn up(&mut self) {
        self.start();
        self.up_by(OURS);
    }

    /// Up by a connection.
    pub(super) fn up_by(&mut self, id: Connection) {
        self.give(Input::Connected(id));
        self.receive(id, Message::Open(self.open.clone()));
        self.receive(id, Message::Keepalive);
        assert_eq!(self.session.state(), State::Established);
    }

    /// How far it is, by the shortest way there.
    pub(super) fn reach(&mut self, state: State) {
        if state == State::Idle {
            return;
        }
        self.start();
        match state {
            State::Idle | State::Connect => {}
            State::Active => {
                self.give(Input::ConnectFailed(OURS, "refused".to_owned()));
            }
            _ => {
                self.give(Input::Connected(OURS));
            }
        }
        if state >= State::OpenConfirm {
            self.receive(OURS, Message::Open(self.open.clone()));
        }
        if state >= State::Established {
            self.receive(OURS, Message::Keepalive);
        }
        assert_eq!(self.session.state(), state);
    }
}

/// An output as a word or two.
pub(super) fn words(output: &Output) -> String {
    match output {
        Output::Connect(id) => format!("connect {id}"),
        Output::Send(id, Message::Notification(said)) => {
            let (code, subcode) = words::code(said.reason);
            format!("send {id} NOTIFICATION {code}/{subcode}")
        }
        Output::Send(id, Message::Refresh(refresh)) => {
            format!("send {id} {:?} {}", refresh.kind, refresh.family)
        }
        Output::Send(id, Message::Update(update)) => match update.end_of_rib {
            Some(family) => format!("send {id} End-of-RIB {family}"),
            None => format!("send {id} UPDATE"),
        },
        Output::Send(id, message) => format!("send {id} {}", message.kind()),
        Output::Close(id) => format!("close {id}"),
        Output::Up(id, _) => format!("up {id}"),
        Output::Down { kept, .. } => format!("down [{kept}]"),
        Output::Update(_) => "update".to_owned(),
        Output::MarkStale(family) => format!("mark stale {family}"),
        Output::DropStale(family) => format!("drop stale {family}"),
        Output::RefreshWanted(family) => format!("refresh wanted {family}"),
        Output::Complete(family, why) => format!("complete {family} {why:?}"),
        Output::Event(event) => format!("event {event}"),
    }
}
