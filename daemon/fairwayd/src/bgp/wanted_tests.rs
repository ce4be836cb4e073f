use super::*;
use fairway_bgp::{object::Object, session::RemoteAs};
use serde_json::{Value, json};
use std::fs;

fn objects(all: &[(&str, &str, Value)]) -> Objects {
    let mut objects = Objects::default();
    for (kind, name, spec) in all {
        let value = json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind,
                           "metadata": {"name": name}, "spec": spec});
        let name = (*name).to_owned();
        match fairway_bgp::object::parse(value).unwrap().object {
            Object::Config(config) => drop(objects.configs.insert(name, config)),
            Object::Peer(peer) => drop(objects.peers.insert(name, peer)),
        }
    }
    objects
}

fn of(objects: &Objects) -> Goal {
    let me = NodeName::new("n1").unwrap();
    let addresses = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    goal(&me, &addresses, objects, &mut Passwords::default())
}

#[test]
fn what_is_not_for_this_node_starts_nothing() {
    assert!(of(&Objects::default()).speaker.is_none());
    let other = json!({"nodes": ["n2"], "listen": {}});
    assert!(of(&objects(&[("BgpConfig", "a", other)])).speaker.is_none());
    let own = of(&objects(&[("BgpConfig", "a", json!({"nodes": ["n1"]}))]));
    let config = own.speaker.unwrap();
    assert_eq!(config.listen, []);
    assert_eq!(config.settings.router.to_string(), "192.0.2.1");
}

#[test]
fn a_key_that_cannot_be_read_concerns_its_neighbour_alone() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::write(&key, "one\n").unwrap();
    let peer = |address: &str, file: Option<&str>| match file {
        Some(file) => json!({"address": address, "asn": 65001, "passwordFile": file}),
        None => json!({"address": address, "asn": 65001}),
    };
    let goal = of(&objects(&[
        ("BgpConfig", "all", json!({"listen": {"port": 1790}})),
        ("BgpPeer", "a", peer("192.0.2.8", key.to_str())),
        ("BgpPeer", "b", peer("192.0.2.9", Some("/nonexistent"))),
        ("BgpPeer", "c", peer("2001:db8::9", None)),
    ]));
    let config = goal.speaker.unwrap();
    let keyed = config.neighbours.iter().map(|wanted| {
        let settings = wanted.neighbour.settings();
        (
            wanted.name.as_str(),
            settings.password.as_ref().map(|key| key.key().to_vec()),
        )
    });
    let keyed: Vec<_> = keyed.collect();
    assert_eq!(
        keyed,
        [("BgpPeer/a", Some(b"one".to_vec())), ("BgpPeer/c", None)]
    );
    let listen: Vec<_> = config.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["0.0.0.0:1790", "[::]:1790"]);
    let why = "spec.passwordFile: /nonexistent: No such file or directory (os error 2): \
               no session is begun without its key";
    assert_eq!(goal.problems, [format!("BgpPeer/b: {why}")]);
    let left = Left {
        address: "192.0.2.9".parse().unwrap(),
        name: "BgpPeer/b".to_owned(),
        why: why.to_owned(),
    };
    assert_eq!(goal.left, [left]);
}

#[test]
fn own_addresses_are_next_hops_and_filters_go_by_the_as() {
    let rules = json!({"rules": [], "default": "Accept"});
    let peer = |asn: Value| {
        json!({"address": "192.0.2.8", "asn": asn, "nextHopSelf": true, "reflectorClient": true,
               "export": rules})
    };
    let wanted = |asn: Value| {
        let goal = of(&objects(&[("BgpPeer", "a", peer(asn))]));
        goal.speaker.unwrap().neighbours.remove(0)
    };
    let inside = wanted(json!("Internal"));
    assert_eq!(inside.neighbour.settings().remote_as, RemoteAs::Internal);
    assert!(inside.client);
    assert_eq!(inside.next_hops.v4.unwrap().to_string(), "192.0.2.1");
    assert_eq!(inside.next_hops.v6.unwrap().to_string(), "2001:db8::1");
    // One that may be of the own AS is told what such a one is told.
    let either = wanted(json!([64512, 65001]));
    assert!(either.client);
    assert_eq!(either.filters, inside.filters);
}
