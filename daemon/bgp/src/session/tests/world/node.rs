//! A node: a session, the names of its connections, and a table; and what has to hold at each step.

use super::*;
use crate::attr::{AsPath, Attributes, NextHop, Origin};
use crate::message::Announced;
use crate::{Net, Prefix};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(super) struct Node {
    pub(super) settings: Settings,
    pub(super) session: Session,
    pub(super) alive: bool,
    /// How often it restarted.
    pub(super) life: u32,
    /// How often a session of this life came up.
    pub(super) sessions: u64,
    /// Its connections: which wires they are.
    pub(super) names: HashMap<Connection, usize>,
    open: HashSet<Connection>,
    accepted: u32,
    seed: u64,
    /// What it tells.
    pub(super) own: BTreeSet<u32>,
    /// What it was told, and whether it is stale.
    pub(super) table: BTreeMap<u32, bool>,
    up: Option<Connection>,
    heard: Time,
}

/// Even routes are of IPv4, odd ones of IPv6.
pub(super) fn family_of(route: u32) -> Family {
    if route.is_multiple_of(2) { V4 } else { V6 }
}

fn prefix(route: u32) -> Prefix {
    match family_of(route) {
        Family::Ipv4 => Prefix::V4(Net::new(route, 32).unwrap()),
        Family::Ipv6 => Prefix::V6(Net::new(route.into(), 128).unwrap()),
    }
}

fn route(prefix: Prefix) -> u32 {
    match prefix {
        Prefix::V4(net) => net.address(),
        Prefix::V6(net) => net.address() as u32,
    }
}

pub(super) fn announce(route: u32) -> Update {
    Update {
        attributes: Some(Attributes::new(Origin::Igp, AsPath::default())),
        announced: vec![Announced {
            next_hop: NextHop::V4([192, 0, 2, 1].into()),
            prefixes: vec![prefix(route)],
        }],
        ..Update::default()
    }
}

pub(super) fn withdraw(route: u32) -> Update {
    Update {
        withdrawn: vec![prefix(route)],
        ..Update::default()
    }
}

impl Node {
    pub(super) fn new(settings: Settings, seed: u64) -> Node {
        let neighbour = Neighbour::new(settings.clone()).unwrap();
        Node {
            settings,
            session: Session::new(neighbour, seed),
            alive: true,
            life: 0,
            sessions: 0,
            names: HashMap::new(),
            open: HashSet::new(),
            accepted: 0,
            seed,
            own: BTreeSet::new(),
            table: BTreeMap::new(),
            up: None,
            heard: Time::default(),
        }
    }

    /// All that it knew is gone, but for what it has to tell.
    pub(super) fn dies(&mut self) {
        let mut next = Node::new(self.settings.clone(), self.seed + 1);
        next.alive = false;
        next.life = self.life + 1;
        next.own = std::mem::take(&mut self.own);
        *self = next;
    }

    pub(super) fn wire(&self, id: Connection) -> Option<usize> {
        self.names.get(&id).copied()
    }

    pub(super) fn accepts(&mut self, wire: usize) -> Connection {
        self.accepted += 1;
        let id = Connection::Theirs(self.accepted);
        self.names.insert(id, wire);
        self.opened(id);
        id
    }

    pub(super) fn opened(&mut self, id: Connection) {
        self.open.insert(id);
    }

    pub(super) fn closed(&mut self, id: Connection) {
        self.open.remove(&id);
    }

    pub(super) fn routes(&self, family: Family) -> Vec<u32> {
        let own = self.own.iter().copied();
        own.filter(|route| family_of(*route) == family).collect()
    }

    pub(super) fn handle(&mut self, now: Time, input: Input) -> Vec<Output> {
        if matches!(&input, Input::Received(id, _) if self.up == Some(*id)) {
            self.heard = now;
        }
        let mut out = Vec::new();
        let ticks = input == Input::Tick;
        self.session.handle(now, input, &mut out);
        for output in &out {
            self.check(output, now);
        }
        self.check_all();
        if ticks {
            self.check_timers(now);
        }
        out
    }

    fn check(&mut self, output: &Output, now: Time) {
        match output {
            Output::Send(id, message) => {
                assert!(self.open.contains(id), "{message:?} to {id}");
                if matches!(message, Message::Update(_) | Message::Refresh(_)) {
                    assert_eq!(self.up, Some(*id), "{message:?}");
                }
            }
            Output::Close(id) => self.closed(*id),
            Output::Up(id, _) => {
                assert_eq!(self.up, None);
                self.up = Some(*id);
                self.heard = now;
                self.sessions += 1;
            }
            Output::Down { kept, .. } => {
                assert!(self.up.take().is_some());
                self.table.retain(|route, stale| {
                    !std::mem::replace(stale, true) && kept.contains(family_of(*route))
                });
            }
            Output::Update(update) => {
                assert!(self.up.is_some());
                for gone in &update.withdrawn {
                    self.table.remove(&route(*gone));
                }
                let come = update.announced.iter().flat_map(|one| &one.prefixes);
                self.table.extend(come.map(|come| (route(*come), false)));
            }
            Output::MarkStale(family) => {
                assert!(self.up.is_some());
                let told = self.table.iter_mut();
                let told = told.filter(|(route, _)| family_of(**route) == *family);
                told.for_each(|(_, stale)| *stale = true);
            }
            Output::DropStale(family) => {
                self.table
                    .retain(|route, stale| !*stale || family_of(*route) != *family);
            }
            Output::RefreshWanted(_) => assert!(self.up.is_some()),
            Output::Connect(_) | Output::Complete(..) | Output::Event(_) => {}
        }
    }

    fn check_all(&self) {
        let session = &self.session;
        let state = session.state();
        let links = &session.links;
        let up = |link: &&Link| matches!(link.stage, Stage::Established(_));
        assert!(links.len() <= 3, "{links:?}");
        assert_eq!(
            links.iter().filter(up).count(),
            usize::from(self.up.is_some())
        );
        assert_eq!(self.up.is_some(), state == State::Established);
        let waits =
            session.mode == Mode::Stopped || state == State::Active && self.settings.passive;
        let deadline = session.deadline();
        assert!(waits || deadline.is_some(), "nothing leads out of {state}");
        if self.table.values().any(|stale| *stale) {
            assert!(deadline.is_some(), "stale routes stay");
        }
    }

    fn check_timers(&self, now: Time) {
        let due = self.session.deadline();
        assert!(due.is_none_or(|time| time > now), "a timer stays");
        if let Some((_, agreed)) = self.session.established() {
            let hold = agreed.hold_time.time().unwrap_or(Duration::MAX);
            assert!(now - self.heard <= hold, "silent since {:?}", self.heard);
        }
    }
}
