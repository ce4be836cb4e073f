//! Bridge ports against the kernel, checked by `bridge`. VLANs are tested where
//! the kernel can filter by them and skipped aloud where it cannot.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use common::{in_new_netns, json, link};
use fairway_netlink::{
    BridgeChange, BridgePort, BridgeSpec, Error, Handle, LinkChange, LinkKind, Netlink, PortState,
    PortVlan, PortVlanRange, VethPeer, VethSpec, retry,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A bridge br0 with the port a, both up; their indexes.
fn bridge_and_port(handle: &mut Handle) -> (u32, u32) {
    let spec = BridgeSpec {
        name: "br0".into(),
        up: true,
        ..Default::default()
    };
    handle.create_bridge(&spec).unwrap();
    let bridge = link(handle, "br0").index;
    let spec = VethSpec {
        name: "a".into(),
        master: Some(bridge),
        up: true,
        peer: VethPeer {
            name: "b".into(),
            ..Default::default()
        },
        ..Default::default()
    };
    handle.create_veth(&spec).unwrap();
    (bridge, link(handle, "a").index)
}

#[test]
fn a_bridge_is_made_as_asked() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = BridgeSpec {
            name: "br0".into(),
            // Until it has ports: then it takes the least of theirs.
            mtu: Some(1400),
            mac: Some([2, 0, 0, 0, 0, 9].into()),
            up: true,
            vlan_filtering: false,
        };
        handle.create_bridge(&spec).unwrap();
        let shown = common::ip_link("br0");
        assert_eq!(shown["mtu"], 1400);
        assert_eq!(shown["address"], "02:00:00:00:00:09");
        assert_eq!(shown["linkinfo"]["info_kind"], "bridge");
        assert!(shown["flags"].as_array().unwrap().contains(&"UP".into()));
    });
}

#[test]
fn a_port_is_set() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let (bridge, a) = bridge_and_port(&mut handle);
        let shown = || json("bridge -j -d link show dev a")[0].clone();
        let flag = |shown: &Value, key: &str| shown[key] == true;
        for (hairpin, isolated) in [(true, false), (true, true), (false, true), (false, false)] {
            let port = BridgePort {
                hairpin: Some(hairpin),
                isolated: Some(isolated),
            };
            handle.set_bridge_port(a, &port).unwrap();
            let seen = shown();
            assert_eq!(flag(&seen, "hairpin"), hairpin, "{seen}");
            assert_eq!(flag(&seen, "isolated"), isolated, "{seen}");
            let told = link(&mut handle, "a").port.unwrap();
            assert_eq!((told.hairpin, told.isolated), (hairpin, isolated));
        }
        // What is not named stays.
        let hairpin = BridgePort {
            hairpin: Some(true),
            isolated: None,
        };
        let isolated = BridgePort {
            hairpin: None,
            isolated: Some(true),
        };
        handle.set_bridge_port(a, &hairpin).unwrap();
        handle.set_bridge_port(a, &isolated).unwrap();
        let told = link(&mut handle, "a").port.unwrap();
        assert!(told.hairpin && told.isolated);
        // A link that is no port.
        let b = link(&mut handle, "b").index;
        assert!(handle.set_bridge_port(b, &hairpin).is_err());
        assert!(handle.set_bridge_port(bridge, &hairpin).is_err());
        assert!(
            handle
                .set_bridge_port(4711, &hairpin)
                .unwrap_err()
                .is_not_found()
        );

        let up = LinkChange {
            up: Some(true),
            ..Default::default()
        };
        handle.change_link(b, &up).unwrap();
        let port = retry::until(Duration::from_secs(5), || {
            let port = handle.link_by_index(a)?.and_then(|a| a.port);
            Ok::<_, Error>(port.filter(|port| port.state == PortState::Forwarding))
        });
        assert!(port.unwrap().is_some(), "the port does not come to forward");
        assert_eq!(shown()["state"], "forwarding");
    });
}

/// Whether this kernel sorts by VLAN; says so if not.
fn filtering(handle: &mut Handle, bridge: u32) -> bool {
    let change = BridgeChange {
        vlan_filtering: Some(true),
    };
    match handle.set_bridge(bridge, &change) {
        Ok(()) => true,
        Err(error) if error.is_unsupported() => {
            eprintln!("SKIPPED: the kernel lacks CONFIG_BRIDGE_VLAN_FILTERING ({error})");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn vlans_pass_a_port() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let (bridge, a) = bridge_and_port(&mut handle);
        if !filtering(&mut handle, bridge) {
            assert_eq!(handle.port_vlans(a).unwrap(), []);
            return;
        }
        assert_eq!(
            link(&mut handle, "br0").kind,
            Some(LinkKind::Bridge {
                vlan_filtering: true
            })
        );
        let vlan = |vid| PortVlan {
            vid,
            pvid: false,
            untagged: false,
        };
        let access = |vid| PortVlan {
            vid,
            pvid: true,
            untagged: true,
        };
        assert_eq!(handle.port_vlans(a).unwrap(), [access(1)]);
        handle
            .delete_port_vlans(a, &[PortVlanRange::single(1)], false)
            .unwrap();
        let wanted = [
            PortVlanRange::access(100),
            PortVlanRange::range(200, 202),
            PortVlanRange::single(300),
        ];
        handle.add_port_vlans(a, &wanted, false).unwrap();
        let expected = [access(100), vlan(200), vlan(201), vlan(202), vlan(300)];
        assert_eq!(handle.port_vlans(a).unwrap(), expected);
        let shown = json("bridge -j -compressvlans vlan show dev a");
        assert_eq!(
            shown[0]["vlans"],
            json!([
                {"vlan": 100, "flags": ["PVID", "Egress Untagged"]},
                {"vlan": 200, "vlanEnd": 202, "flags": []},
                {"vlan": 300},
            ])
        );
        handle
            .add_port_vlans(bridge, &[PortVlanRange::single(100)], true)
            .unwrap();
        let of_bridge = handle.port_vlans(bridge).unwrap();
        assert_eq!(of_bridge, [access(1), vlan(100)]);
        handle
            .delete_port_vlans(a, &[PortVlanRange::range(200, 201)], false)
            .unwrap();
        let expected = [access(100), vlan(202), vlan(300)];
        assert_eq!(handle.port_vlans(a).unwrap(), expected);
        // More than fit one message, in one request.
        let many: Vec<_> = (1000..2000).step_by(2).map(PortVlanRange::single).collect();
        handle.add_port_vlans(a, &many, false).unwrap();
        assert_eq!(handle.port_vlans(a).unwrap().len(), 3 + 500);
        let b = link(&mut handle, "b").index;
        for nothing in [4711, b] {
            assert_eq!(handle.port_vlans(nothing).unwrap(), []);
        }
    });
}

#[test]
fn impossible_vlans_are_not_sent() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let (_, a) = bridge_and_port(&mut handle);
        let untagged_range = PortVlanRange {
            pvid: true,
            ..PortVlanRange::range(1, 2)
        };
        for wrong in [
            PortVlanRange::single(0),
            PortVlanRange::single(4095),
            PortVlanRange::range(5, 4),
            untagged_range,
        ] {
            let result = handle.add_port_vlans(a, &[wrong], false);
            assert!(matches!(result, Err(Error::Invalid { .. })), "{result:?}");
        }
        handle.add_port_vlans(a, &[], false).unwrap();
    });
}
