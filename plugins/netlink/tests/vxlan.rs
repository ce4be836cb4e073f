//! VXLAN devices and neighbours against the kernel, checked by `ip`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use common::{in_new_netns, ip_link, json, link, run};
use fairway_netlink::{
    AddrGenMode, Error, Handle, LinkChange, MacAddr, NeighbourSpec, NeighbourState, Netlink, Vxlan,
    VxlanSpec,
};
use nix::errno::Errno;

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

#[test]
fn every_setting_reaches_the_kernel_and_comes_back() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = VxlanSpec {
            port: 4790,
            mtu: Some(1430),
            mac: Some(MAC),
            alias: "fairway overlay".into(),
            udp6_zero_csum_rx: true,
            up: true,
            ..VxlanSpec::new("fairway.vx")
        };
        let made = handle.create_vxlan(&spec).unwrap();
        let seen = ip_link("fairway.vx");
        assert_eq!(seen["mtu"], 1430);
        assert_eq!(seen["address"], MAC.to_string());
        assert_eq!(seen["ifalias"], "fairway overlay");
        assert_eq!(seen["inet6_addr_gen_mode"], "none");
        assert!(seen["flags"].as_array().unwrap().contains(&"UP".into()));
        let info = &seen["linkinfo"];
        assert_eq!(info["info_kind"], "vxlan");
        let data = &info["info_data"];
        assert_eq!(data["external"], true);
        assert_eq!(data["port"], 4790);
        assert_eq!(data["learning"], false);
        assert_eq!(data["udp_csum"], true);
        assert_eq!(data["udp_zero_csum6_tx"], false);
        assert_eq!(data["udp_zero_csum6_rx"], true);

        assert_eq!(made, link(&mut handle, "fairway.vx"));
        assert_eq!(made.vxlan(), Some(spec.settings()));
        assert_eq!((made.mtu, made.mac, made.up), (1430, Some(MAC), true));
        assert_eq!(made.alias.as_deref(), Some("fairway overlay"));
        // Nothing but the local address of its own, if even that.
        assert_eq!(handle.addresses(Some(made.index)).unwrap(), []);
    });
}

#[test]
fn the_other_way_round() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = VxlanSpec {
            addr_gen_mode: AddrGenMode::Eui64,
            udp_csum: false,
            udp6_zero_csum_tx: true,
            ..VxlanSpec::new("vx")
        };
        let made = handle.create_vxlan(&spec).unwrap();
        assert!(!made.up);
        assert_eq!((made.vxlan(), made.alias), (Some(spec.settings()), None));
        let data = &ip_link("vx")["linkinfo"]["info_data"];
        assert_eq!(data["port"], 4789);
        assert_eq!(data["udp_csum"], false);
        assert_eq!(data["udp_zero_csum6_tx"], true);
        assert_eq!(data["udp_zero_csum6_rx"], false);
        assert_eq!(ip_link("vx")["inet6_addr_gen_mode"], "eui64");

        // Those of others are told as they are.
        run("ip link add other type vxlan id 5 dstport 8472 remote 192.0.2.9");
        let other = link(&mut handle, "other").vxlan().unwrap();
        let expected = Vxlan {
            vni: 5,
            port: 8472,
            learning: true,
            udp_csum: true,
            ..Vxlan::default()
        };
        assert_eq!(other, expected);
        run("ip link add gpe type vxlan external gpe dstport 4790");
        let gpe = link(&mut handle, "gpe").vxlan().unwrap();
        assert!(gpe.external && gpe.gpe);
    });
}

#[test]
fn what_is_refused_leaves_nothing() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        run("ip link set lo up");
        handle.create_vxlan(&VxlanSpec::new("vx")).unwrap();
        let error = handle.create_vxlan(&VxlanSpec::new("vx")).unwrap_err();
        assert!(error.is_exists(), "{error}");
        // A second one on the same port.
        let error = handle.create_vxlan(&VxlanSpec::new("vx2")).unwrap_err();
        assert!(error.is_exists(), "{error}");
        assert_eq!(handle.link_by_name("vx2").unwrap(), None);
        // Something else has the port: that is found out when it goes up.
        let taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let spec = VxlanSpec {
            port: taken.local_addr().unwrap().port(),
            up: true,
            ..VxlanSpec::new("vx3")
        };
        let error = handle.create_vxlan(&spec).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EADDRINUSE), "{error}");
        assert_eq!(handle.link_by_name("vx3").unwrap(), None);
        let spec = VxlanSpec {
            alias: "x".repeat(256),
            port: 5000,
            ..VxlanSpec::new("vx4")
        };
        let result = handle.create_vxlan(&spec);
        assert!(matches!(result, Err(Error::Invalid { .. })), "{result:?}");
        assert_eq!(handle.links().unwrap().len(), 2);
    });
}

#[test]
fn permanent_neighbours() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let spec = VxlanSpec {
            up: true,
            ..VxlanSpec::new("vx")
        };
        let vx = handle.create_vxlan(&spec).unwrap().index;
        run("ip link add br0 type bridge");
        run("ip link set br0 up");
        let br0 = link(&mut handle, "br0").index;
        let neighbour = |index, ip: &str, mac| NeighbourSpec {
            index,
            ip: ip.parse().unwrap(),
            mac,
            protocol: 77,
        };
        let specs = [
            neighbour(vx, "169.254.2.1", MAC),
            neighbour(vx, "fe80::fa", MAC),
            neighbour(br0, "169.254.2.1", MAC),
        ];
        for spec in &specs {
            handle.add_neighbour(spec).unwrap();
            let error = handle.add_neighbour(spec).unwrap_err();
            assert!(error.is_exists(), "{error}");
        }
        let shown = json("ip -j neigh show dev vx");
        for ip in ["169.254.2.1", "fe80::fa"] {
            let seen = shown.as_array().unwrap().iter().find(|n| n["dst"] == ip);
            let seen = seen.unwrap();
            assert_eq!(seen["lladdr"], MAC.to_string());
            assert_eq!(seen["state"], serde_json::json!(["PERMANENT"]));
            assert_eq!(seen["protocol"], "77");
        }
        // Multicast addresses may be known besides.
        let mut permanent = |index| -> Vec<_> {
            let told = handle.neighbours(index).unwrap();
            let permanent = told.into_iter();
            permanent
                .filter(|neighbour| neighbour.state == NeighbourState::PERMANENT)
                .collect()
        };
        assert_eq!(permanent(None).len(), 3);
        assert_eq!(permanent(Some(4711)), []);
        let of_vx = permanent(Some(vx));
        assert_eq!(of_vx.len(), 2);
        for spec in &specs[..2] {
            assert!(of_vx.iter().any(|told| told.is(spec)), "{of_vx:?}");
        }

        // Another address in its place; what was learnt gives way too.
        let moved = neighbour(vx, "169.254.2.1", MacAddr([2, 0, 0, 0, 0, 9]));
        handle.replace_neighbour(&moved).unwrap();
        run("ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:08 dev br0 nud stale");
        let learnt = neighbour(br0, "10.0.0.9", MAC);
        handle.replace_neighbour(&learnt).unwrap();
        let told = handle.neighbours(None).unwrap();
        for spec in [&moved, &learnt] {
            let of = told
                .iter()
                .filter(|n| (n.index, n.ip) == (spec.index, spec.ip));
            assert!(of.clone().all(|told| told.is(spec)) && of.count() == 1);
        }
        // A proxy's entry is no neighbour.
        run("ip neigh add proxy 10.0.0.10 dev br0");
        let proxied: IpAddr = "10.0.0.10".parse().unwrap();
        let told = handle.neighbours(Some(br0)).unwrap();
        assert!(told.iter().all(|neighbour| neighbour.ip != proxied));

        for spec in &specs {
            assert!(handle.delete_neighbour(spec.index, spec.ip).unwrap());
            assert!(!handle.delete_neighbour(spec.index, spec.ip).unwrap());
        }
        assert!(!handle.delete_neighbour(4711, proxied).unwrap());
        assert!(
            json("ip -j neigh show dev vx")
                .as_array()
                .unwrap()
                .is_empty()
        );
        // A link that goes down takes its permanent ones along.
        handle.add_neighbour(&specs[0]).unwrap();
        let down = LinkChange {
            up: Some(false),
            ..LinkChange::default()
        };
        handle.change_link(vx, &down).unwrap();
        assert_eq!(handle.neighbours(Some(vx)).unwrap(), []);
    });
}
