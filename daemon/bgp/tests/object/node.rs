//! What all objects together mean on one node.

use fairway_bgp::object::{
    self, Advertise, BgpConfig, BgpPeer, Bound, Effective, Neighbour, Node, Object, for_node,
};
use fairway_bgp::policy::{Action, HopChange, Policy};
use fairway_bgp::session::config::{Graceful, Peer, RemoteAs};
use fairway_bgp::table::Relation;
use fairway_bgp::{Asn, RouterId};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

fn asn(number: u32) -> Asn {
    Asn::new(number).unwrap()
}

fn router(text: &str) -> RouterId {
    RouterId::new(text.parse::<Ipv4Addr>().unwrap().to_bits()).unwrap()
}

#[track_caller]
fn read(kind: &str, name: &str, spec: &Value) -> Object {
    let value = super::object(kind, name, spec.clone());
    object::parse(value)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .object
}

/// What they mean on node n1, in whatever order they come.
#[track_caller]
fn on(
    addresses: &[&str],
    configs: &[(&str, Value)],
    peers: &[(&str, Value)],
) -> (Effective, Vec<String>) {
    let configs: Vec<BgpConfig> = configs
        .iter()
        .map(|(name, spec)| match read("BgpConfig", name, spec) {
            Object::Config(config) => config,
            Object::Peer(peer) => panic!("{peer:?}"),
        })
        .collect();
    let peers: Vec<BgpPeer> = peers
        .iter()
        .map(|(name, spec)| match read("BgpPeer", name, spec) {
            Object::Peer(peer) => peer,
            Object::Config(config) => panic!("{config:?}"),
        })
        .collect();
    let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    let node = Node {
        name: "n1",
        addresses: &addresses,
    };
    let found = for_node(node, &configs, &peers);
    let turned = for_node(node, configs.iter().rev(), peers.iter().rev());
    assert_eq!(found, turned);
    let problems = found.problems.iter().map(ToString::to_string).collect();
    (found, problems)
}

#[track_caller]
fn only(found: &Effective) -> &Neighbour {
    match &found.neighbours[..] {
        [one] => one,
        all => panic!("{all:?}"),
    }
}

#[test]
fn without_objects_there_are_the_defaults() {
    let (found, problems) = on(&["10.0.0.1"], &[], &[]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(found.config, None);
    assert_eq!(found.speaker.asn, asn(64512));
    assert_eq!(found.speaker.router, router("10.0.0.1"));
    assert_eq!(found.speaker.cluster, router("10.0.0.1"));
    assert_eq!(found.speaker.multipath, 16);
    assert!(!found.speaker.multipath_relax);
    assert!(!found.speaker.always_compare_med);
    assert_eq!(found.listen, None, "nothing listens that was not told to");
    assert_eq!(found.advertise, Advertise::default());
    assert_eq!(found.neighbours, []);
}

#[test]
fn a_config_says_who_the_node_is() {
    let spec = json!({
        "nodes": ["n1"],
        "asn": 65010,
        "routerID": "1.2.3.4",
        "clusterID": "9.9.9.9",
        "multipath": 8,
        "multipathRelax": true,
        "alwaysCompareMed": true,
        "advertise": {"blocks": false},
        "gracefulRestart": {"mode": "Off"},
    });
    let peer = json!({"address": "10.0.0.9", "asn": "Internal"});
    let (found, problems) = on(&["10.0.0.1"], &[("a", spec)], &[("tor", peer)]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(found.config.as_deref(), Some("a"));
    let speaker = &found.speaker;
    assert_eq!(
        (speaker.asn, speaker.router, speaker.cluster),
        (asn(65010), router("1.2.3.4"), router("9.9.9.9"))
    );
    assert_eq!((speaker.multipath, speaker.always_compare_med), (8, true));
    assert!(speaker.multipath_relax);
    assert!(!found.advertise.blocks && found.advertise.claims);
    let settings = only(&found).session.settings();
    assert_eq!(settings.graceful, Graceful::OFF);
    assert_eq!(
        (settings.local.asn, settings.local.router),
        (asn(65010), router("1.2.3.4"))
    );
}

#[test]
fn a_node_without_an_ipv4_address_has_an_identifier_all_the_same() {
    let of = |addresses: &[&str]| on(addresses, &[], &[]).0.speaker.router;
    let made = of(&[]);
    assert_eq!(of(&["fd00::1"]), made);
    assert_eq!(of(&["127.0.0.1", "169.254.1.1", "0.0.0.0"]), made);
    assert_eq!(
        of(&["fd00::1", "169.254.1.1", "10.0.0.7"]),
        router("10.0.0.7")
    );
    let other = Node {
        name: "n2",
        addresses: &[],
    };
    let other = for_node(other, [], []).speaker.router;
    assert_ne!(other, made);
    // FNV-1a of "n1".
    assert_eq!(made.get(), 0x0435_dc00);
}

#[test]
fn the_most_exact_config_holds() {
    let of = |nodes: &[&str]| json!({"nodes": nodes});
    let by = |why: &str| format!("spec.nodes: it does not hold on this node: BgpConfig/{why}");
    let names = "names the node";
    let exact = "says more exactly for which nodes it is";
    let first = "comes before it by name";
    let rows = [
        (vec![("a", json!({}))], Some("a"), vec![]),
        (vec![("a", of(&["n2"]))], None, vec![]),
        (
            vec![("a", of(&["n2"])), ("b", of(&["n*"]))],
            Some("b"),
            vec![],
        ),
        (
            vec![("a", json!({})), ("b", of(&["n*"])), ("c", of(&["n1"]))],
            Some("c"),
            vec![
                format!("BgpConfig/a: {}", by(&format!("c {names}"))),
                format!("BgpConfig/b: {}", by(&format!("c {names}"))),
            ],
        ),
        (
            vec![("a", of(&["*"])), ("b", of(&["*1"]))],
            Some("b"),
            vec![format!("BgpConfig/a: {}", by(&format!("b {exact}")))],
        ),
        (
            vec![("b", json!({})), ("a", json!({}))],
            Some("a"),
            vec![format!("BgpConfig/b: {}", by(&format!("a {first}")))],
        ),
        (
            vec![("b", of(&["n1"])), ("a", of(&["n1"])), ("0", of(&["n*"]))],
            Some("a"),
            vec![
                format!("BgpConfig/0: {}", by(&format!("a {names}"))),
                format!("BgpConfig/b: {}", by(&format!("a {first}"))),
            ],
        ),
    ];
    for (configs, chosen, lines) in rows {
        let (found, problems) = on(&["10.0.0.1"], &configs, &[]);
        assert_eq!(found.config.as_deref(), chosen, "{configs:?}");
        assert_eq!(problems, lines, "{configs:?}");
    }
}

#[test]
fn a_node_listens_on_its_own_addresses() {
    let none = "BgpConfig/a: spec.listen.addresses: the node has none of these addresses: it does not listen";
    let own = ["10.0.0.1", "10.0.1.1", "fd00::1"];
    for (listen, bound) in [
        (json!({}), Some((179, vec!["0.0.0.0", "::"]))),
        (json!({"port": 1790}), Some((1790, vec!["0.0.0.0", "::"]))),
        (
            json!({"addresses": ["10.0.0.1"]}),
            Some((179, vec!["10.0.0.1"])),
        ),
        (
            json!({"addresses": ["10.0.0.0/8", "10.0.0.1"]}),
            Some((179, vec!["10.0.0.1", "10.0.1.1"])),
        ),
        (json!({"addresses": ["::"]}), Some((179, vec!["::"]))),
        (
            json!({"addresses": ["fd00::/8", "10.0.0.1", "0.0.0.0/0"]}),
            Some((179, vec!["0.0.0.0", "fd00::1"])),
        ),
        (json!({"addresses": ["192.0.2.0/24"]}), None),
    ] {
        let spec = json!({"listen": listen});
        let (found, problems) = on(&own, &[("a", spec)], &[]);
        let wanted = bound.map(|(port, addresses)| Bound {
            port,
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        });
        assert_eq!(problems, if wanted.is_some() { vec![] } else { vec![none] });
        assert_eq!(found.listen, wanted, "{listen}");
    }
}

#[test]
fn a_peer_becomes_a_neighbour() {
    let spec = json!({
        "nodes": ["n*"],
        "address": "10.0.0.9",
        "port": 1179,
        "sourceAddress": "10.0.0.1",
        "asn": [65001, 65002],
        "localAsn": 65100,
        "families": {"ipv6": {}},
        "passive": true,
        "holdTime": "30s",
        "connectRetry": "2s",
        "ttl": {"multihop": 3},
        "passwordFile": "/etc/fairway/bgp.key",
        "enforceFirstAs": false,
        "import": {"default": "Accept"},
        "export": {},
    });
    let elsewhere = json!({"nodes": ["n2"], "address": "10.0.0.9", "asn": 65001});
    let configs = [("all", json!({"listen": {}}))];
    let (found, problems) = on(
        &["10.0.0.1"],
        &configs,
        &[("tor", spec), ("before", elsewhere)],
    );
    assert_eq!(problems, [""; 0]);
    let one = only(&found);
    assert_eq!(one.name, "tor");
    assert_eq!(
        one.password_file.as_deref(),
        Some(std::path::Path::new("/etc/fairway/bgp.key"))
    );
    assert!(!one.enforce_first_as);
    let settings = one.session.settings();
    assert_eq!(settings.peer, Peer::At("10.0.0.9".parse().unwrap()));
    assert_eq!(settings.port, 1179);
    assert_eq!(settings.source, Some("10.0.0.1".parse().unwrap()));
    assert_eq!(settings.local.asn, asn(65100));
    assert_eq!(
        settings.remote_as,
        RemoteAs::OneOf(vec![asn(65001), asn(65002)])
    );
    assert!(settings.passive);
    assert_eq!(settings.hold_time.seconds(), 30);
    let two = Duration::from_secs(2);
    assert_eq!((settings.retry.first, settings.retry.most), (two, two));
    assert_eq!(settings.graceful, Graceful::FULL);
    assert_eq!(settings.password, None);
    assert_eq!(one.relation(asn(65001)), Relation::External);
    let filters = one.filters(Relation::External);
    assert!(filters.needed && filters.import.is_some() && filters.export.is_some());
    let (found, _) = on(&[], &[], &[("a", json!({"address": "10.0.0.9", "asn": 1}))]);
    let retry = only(&found).session.settings().retry;
    assert_eq!(retry.first, Duration::from_secs(5));
    assert_eq!(retry.most, Duration::from_secs(120));
}

#[test]
fn what_a_neighbour_is_follows_from_its_as() {
    let relation = |spec: Value, number| {
        let mut spec = spec;
        spec["address"] = json!("10.0.0.9");
        only(&on(&[], &[], &[("tor", spec)]).0).relation(asn(number))
    };
    let client = json!({"asn": [64512, 65001], "reflectorClient": true});
    for (spec, number, wanted) in [
        (json!({"asn": "Internal"}), 64512, Relation::Internal),
        (json!({"asn": 64512}), 64512, Relation::Internal),
        (json!({"asn": 65001}), 65001, Relation::External),
        (json!({"asn": "External"}), 65001, Relation::External),
        (client.clone(), 64512, Relation::Client),
        (client, 65001, Relation::External),
    ] {
        assert_eq!(relation(spec.clone(), number), wanted, "{spec} {number}");
    }
}

/// The next hops that accepting rules set.
fn hops(policy: &Policy) -> Vec<Option<HopChange>> {
    let rules = policy.rules().iter().filter(|rule| rule.accepts());
    let hop = |action: &Action| match action {
        Action::NextHop(hop) => Some(*hop),
        _ => None,
    };
    rules
        .map(|rule| rule.actions().iter().find_map(hop))
        .collect()
}

#[test]
fn next_hop_self_is_for_those_of_the_own_as() {
    let export = json!({
        "default": "Accept",
        "rules": [
            {"match": {"family": "IPv4"}, "set": {"med": 1}, "then": "Accept"},
            {"match": {"origin": "EGP"}, "then": "Reject"},
            {"match": {"family": "IPv6"}, "set": {"nextHop": "Unchanged"}, "then": "Accept"},
        ],
    });
    let of = |spec: Value| {
        let mut spec = spec;
        spec["address"] = json!("10.0.0.9");
        let found = on(&[], &[], &[("tor", spec)]).0;
        let export = |relation| only(&found).filters(relation).export;
        let hops = |relation| export(relation).map(|policy| hops(&policy));
        (hops(Relation::Client), hops(Relation::External))
    };
    let own = Some(HopChange::Own);
    let unchanged = Some(HopChange::Unchanged);
    let both = json!([64512, 65001]);
    assert_eq!(
        of(json!({"asn": both, "nextHopSelf": true, "export": export})),
        (
            Some(vec![own, unchanged, own]),
            Some(vec![None, unchanged, None])
        )
    );
    // Others than those of the own AS still get nothing without a policy.
    assert_eq!(
        of(json!({"asn": both, "nextHopSelf": true})),
        (Some(vec![own]), None)
    );
    assert_eq!(of(json!({"asn": both})), (None, None));
}

#[test]
fn what_contradicts_itself_is_told_and_others_are_unaffected() {
    let fine = ("fine", json!({"address": "10.0.9.9", "asn": 65001}));
    let away = "spec.localAsn: it does not hold on this node: neighbours of AS 64512, the node's own, are told no other";
    let nothing = "it changes nothing here: the neighbour is not of AS 64512, the node's own";
    let listens = "and the node does not listen (BgpConfig, spec.listen)";
    let rows = [
        // Each with whether it is a neighbour all the same.
        (
            json!({"asn": 64512, "localAsn": 65100}),
            false,
            vec![away.to_owned()],
        ),
        (
            json!({"asn": [64512, 65001], "localAsn": 65100}),
            false,
            vec![away.into()],
        ),
        (json!({"asn": 65001, "localAsn": 64512}), true, vec![]),
        (json!({"asn": "External", "localAsn": 65100}), true, vec![]),
        (
            json!({"reflectorClient": true, "nextHopSelf": true}),
            true,
            vec![
                format!("spec.nextHopSelf: {nothing}"),
                format!("spec.reflectorClient: {nothing}"),
            ],
        ),
        (
            json!({"asn": [65001, 65002], "reflectorClient": true}),
            true,
            vec![format!("spec.reflectorClient: {nothing}")],
        ),
        (
            json!({"asn": [64512, 65001], "reflectorClient": true}),
            true,
            vec![],
        ),
        (
            json!({"asn": "Internal", "reflectorClient": true}),
            true,
            vec![],
        ),
        (
            json!({"passive": true}),
            true,
            vec![format!(
                "spec.passive: the neighbour would have to connect, {listens}"
            )],
        ),
    ];
    for (mut spec, holds, lines) in rows {
        spec["address"] = json!("10.0.0.9");
        if spec.get("asn").is_none() {
            spec["asn"] = json!(65001);
        }
        let (found, problems) = on(&["10.0.0.1"], &[], &[("odd", spec.clone()), fine.clone()]);
        let lines: Vec<_> = lines
            .iter()
            .map(|line| format!("BgpPeer/odd: {line}"))
            .collect();
        assert_eq!(problems, lines, "{spec}");
        let names: Vec<_> = found.neighbours.iter().map(|one| &one.name[..]).collect();
        let wanted = if holds {
            vec!["fine", "odd"]
        } else {
            vec!["fine"]
        };
        assert_eq!(names, wanted, "{spec}");
    }
    let many = [("many", json!({"prefix": "10.0.0.0/8", "asn": 65001}))];
    let (found, problems) = on(&["10.0.0.1"], &[], &many);
    assert_eq!(found.neighbours.len(), 1);
    assert_eq!(
        problems,
        [format!(
            "BgpPeer/many: spec.prefix: neighbours would have to connect, {listens}"
        )]
    );
    let listening = [("all", json!({"listen": {}}))];
    assert_eq!(on(&["10.0.0.1"], &listening, &many).1, [""; 0]);
}

#[test]
fn of_peers_of_one_place_the_first_holds() {
    let at = |place: &str, nodes: &[&str]| match place.contains('/') {
        true => json!({"prefix": place, "asn": 65001, "nodes": nodes}),
        false => json!({"address": place, "asn": 65001, "nodes": nodes}),
    };
    let listening = [("all", json!({"listen": {}}))];
    let peers = [
        ("d", at("10.0.0.9", &["n1"])),
        ("c", at("10.0.0.9", &["*"])),
        ("b", at("10.0.0.9", &["n2"])),
        ("e", at("fd00:0::9", &["*"])),
        ("f", at("fd00::9", &["*"])),
        ("p", at("10.0.0.0/24", &["*"])),
        ("q", at("10.0.0.0/24", &["*"])),
        ("r", at("10.0.0.0/23", &["*"])),
    ];
    let (found, problems) = on(&["10.0.0.1"], &listening, &peers);
    let names: Vec<_> = found.neighbours.iter().map(|one| &one.name[..]).collect();
    assert_eq!(names, ["c", "e", "p", "r"]);
    let same = |other: &str| format!("it does not hold on this node: BgpPeer/{other} has the same");
    assert_eq!(
        problems,
        [
            format!("BgpPeer/d: spec.address: {}", same("c")),
            format!("BgpPeer/f: spec.address: {}", same("e")),
            format!("BgpPeer/q: spec.prefix: {}", same("p")),
        ]
    );
}

/// So that a reflector can be named to all nodes, itself included.
#[test]
fn a_node_is_not_its_own_neighbour() {
    let own = |nodes: &[&str]| json!({"address": "10.0.0.1", "asn": "Internal", "nodes": nodes});
    let line =
        "BgpPeer/rr: spec.address: it is an address of this node, which is not its own neighbour";
    for (nodes, lines) in [(&["*"][..], &[][..]), (&["n*"], &[]), (&["n1"], &[line])] {
        let (found, problems) = on(&["fd00::1", "10.0.0.1"], &[], &[("rr", own(nodes))]);
        assert_eq!(found.neighbours, []);
        assert_eq!(problems, lines);
    }
}
