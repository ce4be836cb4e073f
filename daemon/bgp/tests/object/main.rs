//! `BgpConfig` and `BgpPeer` objects: what is taken, what it says, what is refused by which field, and what all of
//! them together mean on a node.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by them")]

mod config;
mod docs;
mod filter;
mod head;
mod node;
mod peer;
mod properties;
mod warnings;

use fairway_bgp::object::{self, BgpConfig, BgpPeer, Object, Parsed};
use serde_json::{Value, json};

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "fairway.network/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// A BgpConfig.
fn config(spec: Value) -> Value {
    object("BgpConfig", "all", spec)
}

/// A BgpPeer, of AS 65001 where nothing else is said.
fn peer(mut spec: Value) -> Value {
    if spec.get("address").is_none() && spec.get("prefix").is_none() {
        spec["address"] = json!("10.0.0.1");
    }
    if spec.get("asn").is_none() {
        spec["asn"] = json!(65001);
    }
    object("BgpPeer", "tor", spec)
}

/// Taken; its stored form is taken as the same.
#[track_caller]
fn taken(value: &Value) -> Parsed {
    let parsed = object::parse(value.clone());
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}\n{value:#}"));
    assert_eq!(object::parse(parsed.json.clone()).as_ref(), Ok(&parsed));
    parsed
}

#[track_caller]
fn taken_config(spec: Value) -> BgpConfig {
    match taken(&config(spec)).object {
        Object::Config(config) => config,
        Object::Peer(peer) => panic!("{peer:?}"),
    }
}

#[track_caller]
fn taken_peer(spec: Value) -> BgpPeer {
    match taken(&peer(spec)).object {
        Object::Peer(peer) => peer,
        Object::Config(config) => panic!("{config:?}"),
    }
}

/// Refused with exactly these lines.
#[track_caller]
fn refused(value: &Value, lines: &[&str]) {
    let error = object::parse(value.clone()).expect_err("a wrong object");
    let error = error.to_string();
    let found: Vec<_> = error.lines().collect();
    assert_eq!(found, lines, "{value:#}");
}
