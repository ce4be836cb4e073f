use super::*;
use fairway_ipam::{
    Millis, UnixSeconds,
    record::{BlockEntry, BlockRecord, Claim, ClaimRecord, Part, Record as _, Use},
};
use serde_json::{Value, json};

const NOW: Clock = Clock {
    now: Millis(0),
    wall: UnixSeconds(1),
};

/// A store of one map, that judges conditions as a real one does.
#[derive(Default)]
struct Store {
    entries: BTreeMap<String, Entry>,
    revision: u64,
    nodes: Nodes,
    /// How often the nodes were asked for a claim.
    asked: u32,
}

/// What becomes of a claim that nodes are to make.
#[derive(Debug, Default, Clone, Copy)]
enum Nodes {
    #[default]
    Make,
    Refuse,
    /// They give it up, and it comes to be all the same.
    Late,
    /// They give it up where one of them has not answered, and have not taken it away yet.
    Half,
}

impl Store {
    fn commit(&mut self, txn: &Txn) -> bool {
        assert!(txn.conditions.len() < Txn::LIMIT && txn.writes.len() <= Txn::LIMIT);
        if !txn.conditions.iter().all(|one| self.holds(one)) {
            return false;
        }
        self.revision += 1;
        for write in &txn.writes {
            match write {
                Write::Put { key, value, .. } => self.put(key.clone(), value.clone()),
                Write::Delete { key } => drop(self.entries.remove(key)),
            }
        }
        true
    }

    fn holds(&self, condition: &Condition) -> bool {
        let there = self.entries.get(condition.key());
        match condition {
            Condition::Absent { .. } => there.is_none(),
            Condition::Unchanged { modified, .. } => {
                there.is_some_and(|there| there.modified == *modified)
            }
        }
    }

    fn put(&mut self, key: String, value: Vec<u8>) {
        let modified = Revision(self.revision);
        let created = self.entries.get(&key).map_or(modified, |old| old.created);
        let entry = Entry {
            key: key.clone(),
            value,
            created,
            modified,
        };
        self.entries.insert(key, entry);
    }

    fn set(&mut self, key: &Key, value: Vec<u8>) {
        self.revision += 1;
        self.put(key.path(), value);
    }

    fn there(&self) -> There {
        There::of(
            Revision(self.revision),
            self.entries.values().cloned().collect(),
        )
    }

    fn has(&self, key: &str) -> bool {
        self.entries.contains_key(&format!("{ROOT}{key}"))
    }

    /// A claim, as nodes make it; what they refuse.
    fn make(&mut self, wish: &claim::Wish) -> Option<Outcome> {
        self.asked += 1;
        let granted = Part::Granted {
            ip: "10.1.0.7".parse().unwrap(),
        };
        let asked = Part::Asked {
            block: "fd00:1::/122".parse().unwrap(),
            ip: None,
        };
        let parts = match self.nodes {
            Nodes::Make | Nodes::Late => vec![granted],
            Nodes::Half => vec![granted, asked],
            Nodes::Refuse => return Some(no()),
        };
        self.claim_of(&wish.pool, wish.name.as_str(), parts);
        (!matches!(self.nodes, Nodes::Make)).then(no)
    }

    fn claim(&mut self, pool: &PoolName, name: &str, ip: &str) {
        let ip = ip.parse().unwrap();
        self.claim_of(pool, name, vec![Part::Granted { ip }]);
    }

    fn claim_of(&mut self, pool: &PoolName, name: &str, parts: Vec<Part>) {
        let claim = Claim {
            uid: name.replace(['#', '/'], "-").parse().unwrap(),
            kind: fairway_ipam::record::Kind::Sticky,
            parts,
            holder: None,
            release: fairway_ipam::Release::Never,
            handover: fairway_ipam::Handover::Wait,
            app: None,
            ordinal: None,
            only: None,
            ousted: None,
            ended: None,
            created: UnixSeconds(1),
        };
        let key = Key::Claim(pool.clone(), name.parse().unwrap());
        self.set(&key, ClaimRecord::Claim(claim).encode());
    }

    /// Steps until it is settled, at most so many transactions.
    fn run(
        &mut self,
        of: (AddressKind, &str),
        wish: Option<&Object>,
        mut most: u32,
    ) -> Option<Outcome> {
        let mut way = Way::default();
        for _ in 0..12 {
            match way.next(&self.there(), of, wish, NOW) {
                Next::Settled(outcome) => return Some(outcome),
                Next::Commit(txns) => {
                    for txn in txns {
                        most = most.checked_sub(1)?;
                        assert!(self.commit(&txn), "{txn:?}");
                    }
                }
                Next::Make(wish, stands) => {
                    most = most.checked_sub(1)?;
                    assert!(self.holds(&stands));
                    way.made(self.make(wish));
                }
            }
        }
        panic!("it comes to no end");
    }

    fn want(&mut self, wish: &Object) -> Outcome {
        self.run((wish.kind(), wish.name()), Some(wish), 99)
            .unwrap()
    }

    fn drop(&mut self, wish: &Object) -> Outcome {
        self.run((wish.kind(), wish.name()), None, 99).unwrap()
    }

    /// What the daemons do with a pool that retires.
    fn tend(&mut self, name: &str) -> bool {
        let name = PoolName::new(name).unwrap();
        match finish_retire(&self.there().view, &name) {
            Ok(Retire::Finish(txns)) => txns.iter().all(|txn| self.commit(txn)),
            _ => false,
        }
    }
}

fn object(kind: &str, name: &str, spec: Value) -> Object {
    let object = json!({"apiVersion": fairway_pools::VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec});
    fairway_pools::parse(&object).unwrap()
}

fn pool(cooldown: u32) -> Object {
    let ranges = json!([{"cidr": "10.1.0.0/16"}, {"cidr": "fd00:1::/64"}]);
    object(
        "IPPool",
        "web",
        json!({"ranges": ranges, "cooldown": cooldown}),
    )
}

fn network() -> Object {
    object("Network", "apps", json!({"pools": ["web"]}))
}

fn claim() -> Object {
    object(
        "IPClaim",
        "edge",
        json!({"pool": "web", "release": "after:2h"}),
    )
}

fn set() -> Object {
    object(
        "IPClaim",
        "front",
        json!({"pool": "web", "set": {"size": 3}}),
    )
}

fn no() -> Outcome {
    Outcome::Refused("no answer in time".to_owned())
}

fn live(store: &mut Store) -> Key {
    let key = Key::Block("web".parse().unwrap(), "10.1.0.0/26".parse().unwrap());
    let entry = BlockEntry {
        ip: "10.1.0.5".parse().unwrap(),
        seq: 1,
        used: Use::Cooling,
    };
    let record = BlockRecord {
        owner: None,
        epoch: 1,
        free: 0,
        entries: vec![entry],
    };
    store.set(&key, record.encode());
    key
}

#[test]
fn what_is_wanted_comes_changes_and_goes() {
    let mut store = Store::default();
    let refused = |field: &str, outcome: Outcome| match outcome {
        Outcome::Refused(text) => assert!(text.starts_with(field), "{text}"),
        other => panic!("{other:?}"),
    };
    refused("spec.pools: ", store.want(&network()));
    refused("spec.pool: ", store.want(&claim()));
    assert!(!store.has("origins/ipclaims/edge"));
    for wish in [pool(30), network(), claim(), set()] {
        assert_eq!(store.want(&wish), Outcome::Done, "{wish:?}");
        let before = store.revision;
        assert_eq!(store.want(&wish), Outcome::Done);
        assert_eq!(store.revision, before, "{wish:?} is written again");
    }
    assert_eq!(store.want(&pool(60)), Outcome::Done);
    let view = store.there().view;
    assert_eq!(view.pools.values().next().unwrap().value.spec.cooldown, 60);
    let after = fairway_ipam::Release::After(7200);
    let ClaimRecord::Claim(edge) = &view.claims.values().next().unwrap().value else {
        panic!("{view:?}");
    };
    assert_eq!(edge.release, after);
    // It is in use, and less than that is refused by field.
    live(&mut store);
    let less = object(
        "IPPool",
        "web",
        json!({"ranges": [{"cidr": "fd00:1::/64"}], "cooldown": 60}),
    );
    refused("spec.ranges: ", store.want(&less));

    // A pool of a network stays as long as that does.
    assert!(matches!(store.drop(&pool(60)), Outcome::Waits(text) if text.contains("network")));
    assert_eq!(store.drop(&network()), Outcome::Done);
    // Then it waits for what is out of it.
    for _ in 0..2 {
        let waits = store.drop(&pool(60));
        assert!(
            matches!(&waits, Outcome::Waits(text) if text.contains("1 claims, 1 resting")),
            "{waits:?}"
        );
    }
    // It may be wanted again meanwhile.
    assert_eq!(store.want(&pool(60)), Outcome::Done);
    assert!(matches!(store.drop(&pool(60)), Outcome::Waits(_)));
    for wish in [claim(), set()] {
        assert_eq!(store.drop(&wish), Outcome::Done, "{wish:?}");
    }
    assert!(!store.tend("web"));
    let block = live(&mut store).path();
    store.entries.remove(&block);
    assert!(store.tend("web") && store.has("origins/ippools/web"));
    assert_eq!(store.drop(&pool(60)), Outcome::Done);
    let left: Vec<_> = store
        .entries
        .keys()
        .filter(|key| !key.contains("/meta/"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_somebody_else_made_is_left_alone() {
    let mut store = Store::default();
    store.want(&pool(30));
    // Taken away and made anew, with the mark of before still there.
    store.drop(&pool(30));
    assert!(store.tend("web"));
    let Object::Pool(wish) = pool(99) else {
        unreachable!()
    };
    let txn = fairway_ipam::admin::create_pool(&store.there().view, wish.name, wish.spec).unwrap();
    assert!(store.commit(&txn));
    let web: PoolName = "web".parse().unwrap();
    store.claim(&web, "edge", "10.1.0.9");
    for wish in [pool(30), claim()] {
        assert!(matches!(store.want(&wish), Outcome::Foreign(_)), "{wish:?}");
        assert_eq!(store.drop(&wish), Outcome::Done);
    }
    assert!(
        store.has("pools/web") && store.has("claims/web/edge") && !store.has("origins/ippools/web")
    );
    assert_eq!(store.there().view.pools[&web].value.spec.cooldown, 99);
}

#[test]
fn wherever_it_is_killed_the_next_one_ends_it() {
    for most in 0..8 {
        for wish in [pool(30), network(), claim(), set()] {
            let mut store = Store::default();
            if wish.kind() != AddressKind::IPPool {
                store.want(&pool(30));
            }
            let of = (wish.kind(), wish.name());
            store.run(of, Some(&wish), most);
            assert_eq!(store.want(&wish), Outcome::Done, "{most} {wish:?}");
            // And one that it was killed in, and that is not wanted any more.
            let mut other = Store::default();
            other.want(&pool(30));
            other.run(of, Some(&wish), most);
            if of.0 != AddressKind::IPPool {
                assert_eq!(other.drop(&wish), Outcome::Done, "{most} {wish:?}");
                assert_eq!(
                    other
                        .entries
                        .keys()
                        .filter(|key| key.contains(wish.name()))
                        .count(),
                    0
                );
            }
            // A set with many members goes in several transactions.
            if of.1 == "front" {
                let web = "web".parse().unwrap();
                for member in 0..150 {
                    store.claim(
                        &web,
                        &format!("front#{member}"),
                        &format!("10.1.1.{member}"),
                    );
                }
            }
            store.run(of, None, most);
            let outcome = store.drop(&wish);
            match of.0 {
                AddressKind::IPPool => assert!(matches!(outcome, Outcome::Waits(_))),
                _ => assert_eq!(outcome, Outcome::Done, "{most} {wish:?}"),
            }
            let left = store.entries.keys().filter(|key| key.contains("front"));
            assert_eq!(left.count(), 0, "{most}");
        }
    }
}

#[test]
fn what_the_nodes_refuse_is_looked_at_once_more() {
    let edge = claim();
    let stamp = |store: &Store| store.there().stamps[&marks::path(edge.kind(), "edge")].mark;
    let made = |store: &Store| {
        let there = store.entries.get(&format!("{ROOT}claims/web/edge"))?;
        Some(marks::Mark::Of(there.created))
    };
    for (nodes, outcome) in [
        (Nodes::Refuse, no()),
        (Nodes::Late, Outcome::Done),
        (Nodes::Half, no()),
    ] {
        let mut store = Store::default();
        store.want(&pool(30));
        store.nodes = nodes;
        assert_eq!(store.want(&edge), outcome, "{nodes:?}");
        assert_eq!(store.asked, 1, "{nodes:?}");
        let mark = made(&store).unwrap_or(marks::Mark::Making);
        assert_eq!(stamp(&store), mark, "{nodes:?}");
        // What was not whole goes again, and all is made anew by the next look.
        if !matches!(nodes, Nodes::Late) {
            store.entries.remove(&format!("{ROOT}claims/web/edge"));
        }
        store.nodes = Nodes::Make;
        assert_eq!(store.want(&edge), Outcome::Done, "{nodes:?}");
        assert_eq!(Some(stamp(&store)), made(&store), "{nodes:?}");
    }
}

#[test]
fn what_nodes_are_asked_for_holds_no_longer_than_its_mark() {
    let (mut store, edge) = (Store::default(), claim());
    let of = (edge.kind(), edge.name());
    store.want(&pool(30));
    let asked = |store: &mut Store| {
        assert_eq!(store.run(of, Some(&edge), 1), None);
        match next(&store.there(), of, Some(&edge), NOW) {
            Next::Make(_, stands) => stands,
            other => panic!("{other:?}"),
        }
    };
    let before = asked(&mut store);
    assert!(store.holds(&before));
    // Nobody wants it any more, and then somebody does.
    assert_eq!(store.drop(&edge), Outcome::Done);
    assert!(!store.holds(&before));
    let now = asked(&mut store);
    assert!(store.holds(&now) && !store.holds(&before));
}

#[test]
fn what_cannot_be_read_is_not_touched() {
    for (wish, key) in [
        (pool(30), "pools/web"),
        (network(), "networks/apps"),
        (claim(), "claims/web/edge"),
    ] {
        let mut store = Store::default();
        store.want(&pool(30));
        store.want(&wish);
        store.revision += 1;
        store.put(format!("{ROOT}{key}"), br#"{"version":9}"#.to_vec());
        let before = store.revision;
        assert!(matches!(store.want(&wish), Outcome::Refused(text) if text.contains(key)));
        assert!(matches!(store.drop(&wish), Outcome::Waits(text) if text.contains(key)));
        assert_eq!(store.revision, before);
    }
}
