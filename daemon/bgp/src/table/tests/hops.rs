//! Next hops: where they have to be, and what is decided anew when they are reached otherwise.

use super::*;
use crate::policy::HopChange;
use std::sync::Mutex;

const NET: &str = "10.0.0.0/8";

/// Costs that change.
#[derive(Clone, Default)]
struct Ways(Arc<Mutex<BTreeMap<NextHop, u32>>>);

impl Ways {
    fn set(&self, last: u8, cost: Option<u32>) {
        let mut ways = self.0.lock().unwrap();
        match cost {
            Some(cost) => ways.insert(hop(last), cost),
            None => ways.remove(&hop(last)),
        };
    }
}

impl Resolve for Ways {
    fn cost(&self, next_hop: NextHop) -> Option<u32> {
        self.0.lock().unwrap().get(&next_hop).copied()
    }
}

/// What became of what one neighbour told, with a next hop that costs so much.
fn outcome(neighbour: Neighbour, cost: Option<u32>) -> Outcome {
    let mut table = Table::new(settings(), move |_| cost);
    let path = match neighbour.relation {
        Relation::External => vec![neighbour.asn.get()],
        _ => Vec::new(),
    };
    let id = table.add(neighbour).unwrap();
    let set = attributes(&path);
    table.announce(id, &set, hop(77), &[prefix(NET)]).unwrap();
    table.why(prefix(NET))[0].outcome
}

#[test]
fn one_that_is_a_hop_away_tells_next_hops_on_the_link() {
    let adjacent = |neighbour| Neighbour {
        adjacent: true,
        ..neighbour
    };
    assert_eq!(outcome(adjacent(external(1)), Some(0)), Outcome::Best);
    let far = outcome(adjacent(external(1)), Some(1));
    assert_eq!(far, Outcome::Unfit(Unfit::NotOnLink));
    assert_eq!(
        outcome(adjacent(external(1)), None),
        Outcome::Unfit(Unfit::NextHop)
    );
    // Of one that is further away, and of one of the same AS, nobody expects it.
    assert_eq!(outcome(external(1), Some(1)), Outcome::Best);
    assert_eq!(outcome(internal(1), Some(1)), Outcome::Best);
    // What the node's own policy says is not the neighbour's word.
    let rule = Rule::accept("all")
        .when(Term::Family(Family::Ipv4))
        .then(Action::NextHop(HopChange::Address(hop(9))));
    let policy = Arc::new(Policy::new("hop", [rule]).unwrap());
    let set = Neighbour {
        filters: filters(policy, open()),
        ..adjacent(external(1))
    };
    assert_eq!(outcome(set, Some(1)), Outcome::Best);
}

#[test]
fn only_what_is_reached_otherwise_is_decided_anew() {
    for multipath in [1, 2] {
        let ways = Ways::default();
        (1..=3).for_each(|last| ways.set(last, Some(5)));
        let settings = Settings {
            multipath,
            ..settings()
        };
        let mut table = Table::new(settings, ways.clone());
        let id = table.add(internal(1)).unwrap();
        let nets = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"].map(prefix);
        for (net, last) in nets.iter().zip(1..) {
            table
                .announce(id, &attributes(&[]), hop(last), &[*net])
                .unwrap();
        }
        assert_eq!(table.changes(10).len(), 3);
        let said = |table: &mut Table| {
            table.resolve_anew();
            work(table);
            let changes = table.changes(10).into_iter();
            let all = changes.map(|change| (change.prefix, change.best.len()));
            all.collect::<Vec<_>>()
        };
        assert_eq!(said(&mut table), []);
        ways.set(2, None);
        assert_eq!(said(&mut table), [(nets[1], 0)]);
        ways.set(2, Some(7));
        assert_eq!(said(&mut table), [(nets[1], 1)]);
        assert_eq!(said(&mut table), []);
    }
}

/// Two changes of one, the second while the first is worked off.
#[test]
fn what_changes_while_it_is_worked_off_is_not_missed() {
    let ways = Ways::default();
    (1..=2).for_each(|last| ways.set(last, Some(5)));
    let mut table = Table::new(settings(), ways.clone());
    let ids = [internal(1), internal(2)].map(|one| table.add(one).unwrap());
    let nets: Vec<Prefix> = (0..100)
        .map(|n| prefix(&format!("10.{n}.0.0/16")))
        .collect();
    for (id, last) in ids.iter().zip(1..) {
        table
            .announce(*id, &attributes(&[]), hop(last), &nets)
            .unwrap();
    }
    let first = |table: &Table, net: &Prefix| table.best(*net)[0].peer;
    assert!(nets.iter().all(|net| first(&table, net) == Some(ids[0])));
    ways.set(1, Some(9));
    table.resolve_anew();
    table.work(30);
    ways.set(2, Some(20));
    table.resolve_anew();
    work(&mut table);
    assert!(nets.iter().all(|net| first(&table, net) == Some(ids[0])));
    ways.set(2, Some(3));
    table.resolve_anew();
    work(&mut table);
    assert!(nets.iter().all(|net| first(&table, net) == Some(ids[1])));
}

#[test]
fn a_next_hop_that_no_route_has_any_more_is_forgotten() {
    #[derive(Clone, Default)]
    struct Counted(Arc<Mutex<std::collections::BTreeSet<NextHop>>>);
    impl Resolve for Counted {
        fn cost(&self, next_hop: NextHop) -> Option<u32> {
            self.0.lock().unwrap().insert(next_hop);
            Some(1)
        }

        fn forget(&self, next_hop: NextHop) {
            assert!(self.0.lock().unwrap().remove(&next_hop));
        }
    }
    let counted = Counted::default();
    let mut table = Table::new(settings(), counted.clone());
    let id = table.add(internal(1)).unwrap();
    let nets = ["10.1.0.0/16", "10.2.0.0/16"].map(prefix);
    table.announce(id, &attributes(&[]), hop(1), &nets).unwrap();
    table
        .announce(id, &attributes(&[]), hop(2), &nets[1..])
        .unwrap();
    assert_eq!(counted.0.lock().unwrap().len(), 2);
    table.withdraw(id, &nets[1..]);
    assert_eq!(counted.0.lock().unwrap().len(), 1);
    // What is asked anew is what is used.
    table.resolve_anew();
    assert_eq!(counted.0.lock().unwrap().len(), 1);
    table.withdraw(id, &nets);
    assert_eq!(counted.0.lock().unwrap().len(), 0);
}

/// A route that is reached over other routers is told on as any other (RFC 4271, 5.1.3; RFC 4456, 10).
#[test]
fn a_far_next_hop_is_reflected_as_it_is() {
    let mut table = Table::new(settings(), |_| Some(20));
    let from = table.add(client(1)).unwrap();
    let (to, other) = (
        table.add(client(2)).unwrap(),
        table.add(external(3)).unwrap(),
    );
    for id in [to, other] {
        table.join(id, Family::Ipv4);
    }
    table
        .announce(from, &attributes(&[]), hop(77), &[prefix(NET)])
        .unwrap();
    let told = |table: &mut Table, id| listen(table, id).knows[&prefix(NET)].next_hop;
    assert_eq!(told(&mut table, to), Some(hop(77)));
    assert_eq!(told(&mut table, other), Some(hop(254)));
}
