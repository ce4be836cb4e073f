use super::*;
use crate::routes::Found;
use fairway_ipam::record::UnderlayAddress;
use std::collections::BTreeMap;

fn record(addresses: &[&str]) -> UnderlayRecord {
    let address = |text: &&str| UnderlayAddress {
        address: text.parse().unwrap(),
        prefix: 24,
    };
    UnderlayRecord {
        mtu: 1500,
        addresses: addresses.iter().map(address).collect(),
    }
}

fn ground() -> Ground {
    Ground {
        underlay: Some(Found {
            link: "eth0".into(),
            record: record(&["192.0.2.1", "2001:db8::1"]),
        }),
        no_underlay: "underlay: none".into(),
        problems: Vec::new(),
        networks: 1,
        families: Vec::new(),
        wraps: true,
        device: true,
    }
}

fn peer(name: &str, underlay: &[&str]) -> Peer {
    Peer {
        name: name.parse().unwrap(),
        alive: true,
        underlay: (!underlay.is_empty()).then(|| record(underlay)),
        since: Some(UnixSeconds(1000)),
    }
}

/// `STATE NAME: TEXT`.
fn line(check: &Check) -> String {
    format!("{} {}: {}", check.state, check.name, check.text)
}

fn of(peer: &Peer, ways: &[(&str, Reached)]) -> Vec<String> {
    let ways = ways
        .iter()
        .map(|(to, reached)| (to.parse().unwrap(), reached.clone()));
    let pinged = BTreeMap::from([(peer.name.clone(), ways.collect())]);
    nodes(&ground(), &[peer], &pinged)
        .iter()
        .map(line)
        .collect()
}

#[test]
fn the_store_is_judged() {
    let took = |millis, mirrored| StoreRead::Took { millis, mirrored };
    let cases = [
        (took(3, true), "ok store: etcd answers in 3 ms"),
        (took(1000, true), "ok store: etcd answers in 1000 ms"),
        (
            took(1001, true),
            "warning store: etcd takes 1001 ms for a read",
        ),
        (
            took(3, false),
            "failed store: etcd answers, but what changes in it is not heard",
        ),
        (StoreRead::Never, "failed store: etcd could not be opened"),
        (
            StoreRead::Failed("no leader".into()),
            "failed store: etcd: no leader",
        ),
    ];
    for (read, text) in cases {
        assert_eq!(line(&store("etcd", &read)), text);
    }
}

#[test]
fn a_time_that_is_yet_to_come_is_told() {
    let peers = [peer("n1", &[]), peer("n2", &[])];
    assert_eq!(clock(&peers, UnixSeconds(995)).state, "ok");
    let told = clock(&peers[1..], UnixSeconds(994));
    assert_eq!(
        line(&told),
        "warning clock: node n2 came up 6 s from now: its clock or this node's is wrong"
    );
}

#[test]
fn the_ground_is_judged() {
    let text = "ok underlay: eth0: 192.0.2.1/24, 2001:db8::1/24, MTU 1500";
    assert_eq!(line(&underlay(&ground())), text);
    let troubled = Ground {
        underlay: None,
        problems: vec!["one".into(), "two".into()],
        ..ground()
    };
    assert_eq!(
        line(&underlay(&troubled)),
        "failed underlay: underlay: none"
    );
    let lines: Vec<_> = routes(&troubled).iter().map(line).collect();
    assert_eq!(lines, ["failed routes: one", "failed routes: two"]);
    assert_eq!(routes(&ground())[0].state, "ok");
}

#[test]
fn addresses_of_one_family_go_together() {
    let ours = record(&["192.0.2.1", "2001:db8::1"]);
    let pairs = |theirs: &[&str]| -> Vec<String> {
        let ways = ways(&ours, &record(theirs));
        ways.iter()
            .map(|(from, to)| format!("{from} {to}"))
            .collect()
    };
    assert_eq!(pairs(&["2001:db8::2"]), ["2001:db8::1 2001:db8::2"]);
    assert_eq!(
        pairs(&["192.0.2.2", "2001:db8::2"]),
        ["192.0.2.1 192.0.2.2", "2001:db8::1 2001:db8::2"]
    );
    assert!(ways(&record(&["192.0.2.1"]), &record(&["2001:db8::2"])).is_empty());
}

#[test]
fn a_node_is_as_its_worst_address() {
    let n2 = peer("n2", &["192.0.2.2", "2001:db8::2"]);
    let yes = || Reached::Yes { bytes: 1500 };
    let no = || Reached::No {
        said: String::new(),
    };
    let cases = [
        (
            [yes(), yes()],
            "ok node n2: 192.0.2.2 answers to 1500 bytes, 2001:db8::2 answers to 1500 bytes",
        ),
        (
            [yes(), no()],
            "failed node n2: node n2 (2001:db8::2) does not answer",
        ),
        (
            [Reached::Small { bytes: 1500 }, yes()],
            "failed node n2: packets of 1500 bytes do not get to n2 (192.0.2.2): the path's MTU is smaller \
             than both ends'",
        ),
        (
            [
                Reached::Untried {
                    why: "ping does not end".into(),
                },
                yes(),
            ],
            "warning node n2: not looked at: 192.0.2.2: ping does not end",
        ),
    ];
    for ([v4, v6], text) in cases {
        assert_eq!(of(&n2, &[("192.0.2.2", v4), ("2001:db8::2", v6)]), [text]);
    }
    let said = Reached::No {
        said: "ping: connect: Network is unreachable".into(),
    };
    let text = "failed node n2: node n2 (192.0.2.2) does not answer: ping: connect: Network is unreachable";
    assert_eq!(of(&n2, &[("192.0.2.2", said)]), [text]);
}

#[test]
fn what_was_not_looked_at_is_no_ok() {
    let none = BTreeMap::new();
    let one = |peer: &Peer, ground: &Ground| line(&nodes(ground, &[peer], &none)[0]);
    let n2 = peer("n2", &["192.0.2.2"]);
    assert!(one(&n2, &ground()).starts_with("warning node n2: not looked at"));
    let nowhere = Ground {
        underlay: None,
        ..ground()
    };
    assert!(one(&n2, &nowhere).starts_with("warning node n2: not looked at: this node"));
    assert!(
        one(&peer("n2", &[]), &ground()).starts_with("failed node n2: node n2 has no underlay:")
    );
    let away = Peer {
        alive: false,
        ..n2.clone()
    };
    assert!(one(&away, &ground()).starts_with("warning node n2: node n2 is away"));
    let v4 = Ground {
        underlay: Some(Found {
            link: "eth0".into(),
            record: record(&["192.0.2.1"]),
        }),
        ..ground()
    };
    assert!(one(&peer("n2", &["2001:db8::2"]), &v4).contains("of a family that this node has"));
    let no_ping = of(&n2, &[("192.0.2.2", Reached::NoPing)]);
    assert_eq!(no_ping.len(), 1);
    assert!(no_ping[0].starts_with("warning ping: ping is not installed"));
    assert_eq!(nodes(&ground(), &[], &none)[0].state, "ok");
}
