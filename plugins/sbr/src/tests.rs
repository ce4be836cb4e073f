//! ADD, CHECK and DEL on a model of the kernel.

use crate::conf::{Conf, Source};
use crate::{add, check, del};
use fairway_cni::{CniResult, Code, NetConf};
use fairway_netlink::fake::{Recorder, namespaces};
use fairway_netlink::{
    AddressSpec, Error as NetlinkError, Link, Netlink as _, Route, RouteFilter, Scope,
};
use serde_json::{Value, json};

fn conf(extra: Value) -> Conf {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "sbr"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    Conf::parse(&NetConf::from_json(conf).unwrap()).unwrap()
}

fn sources() -> Vec<Source> {
    vec![
        Source {
            address: "10.1.0.2/24".parse().unwrap(),
            gateway: Some("10.1.0.1".parse().unwrap()),
        },
        Source {
            address: "fd00:1::2/64".parse().unwrap(),
            gateway: None,
        },
    ]
}

/// An interface `net1` with both addresses, its subnets and a default route.
fn bed() -> Recorder {
    let (_, mut container) = namespaces();
    let index = container.put_link(Link::new(0, "net1"));
    for source in sources() {
        let spec = AddressSpec {
            no_prefix_route: true,
            ..AddressSpec::new(source.address)
        };
        container.add_address(index, &spec).unwrap();
    }
    let mut subnet = Route::to("10.1.0.0/24".parse().unwrap());
    subnet.oif = Some(index);
    subnet.scope = Scope::LINK;
    subnet.prefsrc = Some("10.1.0.2".parse().unwrap());
    let mut six = Route::to("fd00:1::/64".parse().unwrap());
    six.oif = Some(index);
    let mut default = Route::to("0.0.0.0/0".parse().unwrap());
    default.oif = Some(index);
    default.gateway = Some("10.1.0.1".parse().unwrap());
    for route in [subnet, six, default] {
        container.add_route(&route).unwrap();
    }
    container
}

fn routes(container: &mut Recorder, table: u32) -> Vec<String> {
    let filter = RouteFilter {
        table: Some(table),
        ..RouteFilter::default()
    };
    let routes = container.routes(&filter).unwrap();
    let text = |route: &Route| match route.gateway {
        Some(gateway) => format!("{} via {gateway}", route.dst),
        None => route.dst.to_string(),
    };
    let mut routes: Vec<String> = routes.iter().map(text).collect();
    routes.sort();
    routes
}

fn rules(container: &mut Recorder) -> Vec<String> {
    let rules = container.rules(None).unwrap();
    rules.iter().map(ToString::to_string).collect()
}

#[test]
fn each_address_has_its_table() {
    let mut container = bed();
    let before = container.snapshot();
    let conf = conf(json!({}));
    assert_eq!(
        check::check(&mut container, &conf, "net1", &sources())
            .unwrap_err()
            .code,
        Code::CHECK_FAILED
    );
    for _ in 0..2 {
        add::add(&mut container, &conf, "net1", &sources()).unwrap();
        assert_eq!(
            rules(&mut container),
            [
                "32765: from 10.1.0.2/32 lookup 100",
                "32765: from fd00:1::2/128 lookup 101"
            ]
        );
        assert_eq!(
            routes(&mut container, 100),
            ["0.0.0.0/0 via 10.1.0.1", "10.1.0.0/24"]
        );
        assert_eq!(routes(&mut container, 101), ["fd00:1::/64"]);
        assert!(routes(&mut container, Route::MAIN).is_empty());
        check::check(&mut container, &conf, "net1", &sources()).unwrap();
    }
    for _ in 0..2 {
        del::del(&mut container, None, "net1", &CniResult::default()).unwrap();
        assert!(rules(&mut container).is_empty());
        assert!(routes(&mut container, 100).is_empty());
    }
    assert_eq!(container.snapshot().links, before.links);
}

/// What the first one changed is seen by the second, though the kernel is asked once.
#[test]
fn a_second_address_of_a_family_has_a_table_and_a_rule_before_the_first_ones() {
    let mut container = bed();
    let index = container.link_by_name("net1").unwrap().unwrap().index;
    let mut sources = sources();
    sources[1] = Source {
        address: "10.2.0.2/24".parse().unwrap(),
        gateway: Some("10.2.0.1".parse().unwrap()),
    };
    let mut subnet = Route::to("10.2.0.0/24".parse().unwrap());
    subnet.oif = Some(index);
    subnet.prefsrc = Some("10.2.0.2".parse().unwrap());
    container.add_route(&subnet).unwrap();
    for _ in 0..2 {
        add::add(&mut container, &conf(json!({})), "net1", &sources).unwrap();
        assert_eq!(
            rules(&mut container),
            [
                "32764: from 10.2.0.2/32 lookup 101",
                "32765: from 10.1.0.2/32 lookup 100"
            ]
        );
        assert_eq!(
            routes(&mut container, 101),
            ["0.0.0.0/0 via 10.2.0.1", "10.2.0.0/24"]
        );
    }
}

#[test]
fn what_fails_leaves_all_as_it_was() {
    for nth in 0.. {
        let mut container = bed();
        let before = (
            routes(&mut container, Route::MAIN),
            routes(&mut container, 100),
        );
        let so_far = container.calls().len();
        let refusal = NetlinkError::Timeout {
            op: "of",
            subject: "the test".into(),
            after: std::time::Duration::ZERO,
        };
        container.fail_at(nth, refusal);
        let done = add::add(&mut container, &conf(json!({})), "net1", &sources());
        if !container.calls()[so_far..].iter().any(|call| call.refused) {
            done.unwrap();
            assert!(nth >= 8, "only {nth} changes");
            return;
        }
        assert!(done.is_err(), "call {nth}");
        let after = (
            routes(&mut container, Route::MAIN),
            routes(&mut container, 100),
        );
        assert_eq!(after, before, "call {nth}");
        assert!(rules(&mut container).is_empty(), "call {nth}");
    }
}

#[test]
fn a_named_table_gets_rules_and_nothing_else() {
    let mut container = bed();
    let conf = conf(json!({"table": 7}));
    let main = routes(&mut container, Route::MAIN);
    add::add(&mut container, &conf, "net1", &sources()).unwrap();
    assert_eq!(
        rules(&mut container),
        [
            "32765: from 10.1.0.2/32 lookup 7",
            "32765: from fd00:1::2/128 lookup 7"
        ]
    );
    assert_eq!(routes(&mut container, Route::MAIN), main);
    check::check(&mut container, &conf, "net1", &sources()).unwrap();
    // Another one's rule for the address stays.
    del::del(&mut container, Some(8), "net1", &CniResult::default()).unwrap();
    assert_eq!(rules(&mut container).len(), 2);
    del::del(&mut container, Some(7), "net1", &CniResult::default()).unwrap();
    assert!(rules(&mut container).is_empty());
}

#[test]
fn a_gateway_that_is_named_goes_before_and_hints_stay() {
    let mut container = bed();
    let conf = conf(json!({"gateways": ["10.1.0.9", "fd00:1::9"], "addSourceHints": true}));
    let prev: CniResult = NetConf::from_json(json!({
        "cniVersion": "1.1.0", "name": "net",
        "prevResult": {"cniVersion": "1.1.0", "interfaces": [{"name": "net1", "sandbox": "/ns"}, {"name": "other"}], "ips": [
            {"interface": 0, "address": "10.1.0.2/24", "gateway": "10.1.0.1"},
            {"interface": 1, "address": "10.9.0.2/24"}, {"address": "fd00:1::2/64"},
        ]},
    }))
    .unwrap()
    .prev_result()
    .unwrap()
    .unwrap();
    let sources = conf.sources(&prev, "net1").unwrap();
    assert_eq!(sources.len(), 2);
    add::add(&mut container, &conf, "net1", &sources).unwrap();
    assert_eq!(
        routes(&mut container, 100),
        ["0.0.0.0/0 via 10.1.0.9", "10.1.0.0/24"]
    );
    assert_eq!(
        routes(&mut container, 101),
        ["::/0 via fd00:1::9", "fd00:1::/64"]
    );
    assert_eq!(
        routes(&mut container, Route::MAIN),
        ["10.1.0.0/24", "fd00:1::/64"]
    );
    check::check(&mut container, &conf, "net1", &sources).unwrap();
    assert!(conf.sources(&prev, "net7").is_ok(), "the third is of any");
    assert!(conf.sources(&CniResult::default(), "net1").is_err());
}

#[test]
fn what_is_wrong_is_named() {
    for (extra, wanted) in [
        (json!({"table": 0}), "table: 0: must be from 1"),
        (json!({"table": "x"}), "table: expected a whole number"),
        (json!({"gateways": ["x"]}), "gateways[0]: \"x\""),
        (
            json!({"gateways": ["10.0.0.1", "fd00::1", "10.0.0.2"]}),
            "gateways[2]: \"10.0.0.2\": is the second one of its family",
        ),
        (
            json!({"addSourceHints": 1}),
            "addSourceHints: expected a boolean",
        ),
    ] {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "net"});
        for (key, value) in extra.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        let error = Conf::parse(&NetConf::from_json(conf).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
}
