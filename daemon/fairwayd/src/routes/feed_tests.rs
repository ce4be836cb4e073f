use super::*;
use fairway_fib::names;
use fairway_kv::{ROOT, Revision};
use fairway_rib::Rib;

fn me() -> NodeName {
    NodeName::new("n1").unwrap()
}

fn entry(key: &str, value: &str, at: u64) -> Entry {
    Entry {
        key: format!("{ROOT}{key}"),
        value: value.as_bytes().to_vec(),
        created: Revision(at),
        modified: Revision(at),
    }
}

fn node_value(address: &str) -> String {
    format!(
        r#"{{"version":1,"journal":"j","since":1,"daemon":"0","host":"h","underlay":{{"mtu":1500,"addresses":[{{"address":"{address}","prefix":24}}]}}}}"#
    )
}

fn pool(prefix: &str, encap: &str) -> String {
    format!(r#"{{"version":1,"ranges":[{{"cidr":"{prefix}"}}],"encap":"{encap}"}}"#)
}

fn block(node: &str) -> String {
    format!(
        r#"{{"version":1,"owner":{{"node":"{node}","journal":"j"}},"epoch":1,"free":60,"entries":[]}}"#
    )
}

fn claim(node: &str, ip: &str) -> String {
    let holder = format!(
        r#""holder":{{"node":"{node}","journal":"j","attachment":{{"network":"n","container":"c","ifname":"e"}},"seq":1,"since":1}}"#
    );
    format!(
        r#"{{"version":1,"claim":{{"uid":"u","kind":"sticky","parts":[{{"state":"granted","ip":"{ip}"}}],"release":"never","handover":"wait",{holder},"created":1}}}}"#
    )
}

/// A cluster of three, with one network and its parts.
fn cluster() -> Vec<Entry> {
    vec![
        entry("nodes/n1", &node_value("192.0.2.1"), 1),
        entry("nodes/n2", &node_value("192.0.2.2"), 2),
        entry("nodes/n3", &node_value("198.51.100.3"), 3),
        entry("pools/web", &pool("10.1.0.0/16", "always"), 4),
        entry(
            "networks/net",
            r#"{"version":1,"vni":4096,"pools":["web"]}"#,
            5,
        ),
        entry("blocks/web/10.1.0.0/26", &block("n1"), 6),
        entry("blocks/web/10.1.1.0/26", &block("n2"), 7),
        entry("blocks/web/10.1.2.0/26", &block("n3"), 8),
        entry("claims/web/shop/db-0", &claim("n3", "10.1.1.9"), 9),
    ]
}

struct Table {
    feed: Feed,
    rib: Rib,
}

impl Table {
    fn new() -> Table {
        let mut rib = Rib::new(me(), 1000);
        let record = NodeRecord::decode(node_value("192.0.2.1").as_bytes()).unwrap();
        let own = node(&me(), &record.underlay.unwrap()).unwrap();
        rib.handle(Input::Node(own));
        Table {
            feed: Feed::new(me(), 1000),
            rib,
        }
    }

    fn take(&mut self, update: Update) {
        let inputs = self.feed.take(update, Millis(0));
        self.rib.handle_all(inputs);
    }

    fn reset(&mut self, entries: Vec<Entry>) {
        let revision = Revision(100);
        self.take(Update::Reset { revision, entries });
    }

    fn change(&mut self, change: Change) {
        let revision = Revision(200);
        self.take(Update::Changes {
            revision,
            changes: vec![change],
        });
    }

    fn shown(&self) -> Vec<String> {
        let entries = self.rib.snapshot().into_iter();
        entries
            .map(|e| format!("{} {} {}", e.vni, e.prefix, e.forward))
            .collect()
    }
}

const WAYS: &str = "vxlan id 4096 src 192.0.2.1 dst";

#[test]
fn a_picture_at_once_and_bit_by_bit_are_the_same() {
    let mut whole = Table::new();
    whole.reset(cluster());
    let shown = whole.shown();
    for line in [
        format!("4096 10.1.1.0/26 {WAYS} 192.0.2.2 mtu 1450"),
        format!("4096 10.1.2.0/26 {WAYS} 198.51.100.3 mtu 1450"),
        format!("4096 10.1.1.9/32 {WAYS} 198.51.100.3 mtu 1450"),
        // The way that answers to other nodes take.
        format!("4096 192.0.2.2/32 {WAYS} 192.0.2.2 mtu 1450"),
        "4096 10.1.0.0/26 unreachable".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line} is not in {shown:#?}");
    }
    assert_eq!(shown.len(), 6, "{shown:#?}");
    for order in [cluster(), cluster().into_iter().rev().collect()] {
        let mut bits = Table::new();
        for entry in order {
            bits.change(Change::Put(entry));
        }
        assert_eq!(bits.shown(), shown);
    }
    // A picture that lacks something takes it back; the same picture once more changes nothing.
    let mut less = cluster();
    less.retain(|entry| !entry.key.contains("claims/"));
    whole.reset(less);
    assert!(
        !whole
            .shown()
            .iter()
            .any(|line| line.contains("/32 vxlan") && line.contains("10.1.1.9"))
    );
    whole.reset(cluster());
    assert_eq!(whole.shown(), shown);
    whole.reset(Vec::new());
    assert_eq!(whole.shown(), Vec::<String>::new());
}

#[test]
fn where_a_value_cannot_be_read_the_last_one_stays() {
    let mut table = Table::new();
    table.reset(cluster());
    let shown = table.shown();
    for key in [
        "pools/web",
        "networks/net",
        "blocks/web/10.1.1.0/26",
        "claims/web/shop/db-0",
        "nodes/n2",
    ] {
        table.change(Change::Put(entry(key, r#"{"version":9}"#, 50)));
        assert_eq!(table.shown(), shown, "{key}");
        assert!(table.feed.is_whole());
    }
    assert_eq!(table.feed.unreadable.len(), 5);
    table.reset(cluster());
    assert!(table.feed.unreadable.is_empty());
    // Who comes up and finds such a value does not know what is wanted.
    let mut later = Table::new();
    let mut entries = cluster();
    entries[4] = entry("networks/net", r#"{"version":9}"#, 5);
    later.reset(entries);
    assert!(!later.feed.is_whole());
    later.reset(cluster());
    assert!(later.feed.is_whole());
    assert_eq!(later.shown(), shown);
    // A key of a kind that nobody knows is passed over.
    table.change(Change::Put(entry("other/x", "{}", 51)));
    table.change(Change::Put(entry("networks/-", "{}", 52)));
    assert!(table.feed.unreadable.is_empty());
}

#[test]
fn a_pool_is_in_the_network_that_was_made_first() {
    let mut table = Table::new();
    table.reset(cluster());
    let record = r#"{"version":1,"vni":5000,"pools":["web"]}"#;
    table.change(Change::Put(entry("networks/a", record, 60)));
    let ip = "10.1.1.1".parse().unwrap();
    assert_eq!(table.feed.network_of(ip).map(|n| n.as_str()), Some("net"));
    assert!(
        table
            .feed
            .pools_of(&NetworkName::new("a").unwrap())
            .is_empty()
    );
    let key = format!("{ROOT}networks/net");
    table.change(Change::Deleted {
        key,
        revision: Revision(61),
    });
    assert_eq!(table.feed.network_of(ip).map(|n| n.as_str()), Some("a"));
    assert!(table.shown().iter().all(|line| line.starts_with("5000 ")));
}

#[test]
fn a_node_whose_lease_is_gone_keeps_its_routes_for_a_while() {
    let mut table = Table::new();
    table.reset(cluster());
    let shown = table.shown();
    let key = format!("{ROOT}nodes/n2");
    table.change(Change::Deleted {
        key,
        revision: Revision(70),
    });
    assert_eq!(table.shown(), shown);
    table.rib.handle(Input::Tick(Millis(10_000)));
    assert!(
        !table
            .shown()
            .iter()
            .any(|line| line.contains("10.1.1.0/26"))
    );
    // What is forgotten is forgotten with the next that happens.
    assert!(table.feed.nodes.contains_key(&NodeName::new("n2").unwrap()));
    let update = Update::Changes {
        revision: Revision(201),
        changes: Vec::new(),
    };
    table.feed.take(update, Millis(10_000));
    assert!(!table.feed.nodes.contains_key(&NodeName::new("n2").unwrap()));
    // It is back, elsewhere.
    table.change(Change::Put(entry(
        "nodes/n2",
        &node_value("192.0.2.99"),
        71,
    )));
    assert!(
        table
            .shown()
            .contains(&format!("4096 10.1.1.0/26 {WAYS} 192.0.2.99 mtu 1450"))
    );
}

#[test]
fn nodes_that_are_not_encapsulated_to_have_no_route_of_their_own() {
    let mut table = Table::new();
    let mut entries = cluster();
    entries[3] = entry("pools/web", &pool("10.1.0.0/16", "never"), 4);
    table.reset(entries);
    let shown = table.shown();
    assert!(
        shown.contains(&"4096 10.1.1.0/26 via 192.0.2.2 mtu 1500".to_owned()),
        "{shown:#?}"
    );
    assert!(
        !shown.iter().any(|line| line.contains("192.0.2.2/32")),
        "{shown:#?}"
    );
    // And its device has the address that others expect.
    let mac = names::mac("192.0.2.1".parse().unwrap());
    assert_eq!(mac.to_string(), "0a:fa:c0:00:02:01");
}
