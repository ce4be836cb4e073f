//! What a neighbour is told at once.

use super::nets::Id;
use super::store::{Route, RouteId, Store};
use crate::message::{Announced, Update};
use crate::{Bits, Family, Net, Prefix};
use std::sync::Arc;

/// Routes that come and go, by their attributes. Neighbours that are told the same get the same one.
#[derive(Debug)]
pub struct Batch {
    serial: u64,
    body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    V4(Part<u32>),
    V6(Part<u128>),
}

/// Of one family.
#[derive(Debug)]
pub(super) struct Part<A: Bits> {
    /// Those that are withdrawn, then those that are announced.
    nets: Vec<Net<A>>,
    withdrawn: usize,
    /// Attributes, and where those end that have them.
    runs: Vec<(Arc<Route>, usize)>,
}

/// What is told next.
#[derive(Debug, Clone)]
pub struct Told {
    /// Routes. It may be empty: there is more to be looked at then.
    pub batch: Arc<Batch>,
    /// All that there was when the session began was told with it (RFC 4724).
    pub end_of_rib: bool,
    /// All of a refresh was told with it (RFC 7313).
    pub end_of_refresh: bool,
}

impl Batch {
    pub(super) fn new(serial: u64, body: Body) -> Batch {
        Batch { serial, body }
    }

    /// No other batch of this table has this number: what was made of it for one neighbour is right for the next.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Of the prefixes.
    pub fn family(&self) -> Family {
        match &self.body {
            Body::V4(_) => Family::Ipv4,
            Body::V6(_) => Family::Ipv6,
        }
    }

    /// How many prefixes come and go.
    pub fn len(&self) -> usize {
        match &self.body {
            Body::V4(part) => part.nets.len(),
            Body::V6(part) => part.nets.len(),
        }
    }

    /// Whether nothing does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that go.
    pub fn withdrawn(&self) -> Vec<Prefix> {
        self.nets(0, self.withdrawals())
    }

    /// Those that come, by what they come with.
    pub fn announced(&self) -> impl Iterator<Item = (&Arc<Route>, Vec<Prefix>)> {
        let runs = match &self.body {
            Body::V4(part) => &part.runs,
            Body::V6(part) => &part.runs,
        };
        let mut from = self.withdrawals();
        runs.iter().map(move |(route, to)| {
            let nets = self.nets(from, *to);
            from = *to;
            (route, nets)
        })
    }

    /// As messages, which may be longer than one on the wire: one for what goes, and one for each set of attributes.
    pub fn updates(&self) -> impl Iterator<Item = Update> {
        let withdrawn = self.withdrawn();
        let gone = (!withdrawn.is_empty()).then(|| Update {
            withdrawn,
            ..Update::default()
        });
        let come = self.announced().filter_map(|(route, prefixes)| {
            let next_hop = route.next_hop?;
            Some(Update {
                attributes: Some(route.attributes.clone()),
                announced: vec![Announced { next_hop, prefixes }],
                ..Update::default()
            })
        });
        gone.into_iter().chain(come)
    }

    fn withdrawals(&self) -> usize {
        match &self.body {
            Body::V4(part) => part.withdrawn,
            Body::V6(part) => part.withdrawn,
        }
    }

    fn nets(&self, from: usize, to: usize) -> Vec<Prefix> {
        match &self.body {
            Body::V4(part) => part.some(from, to).map(Prefix::V4).collect(),
            Body::V6(part) => part.some(from, to).map(Prefix::V6).collect(),
        }
    }
}

/// A family's part as one of a batch.
pub(super) trait Parts: Bits {
    fn body(part: Part<Self>) -> Body;
}

impl Parts for u32 {
    fn body(part: Part<u32>) -> Body {
        Body::V4(part)
    }
}

impl Parts for u128 {
    fn body(part: Part<u128>) -> Body {
        Body::V6(part)
    }
}

/// A prefix, and what is told of it: none, where it is withdrawn.
pub(super) type Item = (Id, Option<RouteId>);

impl<A: Bits> Part<A> {
    /// Of items that are sorted by what is told.
    pub(super) fn of(items: &[Item], store: &Store, net: impl Fn(Id) -> Option<Net<A>>) -> Part<A> {
        let mut part = Part {
            nets: Vec::with_capacity(items.len()),
            withdrawn: 0,
            runs: Vec::new(),
        };
        for run in items.chunk_by(|(_, one), (_, other)| one == other) {
            part.nets.extend(run.iter().filter_map(|(id, _)| net(*id)));
            match run.first().and_then(|(_, route)| *route) {
                None => part.withdrawn = part.nets.len(),
                Some(route) => {
                    let route = store.get(route).map(Arc::new);
                    part.runs
                        .extend(route.map(|route| (route, part.nets.len())));
                }
            }
        }
        part
    }

    fn some(&self, from: usize, to: usize) -> impl Iterator<Item = Net<A>> {
        let all = self.nets.get(from..to).unwrap_or_default();
        all.iter().copied()
    }
}

/// What some neighbours of a group were told last: the next one is likely to be told the same.
#[derive(Default)]
pub(super) struct Recent {
    all: Vec<(Vec<Item>, Arc<Batch>)>,
    /// How often numbers of prefixes had become free then.
    freed: u64,
}

/// More are seldom of use.
const RECENT: usize = 4;

impl Recent {
    /// The same as before, if it is there. Routes of what is kept stay, so that equal numbers are equal routes.
    pub(super) fn find(
        &mut self,
        store: &mut Store,
        freed: u64,
        items: &[Item],
    ) -> Option<Arc<Batch>> {
        if self.freed != freed {
            self.clear(store);
            self.freed = freed;
        }
        let found = self.all.iter().find(|(other, _)| other == items);
        found.map(|(_, batch)| Arc::clone(batch))
    }

    pub(super) fn add(&mut self, store: &mut Store, items: Vec<Item>, batch: Arc<Batch>) {
        if self.all.len() >= RECENT {
            let (old, _) = self.all.remove(0);
            release(store, &old);
        }
        for route in routes(&items) {
            store.keep(route);
        }
        self.all.push((items, batch));
    }

    pub(super) fn clear(&mut self, store: &mut Store) {
        for (items, _) in self.all.drain(..) {
            release(store, &items);
        }
    }
}

/// Each once.
fn routes(items: &[Item]) -> impl Iterator<Item = RouteId> {
    let runs = items.chunk_by(|(_, one), (_, other)| one == other);
    runs.filter_map(|run| run.first()?.1)
}

fn release(store: &mut Store, items: &[Item]) {
    for route in routes(items) {
        store.release(route);
    }
}
