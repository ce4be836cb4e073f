//! Tests of the whole table. `naive` says the same in the simplest words, and `model` holds the two side by side.

mod choice;
mod drain;
mod hops;
mod limits;
mod model;
mod naive;
mod random;
mod reflect;
mod told;

use super::*;
use crate::attr::{AsPath, Origin};
use crate::policy::{Action, Policy, PrefixMatch, Rule, Term};
use crate::{Asn, RouterId};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

pub(super) const ME: u32 = 65_000;

pub(super) fn asn(number: u32) -> Asn {
    Asn::new(number).unwrap()
}

pub(super) fn router(number: u32) -> RouterId {
    RouterId::new(number).unwrap()
}

pub(super) fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

pub(super) fn hop(last: u8) -> NextHop {
    NextHop::V4(Ipv4Addr::new(192, 0, 2, last))
}

pub(super) fn path(all: &[u32]) -> AsPath {
    AsPath::sequence(all.iter().copied().map(asn))
}

pub(super) fn attributes(all: &[u32]) -> Attributes {
    Attributes::new(Origin::Igp, path(all))
}

/// One that takes everything, the default route as well.
pub(super) fn open() -> Arc<Policy> {
    let all = ["0.0.0.0/0", "::/0"].map(|text| PrefixMatch::exact(prefix(text)));
    let default = Rule::accept("default").when(Term::Prefixes(all.into_iter().collect()));
    Arc::new(Policy::new("open", [default, Rule::accept("all")]).unwrap())
}

/// One that prepends, so that what it lets through is seen to be another's.
pub(super) fn prepend(times: u8) -> Arc<Policy> {
    let rule = Rule::accept("all").then(Action::Prepend(times));
    Arc::new(Policy::new("prepend", [rule]).unwrap())
}

pub(super) fn filters(import: Arc<Policy>, export: Arc<Policy>) -> Filters {
    Filters {
        import: Some(import),
        export: Some(export),
        needed: true,
    }
}

pub(super) fn neighbour(last: u8, number: u32, relation: Relation) -> Neighbour {
    let own = NextHop::V4(Ipv4Addr::new(192, 0, 2, 254));
    Neighbour {
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
        asn: asn(number),
        router: router(last.into()),
        relation,
        filters: filters(open(), open()),
        own_hops: [
            Some(own),
            Some(NextHop::V6("fd00::254".parse().unwrap(), None)),
        ],
        shared: Vec::new(),
        most: [None, None],
        enforce_first_as: true,
        local: None,
        adjacent: false,
    }
}

pub(super) fn external(last: u8) -> Neighbour {
    neighbour(last, 65_000 + u32::from(last), Relation::External)
}

pub(super) fn internal(last: u8) -> Neighbour {
    neighbour(last, ME, Relation::Internal)
}

pub(super) fn client(last: u8) -> Neighbour {
    neighbour(last, ME, Relation::Client)
}

pub(super) fn settings() -> Settings {
    Settings::new(asn(ME), router(1000))
}

pub(super) fn table() -> Table {
    Table::new(settings(), |_| Some(1))
}

/// A neighbour that applies what it is told.
#[derive(Debug, Default, Clone)]
pub(super) struct Receiver {
    pub(super) knows: BTreeMap<Prefix, Arc<Route>>,
    pub(super) ends: usize,
    pub(super) refreshed: usize,
    /// How many prefixes it was told, coming or going.
    pub(super) lines: usize,
}

impl Receiver {
    pub(super) fn hear(&mut self, told: &Told) {
        self.lines += told.batch.len();
        self.ends += usize::from(told.end_of_rib);
        self.refreshed += usize::from(told.end_of_refresh);
        for prefix in told.batch.withdrawn() {
            let known = self.knows.remove(&prefix);
            assert!(known.is_some(), "{prefix} is withdrawn and was never told");
        }
        for (route, prefixes) in told.batch.announced() {
            for prefix in prefixes {
                self.knows.insert(prefix, Arc::clone(route));
            }
        }
    }

    /// All that is to be told.
    pub(super) fn listen(&mut self, table: &mut Table, peer: PeerId, family: Family) {
        let mut calls = 0;
        while let Some(told) = table.tell(peer, family, 100) {
            self.hear(&told);
            calls += 1;
            assert!(calls < 100_000, "there is no end to what is told");
        }
        assert!(!table.is_waiting(peer, family));
    }
}

pub(super) fn listen(table: &mut Table, peer: PeerId) -> Receiver {
    let mut receiver = Receiver::default();
    receiver.listen(table, peer, Family::Ipv4);
    receiver
}

pub(super) fn work(table: &mut Table) {
    let mut calls = 0;
    while table.work(64) {
        calls += 1;
        assert!(calls < 100_000, "there is no end to the work");
    }
}
