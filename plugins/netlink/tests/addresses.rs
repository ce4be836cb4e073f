//! Addresses against the kernel, checked by `ip`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use common::{in_new_netns, json, link, run};
use fairway_netlink::{
    AddressSpec, BridgeSpec, Family, Handle, LinkChange, Netlink, Route, Scope, VethPeer, VethSpec,
};
use ipnetwork::IpNetwork;
use serde_json::Value;

fn ip(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

/// What `ip` knows of that address.
fn shown(link: &str, address: &str) -> Option<Value> {
    json(&format!("ip -j -d address show dev {link}"))[0]["addr_info"]
        .as_array()
        .unwrap()
        .iter()
        .find(|info| info["local"] == address)
        .cloned()
}

/// A bridge that is up, and its index.
fn bridge(handle: &mut Handle) -> u32 {
    let spec = BridgeSpec {
        name: "br0".into(),
        up: true,
        ..Default::default()
    };
    handle.create_bridge(&spec).unwrap();
    link(handle, "br0").index
}

#[test]
fn a_link_is_brought_up_with_all_that_it_is_given() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        handle
            .create_bridge(&BridgeSpec {
                name: "br0".into(),
                ..Default::default()
            })
            .unwrap();
        let index = link(&mut handle, "br0").index;
        let addresses = ["10.1.0.2/24", "fd00::2/64"].map(|address| AddressSpec {
            nodad: true,
            ..AddressSpec::new(ip(address))
        });
        // They lead to gateways that are on the link by its addresses alone, so that the order counts.
        let route = |to: &str, gateway: &str| Route {
            gateway: Some(gateway.parse().unwrap()),
            oif: Some(index),
            ..Route::to(ip(to))
        };
        let mut routes = vec![
            route("0.0.0.0/0", "10.1.0.1"),
            route("2001:db8::/32", "fd00::1"),
        ];
        handle.bring_up(index, &addresses, &routes).unwrap();
        assert!(link(&mut handle, "br0").up);
        assert!(shown("br0", "10.1.0.2").is_some() && shown("br0", "fd00::2").is_some());
        assert_eq!(json("ip -j route show default")[0]["gateway"], "10.1.0.1");
        let six = json("ip -6 -j route show 2001:db8::/32");
        assert_eq!(six[0]["gateway"], "fd00::1");

        // What is refused is told by its name, wherever it stands among the others.
        routes.insert(0, route("192.0.2.0/24", "10.2.0.1"));
        let error = handle.bring_up(index, &[], &routes).unwrap_err();
        assert!(error.to_string().contains("192.0.2.0/24"), "{error}");
        let there = handle.bring_up(index, &addresses, &[]).unwrap_err();
        assert!(there.is_exists(), "{there}");
        assert!(there.to_string().contains("10.1.0.2"), "{there}");
    });
}

#[test]
fn one_family_is_told_without_the_other() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let index = bridge(&mut handle);
        let other = handle.glance("lo").unwrap().unwrap().index;
        let (four, six) = (ip("10.1.0.1/24"), ip("fd00::1/64"));
        for (index, address) in [(index, four), (index, six), (other, ip("10.9.0.1/32"))] {
            handle
                .add_address(index, &AddressSpec::new(address))
                .unwrap();
        }
        let mut told = |family| {
            let all = handle.addresses_of(index, family).unwrap();
            all.iter().map(|address| address.ip).collect::<Vec<_>>()
        };
        assert_eq!(told(Family::V4), [four]);
        let sixes = told(Family::V6);
        assert!(
            sixes.contains(&six) && sixes.iter().all(|ip| ip.is_ipv6()),
            "{sixes:?}"
        );
    });
}

#[test]
fn both_families_come_and_go() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let index = bridge(&mut handle);
        for address in ["10.1.0.1/24", "10.1.0.2/24", "10.2.0.1/31", "fd00::1/64"] {
            handle
                .add_address(index, &AddressSpec::new(ip(address)))
                .unwrap();
        }
        let v4 = shown("br0", "10.1.0.1").unwrap();
        assert_eq!(v4["prefixlen"], 24);
        assert_eq!(v4["broadcast"], "10.1.0.255");
        assert_eq!(v4["scope"], "global");
        // RFC 3021: a subnet of two has no broadcast address.
        assert!(shown("br0", "10.2.0.1").unwrap().get("broadcast").is_none());
        assert_eq!(shown("br0", "fd00::1").unwrap()["prefixlen"], 64);
        assert_eq!(shown("br0", "10.1.0.2").unwrap()["secondary"], true);

        let all = handle.addresses(Some(index)).unwrap();
        let find = |text: &str| all.iter().find(|address| address.ip == ip(text)).unwrap();
        assert!(find("10.1.0.1/24").permanent && !find("10.1.0.1/24").secondary);
        assert!(find("10.1.0.2/24").secondary);
        assert!(find("fd00::1/64").permanent);
        assert_eq!(find("fd00::1/64").index, index);

        let error = handle
            .add_address(index, &AddressSpec::new(ip("10.1.0.1/24")))
            .unwrap_err();
        assert!(error.is_exists(), "{error}");
        let error = handle
            .add_address(index, &AddressSpec::new(ip("fd00::1/64")))
            .unwrap_err();
        assert!(error.is_exists(), "{error}");

        for address in ["10.1.0.1/24", "fd00::1/64"] {
            assert!(handle.delete_address(index, ip(address)).unwrap());
            assert!(!handle.delete_address(index, ip(address)).unwrap());
        }
        assert!(!handle.delete_address(4711, ip("10.1.0.1/24")).unwrap());
        assert!(shown("br0", "10.1.0.1").is_none());
        assert!(shown("br0", "fd00::1").is_none());
    });
}

#[test]
fn one_link_is_asked_for_alone() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let index = bridge(&mut handle);
        let lo = link(&mut handle, "lo").index;
        run("ip link set lo up");
        handle
            .add_address(index, &AddressSpec::new(ip("10.1.0.1/24")))
            .unwrap();
        let of_lo: Vec<_> = handle.addresses(Some(lo)).unwrap();
        let texts: Vec<_> = of_lo.iter().map(|a| a.ip.to_string()).collect();
        assert_eq!(texts, ["127.0.0.1/8", "::1/128"]);
        assert!(of_lo.iter().all(|address| address.scope == Scope::HOST));
        let all = handle.addresses(None).unwrap();
        assert!(all.len() > of_lo.len());
        assert!(all.iter().any(|address| address.index == index));
        assert_eq!(handle.addresses(Some(4711)).unwrap(), []);
        // Of two ends, the near one is told.
        run("ip address flush dev br0");
        run("ip address add 10.5.0.1 peer 10.6.0.1/32 dev br0");
        let told = handle.addresses(Some(index)).unwrap();
        let near = told.iter().find(|address| address.ip.is_ipv4()).unwrap();
        assert_eq!(near.ip, ip("10.5.0.1/32"));
    });
}

#[test]
fn an_address_may_be_special() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = VethSpec {
            name: "a".into(),
            up: true,
            peer: VethPeer {
                name: "b".into(),
                ..Default::default()
            },
            ..Default::default()
        };
        handle.create_veth(&spec).unwrap();
        let a = link(&mut handle, "a").index;
        let b = link(&mut handle, "b").index;
        let up = LinkChange {
            up: Some(true),
            ..Default::default()
        };
        handle.change_link(b, &up).unwrap();

        let spec = AddressSpec {
            nodad: true,
            no_prefix_route: true,
            ..AddressSpec::new(ip("fd00::1/64"))
        };
        handle.add_address(a, &spec).unwrap();
        let nodad = shown("a", "fd00::1").unwrap();
        assert_eq!(nodad["nodad"], true);
        assert_eq!(nodad["noprefixroute"], true);
        assert!(nodad.get("tentative").is_none());
        assert!(!run("ip -6 route show dev a").contains("fd00::"));

        // One that does have to wait, for contrast.
        handle
            .add_address(a, &AddressSpec::new(ip("fd01::1/64")))
            .unwrap();
        let of_a = handle.addresses(Some(a)).unwrap();
        let find = |text: &str| of_a.iter().find(|x| x.ip == ip(text)).unwrap();
        assert!(find("fd01::1/64").tentative);
        assert!(!find("fd00::1/64").tentative);
        assert!(run("ip -6 route show dev a").contains("fd01::"));

        let spec = AddressSpec {
            no_prefix_route: true,
            scope: Scope::LINK,
            broadcast: Some([10, 9, 9, 9].into()),
            ..AddressSpec::new(ip("10.9.0.1/16"))
        };
        handle.add_address(a, &spec).unwrap();
        let v4 = shown("a", "10.9.0.1").unwrap();
        assert_eq!(v4["scope"], "link");
        assert_eq!(v4["broadcast"], "10.9.9.9");
        assert_eq!(v4["noprefixroute"], true);
        assert!(!run("ip route show dev a").contains("10.9.0.0/16"));
    });
}

#[test]
fn a_duplicate_is_seen() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = VethSpec {
            name: "a".into(),
            up: true,
            peer: VethPeer {
                name: "b".into(),
                ..Default::default()
            },
            ..Default::default()
        };
        handle.create_veth(&spec).unwrap();
        let a = link(&mut handle, "a").index;
        let b = link(&mut handle, "b").index;
        let up = LinkChange {
            up: Some(true),
            ..Default::default()
        };
        handle.change_link(b, &up).unwrap();
        let nodad = AddressSpec {
            nodad: true,
            ..AddressSpec::new(ip("fd00::1/64"))
        };
        handle.add_address(a, &nodad).unwrap();
        handle
            .add_address(b, &AddressSpec::new(ip("fd00::1/64")))
            .unwrap();
        let seen = fairway_netlink::retry::until(std::time::Duration::from_secs(10), || {
            let all = handle.addresses(Some(b))?;
            Ok::<_, fairway_netlink::Error>(all.into_iter().find(|address| address.dad_failed))
        });
        assert_eq!(seen.unwrap().expect("not seen").ip, ip("fd00::1/64"));
    });
}
