//! What is valid and may not be what was meant.

use super::{config, peer, taken};
use serde_json::{Value, json};

#[track_caller]
fn warned(value: &Value, lines: &[&str]) {
    let warnings = taken(value).object.warnings();
    let found: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(found, lines, "{value:#}");
}

#[test]
fn without_rules_a_neighbour_of_another_as_gets_and_gives_nothing() {
    let accept = json!({"rules": [{"match": {"sources": ["Block"]}, "then": "Accept"}]});
    warned(
        &peer(json!({"asn": "External"})),
        &[
            "spec.import: it is absent: nothing is taken from the neighbour (RFC 8212)",
            "spec.export: it is absent: the neighbour is told nothing (RFC 8212)",
        ],
    );
    let import = "spec.import: it is absent: nothing is taken from the neighbour if it is of another AS than the node (RFC 8212)";
    for asn in [json!(65001), json!([65001, 65002])] {
        warned(&peer(json!({"asn": asn, "export": accept})), &[import]);
    }
    warned(&peer(json!({"asn": "Internal"})), &[]);
    warned(&peer(json!({"import": accept, "export": accept})), &[]);
}

#[test]
fn default_routes_that_seem_to_be_accepted() {
    let import = |import: Value| peer(json!({"asn": "Internal", "import": import}));
    let rule = |prefixes: Value| json!({"match": {"prefixes": prefixes}, "then": "Accept"});
    let exact = rule(json!([{"prefix": "0.0.0.0/0"}]));
    warned(
        &import(json!({"default": "Accept"})),
        &[
            "spec.import.default: default routes are not accepted: only a rule that names 0.0.0.0/0 or ::/0 without ge and le does",
        ],
    );
    warned(&import(json!({"default": "Accept", "rules": [exact]})), &[]);
    warned(&import(json!({"rules": [exact]})), &[]);
    let all = rule(json!([{"prefix": "0.0.0.0/0", "le": 24}, {"prefix": "::/0", "le": 48}]));
    warned(
        &import(json!({"rules": [all]})),
        &[
            "spec.import.rules[0]: 0.0.0.0/0 itself is not accepted: a rule has to name it without ge and le",
            "spec.import.rules[0]: ::/0 itself is not accepted: a rule has to name it without ge and le",
        ],
    );
    let both = rule(json!([{"prefix": "0.0.0.0/0", "le": 24}, {"prefix": "0.0.0.0/0"}]));
    warned(&import(json!({"rules": [both]})), &[]);
    let longer = rule(json!([{"prefix": "0.0.0.0/0", "ge": 8, "le": 24}]));
    warned(&import(json!({"rules": [longer]})), &[]);
    let refuses =
        json!({"match": {"prefixes": [{"prefix": "0.0.0.0/0", "le": 32}]}, "then": "Reject"});
    warned(&import(json!({"rules": [refuses]})), &[]);
    warned(
        &config(json!({"advertise": {"addresses": ["192.0.2.0/24", "::/0"]}})),
        &[
            "spec.advertise.addresses[1]: the default route is announced to those alone whose BgpPeer has an export rule for exactly ::/0",
        ],
    );
    warned(&config(json!({"listen": {}})), &[]);
}

#[test]
fn traffic_between_neighbours() {
    let text = "what other neighbours told is told as well, so that this AS carries traffic between them; `sources` says which routes are meant";
    let accepts = |question: Value| {
        let mut rule = json!({"then": "Accept"});
        if question != json!({}) {
            rule["match"] = question;
        }
        rule
    };
    let own = json!({"match": {"sources": ["Peer"]}, "then": "Reject"});
    for (rules, line) in [
        (json!([accepts(json!({}))]), Some("spec.export.rules[0]")),
        (
            json!([accepts(json!({"sources": ["Block", "Peer"]}))]),
            Some("spec.export.rules[0]"),
        ),
        (json!([accepts(json!({"sources": ["Block"]}))]), None),
        (json!([accepts(json!({"communities": ["1:1"]}))]), None),
        (json!([own, accepts(json!({}))]), None),
    ] {
        let import = json!({});
        let value = peer(json!({"import": import, "export": {"rules": rules}}));
        let line = line.map(|field| format!("{field}: {text}"));
        warned(&value, line.as_deref().as_slice());
        // Of the own AS, everybody is told everything.
        let mut value = value;
        value["spec"]["asn"] = json!("Internal");
        warned(&value, &[]);
    }
    let exact = json!({"match": {"prefixes": [{"prefix": "::/0"}], "sources": ["Address"]}, "then": "Accept"});
    warned(
        &peer(json!({"import": {}, "export": {"default": "Accept", "rules": [exact]}})),
        &[&format!("spec.export.default: {text}")],
    );
}

#[test]
fn everybody_may_be_a_neighbour() {
    let text = "spec.prefix: whoever reaches a node may be its neighbour: give a longer prefix or a passwordFile";
    let mut spec = json!({"prefix": "::/0", "asn": "Internal"});
    warned(&peer(spec.clone()), &[text]);
    spec["passwordFile"] = json!("/etc/fairway/bgp.key");
    warned(&peer(spec), &[]);
    warned(&peer(json!({"prefix": "fd00::/8", "asn": "Internal"})), &[]);
}
