//! The table beside the naive one: the same is done to both.

use super::naive::{Heard, Naive, Way};
use super::*;
use std::sync::Mutex;

/// What can happen.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Announce(usize, usize, usize, Vec<usize>),
    Withdraw(usize, usize),
    Originate(usize, usize, usize),
    Retract(usize, usize),
    Join(usize),
    Leave(usize),
    Refresh(usize),
    Remove(usize),
    Stale(usize),
    Purge(usize),
    Change(Vec<usize>, usize, usize),
    Drain(usize),
    Reach(usize, Option<u32>),
    Tell(usize, usize),
    Changes(usize),
    Work(usize),
    Check,
}

/// Who told it, and what.
type Used = Vec<(Option<PeerId>, Arc<Route>)>;

pub(super) type Costs = Arc<Mutex<BTreeMap<NextHop, u32>>>;

pub(super) struct Both {
    pub(super) table: Table,
    pub(super) naive: Naive,
    /// Neighbours of the test, and who they are now.
    peers: Vec<(Neighbour, Option<PeerId>)>,
    receivers: BTreeMap<(PeerId, Family), Receiver>,
    node: BTreeMap<Prefix, Used>,
    serials: BTreeMap<u64, Arc<Batch>>,
    costs: Costs,
    pub(super) sets: Vec<Attributes>,
    prefixes: Vec<Prefix>,
    policies: Vec<Arc<Policy>>,
}

pub(super) fn prefixes() -> Vec<Prefix> {
    let all = [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.2.0.0/16",
        "::/0",
        "fd00::/48",
    ];
    all.map(prefix).to_vec()
}

/// Different in whom they let through and in what they change.
pub(super) fn policies() -> Vec<Arc<Policy>> {
    let within = |text| Term::Prefixes([PrefixMatch::within(prefix(text))].into_iter().collect());
    let mine = Rule::accept("own").when(Term::Source(Source::OWN.to_vec()));
    let one = Rule::accept("one")
        .when(Term::Neighbour(vec![IpAddr::V4(Ipv4Addr::new(
            192, 0, 2, 2,
        ))]))
        .then(Action::Med(Some(7)));
    let changed = Rule::accept("changed")
        .when(within("10.1.0.0/16"))
        .then(Action::LocalPref(150))
        .then(Action::Med(Some(3)));
    let policy = |rules: Vec<Rule>| Arc::new(Policy::new("one", rules).unwrap());
    vec![
        open(),
        prepend(2),
        policy(vec![Rule::refuse("all")]),
        policy(vec![mine]),
        policy(vec![one, Rule::accept("rest")]),
        policy(vec![
            changed,
            Rule::refuse("ten").when(within("10.0.0.0/8")),
            Rule::accept("rest"),
        ]),
    ]
}

impl Both {
    pub(super) fn new(settings: Settings, sets: Vec<Attributes>) -> Both {
        let costs: Costs = Arc::default();
        for last in 0..3 {
            costs.lock().unwrap().insert(hop(last), 1);
        }
        let known = costs.lock().unwrap().clone();
        let resolve = Arc::clone(&costs);
        let resolve = move |hop: NextHop| resolve.lock().unwrap().get(&hop).copied();
        let peers = [
            Neighbour {
                adjacent: true,
                ..external(1)
            },
            external(2),
            neighbour(3, 65_001, Relation::External),
            internal(4),
            internal(5),
            client(6),
            client(7),
        ];
        let mut both = Both {
            table: Table::new(settings.clone(), resolve),
            naive: Naive {
                settings,
                peers: BTreeMap::new(),
                heard: BTreeMap::new(),
                own: BTreeMap::new(),
                drain: Drain::Off,
                costs: known,
            },
            peers: peers.map(|peer| (peer, None)).to_vec(),
            receivers: BTreeMap::new(),
            node: BTreeMap::new(),
            serials: BTreeMap::new(),
            costs,
            sets,
            prefixes: prefixes(),
            policies: policies(),
        };
        for at in 0..both.peers.len() {
            both.peer(at);
        }
        both
    }

    pub(super) fn peers(&self) -> usize {
        self.peers.len()
    }

    /// It comes back where it is gone.
    fn peer(&mut self, at: usize) -> PeerId {
        let (neighbour, id) = &mut self.peers[at];
        *id.get_or_insert_with(|| {
            let id = self.table.add(neighbour.clone()).unwrap();
            self.naive.peers.insert(id, neighbour.clone());
            id
        })
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Announce(peer, set, to, prefixes) => {
                let (peer, next_hop) = (self.peer(*peer), hop(*to as u8));
                let attributes = self.sets[*set % self.sets.len()].clone();
                let prefixes: Vec<Prefix> = prefixes.iter().map(|at| self.prefixes[*at]).collect();
                self.table
                    .announce(peer, &attributes, next_hop, &prefixes)
                    .unwrap();
                for prefix in prefixes {
                    let heard = Heard {
                        attributes: attributes.clone(),
                        next_hop,
                        stale: false,
                    };
                    self.naive.heard.insert((prefix, peer), heard);
                }
            }
            Event::Withdraw(peer, at) => {
                let (peer, prefix) = (self.peer(*peer), self.prefixes[*at]);
                self.table.withdraw(peer, &[prefix]);
                self.naive.heard.remove(&(prefix, peer));
            }
            Event::Originate(source, at, set) => {
                let (source, prefix) = (Source::OWN[*source], self.prefixes[*at]);
                let mut attributes = self.sets[*set % self.sets.len()].clone();
                attributes.as_path = AsPath::default();
                self.table.originate(source, prefix, attributes.clone());
                attributes.originator = None;
                attributes.clusters.clear();
                self.naive.own.insert((prefix, source), attributes);
            }
            Event::Retract(source, at) => {
                let (source, prefix) = (Source::OWN[*source], self.prefixes[*at]);
                self.table.retract(source, prefix);
                self.naive.own.remove(&(prefix, source));
            }
            Event::Join(peer) => {
                let peer = self.peer(*peer);
                for family in Family::ALL {
                    self.table.join(peer, family);
                    self.receivers.insert((peer, family), Receiver::default());
                }
            }
            Event::Leave(peer) => {
                let peer = self.peer(*peer);
                for family in Family::ALL {
                    self.table.leave(peer, family);
                    self.receivers.remove(&(peer, family));
                }
            }
            Event::Refresh(peer) => {
                let peer = self.peer(*peer);
                self.table.refresh(peer, Family::Ipv4);
            }
            Event::Remove(peer) => {
                let (_, id) = &mut self.peers[*peer];
                let Some(id) = id.take() else { return };
                self.table.remove(id);
                self.receivers.retain(|(peer, _), _| *peer != id);
                self.naive.peers.remove(&id);
                self.naive.heard.retain(|(_, peer), _| *peer != id);
            }
            Event::Stale(peer) => {
                let peer = self.peer(*peer);
                for family in Family::ALL {
                    self.table.mark_stale(peer, family);
                }
                self.naive
                    .heard
                    .retain(|(_, id), heard| *id != peer || !heard.stale);
                let all = self.naive.heard.iter_mut();
                for (_, heard) in all.filter(|((_, id), _)| *id == peer) {
                    heard.stale = true;
                }
            }
            Event::Purge(peer) => {
                let peer = self.peer(*peer);
                for family in Family::ALL {
                    self.table.purge_stale(peer, family);
                }
                self.naive
                    .heard
                    .retain(|(_, id), heard| *id != peer || !heard.stale);
            }
            Event::Change(peers, import, export) => self.change(peers, *import, *export),
            Event::Drain(how) => {
                let how = [Drain::Off, Drain::Announced, Drain::Withdrawn][*how];
                self.table.drain(how);
                self.naive.drain = how;
            }
            Event::Reach(to, cost) => {
                let mut costs = self.costs.lock().unwrap();
                match cost {
                    Some(cost) => costs.insert(hop(*to as u8), *cost),
                    None => costs.remove(&hop(*to as u8)),
                };
                self.naive.costs = costs.clone();
                drop(costs);
                self.table.resolve_anew();
            }
            Event::Tell(peer, most) => {
                let peer = self.peer(*peer);
                for family in Family::ALL {
                    self.tell(peer, family, *most);
                }
            }
            Event::Changes(most) => {
                self.changes(*most);
            }
            Event::Work(most) => {
                self.table.work(*most);
            }
            Event::Check => self.check(),
        }
    }

    fn change(&mut self, peers: &[usize], import: usize, export: usize) {
        let policy = |at: usize| self.policies.get(at).map(Arc::clone);
        let filters = Filters {
            import: policy(import),
            export: policy(export),
            needed: import.is_multiple_of(2),
        };
        let mut changes = Vec::new();
        for at in peers {
            let id = self.peer(*at);
            let (neighbour, _) = &mut self.peers[*at];
            neighbour.filters = filters.clone();
            self.naive.peers.insert(id, neighbour.clone());
            changes.push((id, filters.clone()));
        }
        self.table.change(changes);
    }

    fn tell(&mut self, peer: PeerId, family: Family, most: usize) -> bool {
        let Some(told) = self.table.tell(peer, family, most) else {
            return false;
        };
        let batch = &told.batch;
        let first = self
            .serials
            .entry(batch.serial())
            .or_insert_with(|| Arc::clone(batch));
        assert!(Arc::ptr_eq(first, batch), "one number, two batches");
        let receiver = self.receivers.get_mut(&(peer, family)).unwrap();
        receiver.hear(&told);
        assert!(receiver.ends <= 1, "the end of all is told once a session");
        true
    }

    fn changes(&mut self, most: usize) -> bool {
        let changes = self.table.changes(most);
        let some = !changes.is_empty();
        for Change { prefix, best } in changes {
            let best: Vec<_> = best
                .into_iter()
                .map(|best| (best.peer, best.route))
                .collect();
            match best.is_empty() {
                true => self.node.remove(&prefix),
                false => self.node.insert(prefix, best),
            };
        }
        some
    }

    /// When all is said and done, both say the same.
    pub(super) fn check(&mut self) {
        work(&mut self.table);
        for (peer, family) in self.receivers.keys().copied().collect::<Vec<_>>() {
            while self.tell(peer, family, 3) {}
            let told = &self.receivers[&(peer, family)];
            let wanted = self.naive.told(peer, family);
            let knows: BTreeMap<Prefix, Route> = told
                .knows
                .iter()
                .map(|(prefix, route)| (*prefix, Route::clone(route)))
                .collect();
            assert_eq!(knows, wanted, "what {peer:?} is told");
            assert_eq!(told.ends, 1, "the end of all was told");
            assert_eq!(self.table.told_count(peer, family), wanted.len());
            let all: BTreeMap<_, _> = self.table.told(peer, family).into_iter().collect();
            assert_eq!(all, told.knows, "what is shown");
            for prefix in self
                .prefixes
                .iter()
                .filter(|prefix| prefix.family() == family)
            {
                let why = self.table.why_told(peer, *prefix).ok();
                assert_eq!(why.as_deref(), wanted.get(prefix), "why {prefix}");
            }
        }
        while self.changes(2) {}
        for prefix in &self.prefixes {
            let route = |way: Way| {
                let Way {
                    from,
                    attributes,
                    next_hop,
                    ..
                } = way;
                let route = Route {
                    attributes,
                    next_hop,
                };
                (from, route)
            };
            let wanted = self.naive.used(*prefix).into_iter().map(route);
            let wanted: Vec<_> = wanted.collect();
            let used = self.node.get(prefix).into_iter().flatten();
            let used = used.map(|(peer, route)| (*peer, Route::clone(route)));
            assert_eq!(used.collect::<Vec<_>>(), wanted, "what is used to {prefix}");
            let best = self.naive.best(*prefix).map(route);
            assert_eq!(wanted.first(), best.as_ref(), "the best to {prefix}");
            let fates = self.table.why(*prefix);
            let first = fates.first().filter(|fate| fate.outcome == Outcome::Best);
            let first = first.map(|fate| (fate.peer, Route::clone(fate.chosen.as_ref().unwrap())));
            assert_eq!(first, best, "why {prefix}");
            let bests = fates.iter().filter(|fate| fate.outcome == Outcome::Best);
            assert_eq!(bests.count(), usize::from(best.is_some()));
            let beside = fates.iter().filter(|fate| fate.outcome == Outcome::Beside);
            let beside = beside.map(|fate| fate.peer).collect::<Vec<_>>();
            let others = wanted.iter().skip(1).map(|(peer, _)| *peer);
            // Equal ones are shown in no order.
            let others: std::collections::BTreeSet<_> = others.collect();
            assert_eq!(beside.len(), others.len());
            assert!(
                beside.iter().all(|peer| others.contains(peer)),
                "beside {prefix}"
            );
            let shown = self.table.best(*prefix);
            let in_node = self.node.get(prefix).cloned().unwrap_or_default();
            let shown: Vec<_> = shown
                .into_iter()
                .map(|best| (best.peer, best.route))
                .collect();
            assert_eq!(shown, in_node, "what the node uses to {prefix}");
        }
        for (_, id) in &self.peers {
            let Some(id) = *id else { continue };
            for family in Family::ALL {
                let heard = self.naive.heard.keys();
                let heard = heard.filter(|(prefix, peer)| *peer == id && prefix.family() == family);
                let counts = self.table.counts(id, family);
                assert_eq!(counts.received as usize, heard.count());
            }
        }
    }

    /// When all have gone and have heard all, nothing is left.
    pub(super) fn end(mut self) {
        for at in 0..self.peers.len() {
            self.apply(&Event::Remove(at));
        }
        for (prefix, source) in std::mem::take(&mut self.naive.own).into_keys() {
            self.table.retract(source, prefix);
        }
        work(&mut self.table);
        while self.changes(10) {}
        self.table.work(1000);
        assert_eq!(self.table.attribute_sets(), 0, "attributes are left");
        assert!(self.table.v4.nets.is_empty() && self.table.v6.nets.is_empty());
        assert!(self.table.v4.groups.iter().all(Option::is_none));
    }
}
