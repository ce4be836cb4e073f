//! What configurations are taken for, and which are refused.

use super::*;
use crate::conf::{Announce, Make};
use fairway_cni::{CniArgs, Delegates, NetConf};
use fairway_netlink::{ChildKind, IpvlanMode, MacvlanMode, tap::TapSpec};
use serde_json::{Value, json};

fn parse_with(kind: Child, extra: Value, args: &str) -> Result<Conf, Failure> {
    let mut base = json!({"cniVersion": "1.1.0", "name": "net", "ipam": {"type": "static"}});
    base.as_object_mut()
        .unwrap()
        .append(&mut extra.as_object().unwrap().clone());
    let conf = NetConf::from_json(base).unwrap();
    let args = CniArgs::parse(args).unwrap();
    let context = Context {
        conf: &conf,
        args: &args,
        delegates: &Delegates::default(),
    };
    Ok(kind.parse(&context)?)
}

fn parse(kind: Child, extra: Value) -> Result<Conf, Failure> {
    parse_with(kind, extra, "")
}

#[test]
fn defaults() {
    let macvlan = parse(Child::Macvlan, json!({})).unwrap();
    let kind = ChildKind::Macvlan {
        mode: MacvlanMode::Bridge,
        bc_queue_len: None,
    };
    assert_eq!(macvlan.make, Make::Child(kind));
    assert_eq!(
        (macvlan.master, macvlan.mtu, macvlan.mac),
        (None, None, None)
    );
    assert_eq!(
        (macvlan.in_container, macvlan.announce),
        (false, Announce::Both)
    );

    let ipvlan = parse(Child::Ipvlan, json!({"mtu": 0, "mode": "", "master": ""})).unwrap();
    let kind = ChildKind::Ipvlan {
        mode: IpvlanMode::L2,
    };
    assert_eq!(
        (ipvlan.make, ipvlan.mtu, ipvlan.master),
        (Make::Child(kind), None, None)
    );

    let vlan = parse(Child::Vlan, json!({"master": "up0"})).unwrap();
    assert_eq!(vlan.make, Make::Child(ChildKind::Vlan { id: 0 }));

    let tap = parse(Child::Tap, json!({})).unwrap();
    let plain = Make::Tap {
        spec: TapSpec::default(),
        bridge: None,
        selinux_context: None,
    };
    assert_eq!((tap.make, tap.announce), (plain, Announce::Arp));
}

#[test]
fn keys() {
    let all = json!({"Master": "up0", "MODE": "vepa", "mtu": 1400, "linkInContainer": true,
                     "bcQueueLen": 4294967295u32, "mac": "c2:00:00:00:00:01"});
    let macvlan = parse(Child::Macvlan, all).unwrap();
    let kind = ChildKind::Macvlan {
        mode: MacvlanMode::Vepa,
        bc_queue_len: Some(u32::MAX),
    };
    assert_eq!(macvlan.make, Make::Child(kind));
    assert_eq!(macvlan.master.unwrap().as_str(), "up0");
    assert_eq!((macvlan.mtu, macvlan.in_container), (Some(1400), true));

    let tap = json!({"multiQueue": true, "owner": 0, "group": 107, "bridge": "br0",
                     "selinuxContext": "system_u:system_r:container_t:s0"});
    let Make::Tap {
        spec,
        bridge,
        selinux_context,
    } = parse(Child::Tap, tap).unwrap().make
    else {
        panic!("no tap");
    };
    assert_eq!(
        (spec.multi_queue, spec.owner, spec.group),
        (true, Some(0), Some(107))
    );
    assert_eq!(bridge.unwrap().as_str(), "br0");
    assert!(selinux_context.unwrap().ends_with(":container_t:s0"));
}

/// The runtime's before `args`, these before the environment, and the key last.
#[test]
fn where_a_hardware_address_comes_from() {
    let mac = |kind, extra, args| {
        let conf = parse_with(kind, extra, args).unwrap();
        conf.mac.map(|mac| mac.to_string())
    };
    for kind in [Child::Macvlan, Child::Tap] {
        let (own, args) = ("c2:00:00:00:00:01", "MAC=c2:00:00:00:00:02");
        let mut conf = json!({"mac": own});
        assert_eq!(mac(kind, conf.clone(), "").unwrap(), own);
        assert_eq!(mac(kind, conf.clone(), args).unwrap(), "c2:00:00:00:00:02");
        conf["args"] = json!({"cni": {"mac": "c2:00:00:00:00:03"}});
        assert_eq!(mac(kind, conf.clone(), args).unwrap(), "c2:00:00:00:00:03");
        conf["runtimeConfig"] = json!({"mac": "c2:00:00:00:00:04"});
        assert_eq!(mac(kind, conf, args).unwrap(), "c2:00:00:00:00:04");
    }
    // The others have none to give.
    assert_eq!(
        mac(Child::Ipvlan, json!({"mac": "c2:00:00:00:00:01"}), ""),
        None
    );
}

#[test]
fn what_is_refused() {
    use Child::{Dummy, Ipvlan, Macvlan, Tap, Vlan};
    let none = json!({"ipam": {}});
    for (kind, extra, code, start) in [
        (
            Macvlan,
            json!({"mode": "source"}),
            7,
            "mode: \"source\": is none of bridge,",
        ),
        (Macvlan, json!({"mode": "L2"}), 7, "mode: \"L2\": "),
        (Macvlan, json!({"master": "a/b"}), 7, "master: \"a/b\": "),
        (
            Macvlan,
            json!({"master": 1}),
            7,
            "master: expected a string",
        ),
        (Macvlan, json!({"mtu": 67}), 7, "mtu: 67: "),
        (Macvlan, json!({"mtu": 65536}), 7, "mtu: 65536: "),
        (Macvlan, json!({"bcqueuelen": -1}), 7, "bcqueuelen: -1: "),
        (
            Macvlan,
            json!({"linkInContainer": "yes"}),
            7,
            "linkInContainer: expected a boolean",
        ),
        (
            Macvlan,
            json!({"mac": "01:00:00:00:00:01"}),
            7,
            "mac: \"01:00:00:00:00:01\": ",
        ),
        (
            Macvlan,
            json!({"mode": "passthru", "mac": "c2:00:00:00:00:01"}),
            7,
            "mac: c2:00:00:00:00:01: cannot go with mode passthru",
        ),
        (
            Macvlan,
            json!({"policy": true}),
            2,
            "policy: true: policies hold on the host's end",
        ),
        (
            Macvlan,
            json!({"policy": "yes"}),
            7,
            "policy: expected a boolean",
        ),
        (
            Macvlan,
            json!({"bandwidth": {"egressRate": 1000000}}),
            2,
            "bandwidth.egressRate: 1Mbit: rates are kept on the host's end",
        ),
        (
            Ipvlan,
            json!({"runtimeConfig": {"bandwidth": {"ingressRate": 1000000}}}),
            2,
            "runtimeConfig.bandwidth.ingressRate: ",
        ),
        (
            Ipvlan,
            json!({"mode": "bridge"}),
            7,
            "mode: \"bridge\": is none of l2, l3, l3s",
        ),
        (Vlan, json!({"vlanId": 1}), 7, "master: missing"),
        (
            Vlan,
            json!({"master": "up0", "vlanId": 4095}),
            7,
            "vlanId: 4095: must be from 0 to 4094",
        ),
        (
            Vlan,
            json!({"master": "up0", "vlanId": -1}),
            7,
            "vlanId: -1: ",
        ),
        (
            Vlan,
            json!({"master": "up0", "vlanId": "5"}),
            7,
            "vlanId: expected a whole number",
        ),
        (
            Vlan,
            json!({"master": "up0", "vlanId": 5, "ipam": {}}),
            7,
            "ipam.type: missing",
        ),
        (
            Vlan,
            json!({"master": "up0", "policy": true}),
            2,
            "policy: true: ",
        ),
        (Dummy, none, 7, "ipam.type: missing"),
        (Tap, json!({"owner": -1}), 7, "owner: -1: "),
        (
            Tap,
            json!({"group": 4294967295u32}),
            7,
            "group: 4294967295: ",
        ),
        (Tap, json!({"bridge": ".."}), 7, "bridge: \"..\": "),
        (
            Tap,
            json!({"multiQueue": 2}),
            7,
            "multiQueue: expected a boolean",
        ),
    ] {
        let failure = parse(kind, extra.clone()).unwrap_err();
        assert_eq!(failure.code.number(), code, "{kind:?} {extra}: {failure}");
        assert!(
            failure.msg.starts_with(start),
            "{kind:?} {extra}: {failure}"
        );
    }
}
