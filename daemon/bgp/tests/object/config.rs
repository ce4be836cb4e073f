//! `BgpConfig`.

use super::{config, refused, taken, taken_config};
use fairway_bgp::object::{Advertise, Listen};
use fairway_bgp::session::config::{Graceful, GracefulMode};
use fairway_bgp::{Asn, Prefix, RouterId};
use serde_json::{Value, json};
use std::time::Duration;

const NODE: &str =
    "must be 1 to 253 of a-z, A-Z, 0-9, ., _, - and *, beginning with a letter, a digit or *";
const ID: &str = "must be an identifier in the form of an IPv4 address other than 0.0.0.0";
const POOL: &str = "must be 1 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends";
const TIME: &str = "must be a whole number with s, m, h or d, such as 90s";

fn router(text: &str) -> Option<RouterId> {
    RouterId::new(text.parse::<std::net::Ipv4Addr>().unwrap().to_bits())
}

fn prefixes(all: &[&str]) -> Vec<Prefix> {
    all.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn defaults_are_filled_in() {
    let parsed = taken(&config(json!({})));
    assert_eq!(
        parsed.json["spec"],
        json!({
            "asn": 64512,
            "advertise": {"blocks": true, "claims": true},
            "gracefulRestart": {
                "mode": "Full",
                "restartTime": "120s",
                "staleTime": "360s",
                "deferral": "360s",
            },
            "multipath": 16,
            "multipathRelax": false,
            "alwaysCompareMed": false,
        })
    );
    let config = taken_config(json!({}));
    assert_eq!(config.asn, Asn::new(64512).unwrap());
    assert_eq!((config.router, config.cluster), (None, None));
    assert_eq!(config.listen, None);
    assert_eq!(config.advertise, Advertise::default());
    assert_eq!(config.graceful, Graceful::FULL);
    assert_eq!((config.multipath, config.always_compare_med), (16, false));
    assert_eq!(config.nodes.patterns(), [""; 0]);
    let listening = taken(&config_listening());
    assert_eq!(listening.json["spec"]["listen"], json!({"port": 179}));
}

fn config_listening() -> Value {
    config(json!({"listen": {}}))
}

#[test]
fn an_object_says_what_stands_in_it() {
    let spec = json!({
        "nodes": ["n1"],
        "asn": 4_200_000_000_u32,
        "routerID": "10.0.0.1",
        "clusterID": "0.0.0.7",
        "listen": {
            "port": 1790,
            "addresses": ["10.0.0.1", "fd00::/64", "::", "fd00::1"],
        },
        "advertise": {
            "blocks": true,
            "claims": false,
            "pools": ["web", "db.1"],
            "wholePools": ["web"],
            "addresses": ["192.0.2.1/32", "2001:db8::/32", "0.0.0.0/0"],
        },
        "gracefulRestart": {
            "mode": "Helper",
            "restartTime": "4095s",
            "staleTime": "10m",
            "deferral": "1s",
        },
        "multipath": 64,
        "multipathRelax": true,
        "alwaysCompareMed": true,
    });
    assert_eq!(taken(&config(spec.clone())).json, config(spec.clone()));
    let config = taken_config(spec);
    assert_eq!(config.name, "all");
    assert_eq!(config.nodes.single(), Some("n1"));
    assert_eq!(config.asn.get(), 4_200_000_000);
    assert_eq!(config.router, router("10.0.0.1"));
    assert_eq!(config.cluster, router("0.0.0.7"));
    let listen = Listen {
        port: 1790,
        addresses: prefixes(&["10.0.0.1/32", "fd00::/64", "::/0", "fd00::1/128"]),
    };
    assert_eq!(config.listen, Some(listen));
    let advertise = Advertise {
        blocks: true,
        claims: false,
        pools: Some(vec!["web".into(), "db.1".into()]),
        whole_pools: vec!["web".into()],
        addresses: prefixes(&["192.0.2.1/32", "2001:db8::/32", "0.0.0.0/0"]),
    };
    assert_eq!(config.advertise, advertise);
    assert!(advertise.has_pool("web") && !advertise.has_pool("db"));
    assert!(Advertise::default().has_pool("db"));
    let graceful = Graceful {
        mode: GracefulMode::Helper,
        restart_time: 4095,
        stale_time: Duration::from_secs(600),
        deferral: Duration::from_secs(1),
        notification: true,
    };
    assert_eq!(config.graceful, graceful);
    assert_eq!((config.multipath, config.always_compare_med), (64, true));
    assert!(config.multipath_relax);
}

#[test]
fn each_wrong_field_is_named() {
    let rows = [
        (json!({"nods": ["n1"]}), "nods: no such field".to_owned()),
        (json!({"nodes": "n1"}), "nodes: must be a list, is text".into()),
        (json!({"nodes": []}), "nodes: must be given".into()),
        (json!({"nodes": null}), "nodes: must be left out or have a value, is null".into()),
        (json!({"nodes": ["n1", "n1"]}), "nodes[1]: is given twice".into()),
        (json!({"nodes": ["-n1"]}), format!("nodes[0]: \"-n1\" {NODE}")),
        (json!({"nodes": ["n?"]}), format!("nodes[0]: \"n?\" {NODE}")),
        (json!({"nodes": [""]}), format!("nodes[0]: \"\" {NODE}")),
        (json!({"asn": "64512"}), "asn: must be a number, is text".into()),
        (json!({"asn": 0}), "asn: 0 is not in 1 to 4294967295".into()),
        (json!({"asn": 4_294_967_296_u64}), "asn: 4294967296 is not in 1 to 4294967295".into()),
        (
            json!({"asn": 23456}),
            "asn: AS 23456 is no speaker's: it stands for AS numbers of four octets (RFC 6793)".into(),
        ),
        (json!({"asn": 65535}), "asn: AS 65535 is no speaker's: it is reserved (RFC 7300)".into()),
        (
            json!({"asn": u32::MAX}),
            "asn: AS 4294967295 is no speaker's: it is reserved (RFC 7300)".into(),
        ),
        (
            json!({"routerID": "10.0.0.1"}),
            "routerID: may not be given where nodes is not the plain name of one node".into(),
        ),
        (
            json!({"nodes": ["n*"], "routerID": "10.0.0.1"}),
            "routerID: may not be given where nodes is not the plain name of one node".into(),
        ),
        (
            json!({"nodes": ["n1", "n2"], "routerID": "10.0.0.1"}),
            "routerID: may not be given where nodes is not the plain name of one node".into(),
        ),
        (json!({"nodes": ["n1"], "routerID": "0.0.0.0"}), format!("routerID: \"0.0.0.0\" {ID}")),
        (json!({"nodes": ["n1"], "routerID": "fd00::1"}), format!("routerID: \"fd00::1\" {ID}")),
        (json!({"nodes": ["n1"], "routerID": 1}), "routerID: must be text, is a number".into()),
        (json!({"clusterID": "1"}), format!("clusterID: \"1\" {ID}")),
        (json!({"listen": true}), "listen: must be an object, is true or false".into()),
        (json!({"listen": {"port": 0}}), "listen.port: 0 is not in 1 to 65535".into()),
        (json!({"listen": {"port": 65536}}), "listen.port: 65536 is not in 1 to 65535".into()),
        (json!({"listen": {"address": []}}), "listen.address: no such field".into()),
        (json!({"listen": {"addresses": []}}), "listen.addresses: must be given".into()),
        (
            json!({"listen": {"addresses": ["eth0"]}}),
            "listen.addresses[0]: \"eth0\" must be an IP address or a prefix".into(),
        ),
        (
            json!({"listen": {"addresses": ["fe80::1"]}}),
            "listen.addresses[0]: \"fe80::1\" is of a link only, and there is no way to say of which; write a global address".into(),
        ),
        (
            json!({"listen": {"addresses": ["10.0.0.1/24"]}}),
            "listen.addresses[0]: \"10.0.0.1/24\" has host bits; 10.0.0.0/24 was probably meant".into(),
        ),
        (
            json!({"listen": {"addresses": ["10.0.0.1", "10.0.0.1/32"]}}),
            "listen.addresses[1]: is given twice".into(),
        ),
        (json!({"advertise": {"block": true}}), "advertise.block: no such field".into()),
        (
            json!({"advertise": {"blocks": "yes"}}),
            "advertise.blocks: must be true or false, is text".into(),
        ),
        (
            json!({"advertise": {"claims": 1}}),
            "advertise.claims: must be true or false, is a number".into(),
        ),
        (json!({"advertise": {"pools": []}}), "advertise.pools: must be given".into()),
        (json!({"advertise": {"pools": ["Web"]}}), format!("advertise.pools[0]: \"Web\" {POOL}")),
        (
            json!({"advertise": {"blocks": false, "claims": false, "pools": ["web"]}}),
            "advertise.pools: may not be given where neither blocks nor claims are announced".into(),
        ),
        (
            json!({"advertise": {"wholePools": ["-"]}}),
            format!("advertise.wholePools[0]: \"-\" {POOL}"),
        ),
        (
            json!({"advertise": {"addresses": ["192.0.2.1"]}}),
            "advertise.addresses[0]: \"192.0.2.1\" is not a CIDR: it has no / and prefix length".into(),
        ),
        (
            json!({"advertise": {"addresses": ["192.0.2.1/24"]}}),
            "advertise.addresses[0]: \"192.0.2.1/24\" has host bits; 192.0.2.0/24 was probably meant".into(),
        ),
        (
            json!({"advertise": {"addresses": ["192.0.2.0/24", "192.0.2.0/24"]}}),
            "advertise.addresses[1]: is given twice".into(),
        ),
        (
            json!({"advertise": {"addresses": ["224.0.0.0/8"]}}),
            "advertise.addresses[0]: 224.0.0.0/8 cannot be announced: its addresses are groups'".into(),
        ),
        (
            json!({"advertise": {"addresses": ["127.0.0.1/32"]}}),
            "advertise.addresses[0]: 127.0.0.1/32 cannot be announced: its addresses are each machine's own".into(),
        ),
        (
            json!({"advertise": {"addresses": ["fe80::/64"]}}),
            "advertise.addresses[0]: fe80::/64 cannot be announced: its addresses are of a link only".into(),
        ),
        (
            json!({"gracefulRestart": {"mode": "full"}}),
            "gracefulRestart.mode: \"full\" is not known; there are Full, Helper, Off".into(),
        ),
        (
            json!({"gracefulRestart": {"restartTime": "4096s"}}),
            "gracefulRestart.restartTime: \"4096s\" is not in 1s to 4095s".into(),
        ),
        (
            json!({"gracefulRestart": {"restartTime": "0s"}}),
            "gracefulRestart.restartTime: \"0s\" is not in 1s to 4095s".into(),
        ),
        (
            json!({"gracefulRestart": {"staleTime": 360}}),
            "gracefulRestart.staleTime: must be a time, such as 90s, is a number".into(),
        ),
        (
            json!({"gracefulRestart": {"deferral": "1m30s"}}),
            format!("gracefulRestart.deferral: \"1m30s\" {TIME}"),
        ),
        (
            json!({"gracefulRestart": {"deferral": "99999999999999999999d"}}),
            "gracefulRestart.deferral: \"99999999999999999999d\" is not in 1s to 65535s".into(),
        ),
        (
            json!({"gracefulRestart": {"deferral": "s"}}),
            format!("gracefulRestart.deferral: \"s\" {TIME}"),
        ),
        (
            json!({"gracefulRestart": {"deferral": "5µ"}}),
            format!("gracefulRestart.deferral: \"5µ\" {TIME}"),
        ),
        (json!({"gracefulRestart": {"time": "1s"}}), "gracefulRestart.time: no such field".into()),
        (json!({"multipath": 0}), "multipath: 0 is not in 1 to 64".into()),
        (
            json!({"multipathRelax": 1}),
            "multipathRelax: must be true or false, is a number".into(),
        ),
        (json!({"multipath": 65}), "multipath: 65 is not in 1 to 64".into()),
        (
            json!({"alwaysCompareMed": "true"}),
            "alwaysCompareMed: must be true or false, is text".into(),
        ),
    ];
    for (spec, line) in rows {
        refused(&config(spec), &[&format!("spec.{line}")]);
    }
    let many: Vec<String> = (0..1001).map(|n| format!("n{n}")).collect();
    let line = "spec.nodes: has 1001 elements, may have 1000";
    refused(&config(json!({"nodes": many})), &[line]);
}
