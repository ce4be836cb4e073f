//! ADD, CHECK and DEL on a model of the kernel. What the real one loses on the way is for the suite in virtual machines.

use crate::conf::Conf;
use crate::{add, check, del};
use fairway_cni::{Code, NetConf};
use fairway_netlink::fake::{Recorder, namespaces};
use fairway_netlink::{
    AddressSpec, BridgeSpec, Error as NetlinkError, Link, LinkKind, Netlink as _, Route,
    RouteFilter,
};
use serde_json::{Value, json};

fn try_conf(extra: Value) -> Result<Conf, fairway_cni::FieldError> {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "vrf"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    Conf::parse(&NetConf::from_json(conf).unwrap())
}

fn conf(extra: Value) -> Conf {
    try_conf(extra).unwrap()
}

fn red() -> Conf {
    conf(json!({"vrfname": "red"}))
}

/// `eth0` and `eth1`, the first with an address of IPv6 and a default route.
fn bed() -> Recorder {
    let (_, mut container) = namespaces();
    let index = container.put_link(Link::new(0, "eth0"));
    container.put_link(Link::new(0, "eth1"));
    let spec = AddressSpec::new("fd00:1::2/64".parse().unwrap());
    container.add_address(index, &spec).unwrap();
    let mut default = Route::to("0.0.0.0/0".parse().unwrap());
    default.oif = Some(index);
    default.gateway = Some("10.1.0.1".parse().unwrap());
    container.add_route(&default).unwrap();
    container
}

fn table(container: &mut Recorder, table: u32) -> usize {
    let filter = RouteFilter {
        table: Some(table),
        ..RouteFilter::default()
    };
    container.routes(&filter).unwrap().len()
}

fn link(container: &mut Recorder, name: &str) -> Option<Link> {
    container.link_by_name(name).unwrap()
}

#[test]
fn made_with_the_first_and_gone_with_the_last() {
    let mut container = bed();
    let failure = check(&mut container, &red(), "eth0").unwrap_err();
    assert_eq!(failure.code, Code::CHECK_FAILED);
    for name in ["eth0", "eth1", "eth0"] {
        add::add(&mut container, &red(), name).unwrap();
        check(&mut container, &red(), name).unwrap();
    }
    let vrf = link(&mut container, "red").unwrap();
    assert_eq!(vrf.kind, Some(LinkKind::Vrf { table: 1 }));
    assert_eq!(table(&mut container, 1), 1);
    let eth0 = link(&mut container, "eth0").unwrap();
    assert_eq!(container.addresses(Some(eth0.index)).unwrap().len(), 1);
    // Another one gets another table.
    let blue = conf(json!({"vrfname": "blue"}));
    let failure = add::add(&mut container, &blue, "eth1").unwrap_err();
    assert_eq!(failure.code, Code::LINK_CONFLICT);
    assert!(
        failure
            .msg
            .contains("\"eth1\" already exists and belongs to \"red\""),
        "{}",
        failure.msg
    );
    assert!(link(&mut container, "blue").is_none());
    del::del(&mut container, &red(), "eth0").unwrap();
    assert!(link(&mut container, "red").is_some());
    assert!(check(&mut container, &red(), "eth0").is_err());
    for _ in 0..2 {
        del::del(&mut container, &red(), "eth1").unwrap();
        assert!(link(&mut container, "red").is_none());
    }
}

#[test]
fn what_fails_leaves_all_as_it_was() {
    for nth in 0.. {
        let mut container = bed();
        let refusal = NetlinkError::Timeout {
            op: "of",
            subject: "the test".into(),
            after: std::time::Duration::ZERO,
        };
        container.fail_at(nth, refusal);
        // The model keeps the address, which the real kernel takes away.
        if add::add(&mut container, &red(), "eth0").is_ok() {
            assert_eq!(nth, 4);
            return;
        }
        assert!(link(&mut container, "red").is_none(), "call {nth}");
        assert_eq!(
            link(&mut container, "eth0").unwrap().master,
            None,
            "call {nth}"
        );
        assert_eq!(table(&mut container, Route::MAIN), 1, "call {nth}");
    }
}

#[test]
fn what_is_in_the_way_is_told() {
    let mut container = bed();
    let bridge = BridgeSpec {
        name: "red".into(),
        ..BridgeSpec::default()
    };
    container.create_bridge(&bridge).unwrap();
    let failure = add::add(&mut container, &red(), "eth0").unwrap_err();
    assert_eq!(failure.code, Code::LINK_CONFLICT);
    // It is not this plugin's to remove.
    del::del(&mut container, &red(), "eth0").unwrap();
    assert!(link(&mut container, "red").is_some());
    let mut container = bed();
    let ten = conf(json!({"vrfname": "red", "table": 10}));
    add::add(&mut container, &ten, "eth0").unwrap();
    let eleven = conf(json!({"vrfname": "red", "table": 11}));
    let failure = add::add(&mut container, &eleven, "eth1").unwrap_err();
    assert_eq!(failure.code, Code::LINK_CONFLICT);
    assert!(
        failure.msg.contains("has table 10, not 11"),
        "{}",
        failure.msg
    );
    let failure = check(&mut container, &eleven, "eth0").unwrap_err();
    assert_eq!(failure.code, Code::CHECK_FAILED);
    let failure = add::add(&mut container, &ten, "eth7").unwrap_err();
    assert!(
        failure.msg.contains("\"eth7\": not found"),
        "{}",
        failure.msg
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (extra, wanted) in [
        (json!({}), "vrfname: missing"),
        (json!({"vrfname": ""}), "vrfname: missing"),
        (json!({"vrfname": 1}), "vrfname: expected a string"),
        (
            json!({"vrfname": "sixteen-bytes-xx"}),
            "vrfname: \"sixteen-bytes-xx\": is no name",
        ),
        (json!({"vrfname": "a/b"}), "vrfname: \"a/b\": is no name"),
        (
            json!({"vrfname": "red", "table": -1}),
            "table: -1: must be from 0",
        ),
        (
            json!({"vrfname": "red", "table": "x"}),
            "table: expected a whole number",
        ),
    ] {
        let error = try_conf(extra).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
}
