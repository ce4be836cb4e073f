//! Links against the kernel, checked by `ip` and `bridge`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::os::fd::AsFd;
use std::time::Duration;

use common::{in_new_netns, ip_link, link, new_netns, run};
use fairway_netlink::{
    BridgeSpec, Error, Handle, LinkChange, LinkKind, MacAddr, Netlink, OperState, VethPeer,
    VethSpec, retry,
};
use nix::errno::Errno;

const NEAR: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const FAR: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

#[test]
fn a_glance_sees_what_netlink_tells() {
    in_new_netns(|| {
        let container = new_netns();
        let mut handle = Handle::open().unwrap();
        handle
            .create_veth(&VethSpec {
                name: "host0".into(),
                mtu: Some(1400),
                up: true,
                peer: VethPeer {
                    name: "eth0".into(),
                    mtu: Some(1300),
                    mac: Some(FAR),
                    netns: Some(container.as_fd()),
                },
                ..Default::default()
            })
            .unwrap();
        let near = handle.glance("host0").unwrap().unwrap();
        let shown = ip_link("host0");
        assert_eq!(shown["ifindex"], near.index);
        assert_eq!(shown["address"], near.mac.unwrap().to_string());
        assert_eq!(shown["mtu"], near.mtu);
        assert!(near.up);

        let mut inside = Handle::open_in(&container).unwrap();
        let far = inside.glance("eth0").unwrap().unwrap();
        assert_eq!((far.mac, far.mtu, far.up), (Some(FAR), 1300, false));

        for name in ["lo", "host0"] {
            let (seen, told) = (
                handle.glance(name).unwrap().unwrap(),
                link(&mut handle, name),
            );
            assert_eq!(
                (seen.index, &seen.name, seen.mac, seen.mtu, seen.up),
                (told.index, &told.name, told.mac, told.mtu, told.up)
            );
        }
    });
}

#[test]
fn a_glance_at_no_link_is_none() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        for name in ["nosuch", "", "a\0b"] {
            assert_eq!(handle.glance(name).unwrap(), None, "{name:?}");
        }
        // Too long for anything but netlink.
        run("ip link property add dev lo altname a-name-of-more-than-15-bytes");
        let lo = handle.glance("a-name-of-more-than-15-bytes").unwrap();
        assert_eq!(lo.unwrap().name, "lo");
    });
}

#[test]
fn a_pair_is_made_whole_in_one_request() {
    in_new_netns(|| {
        let container = new_netns();
        let mut handle = Handle::open().unwrap();
        handle
            .create_bridge(&BridgeSpec {
                name: "br0".into(),
                up: true,
                ..Default::default()
            })
            .unwrap();
        let bridge = link(&mut handle, "br0");
        assert!(bridge.is_bridge() && bridge.up);
        assert_eq!(
            bridge.kind,
            Some(LinkKind::Bridge {
                vlan_filtering: false
            })
        );

        handle
            .create_veth(&VethSpec {
                name: "host0".into(),
                mtu: Some(1400),
                mac: Some(NEAR),
                master: Some(bridge.index),
                up: true,
                netns: None,
                peer: VethPeer {
                    name: "eth0".into(),
                    mtu: Some(1400),
                    mac: Some(FAR),
                    netns: Some(container.as_fd()),
                },
            })
            .unwrap();

        let shown = ip_link("host0");
        assert_eq!(shown["mtu"], 1400);
        assert_eq!(shown["address"], NEAR.to_string());
        assert_eq!(shown["master"], "br0");
        assert_eq!(shown["linkinfo"]["info_kind"], "veth");
        assert!(shown["flags"].as_array().unwrap().contains(&"UP".into()));

        let mut inside = Handle::open_in(&container).unwrap();
        let far = link(&mut inside, "eth0");
        let up = LinkChange {
            up: Some(true),
            ..Default::default()
        };
        inside.change_link(far.index, &up).unwrap();

        // The kernel tells of a carrier in its own time.
        let near = retry::until(Duration::from_secs(5), || {
            let near = handle.link_by_name("host0")?;
            Ok::<_, Error>(near.filter(|near| near.oper == OperState::Up))
        })
        .unwrap()
        .expect("the carrier does not come");
        assert_eq!((near.mtu, near.mac, near.up), (1400, Some(NEAR), true));
        assert_eq!(near.master, Some(bridge.index));
        assert!(near.is_veth());
        assert_eq!(
            near.peer_nsid,
            shown["link_netnsid"].as_i64().map(|n| n as i32)
        );
        assert!(near.peer_nsid.is_some());
        assert_eq!(near.promiscuity, 1, "a bridge's port is promiscuous");
        assert!(!near.promisc);

        let shown = container.run(|| ip_link("eth0")).unwrap();
        assert_eq!(shown["mtu"], 1400);
        assert_eq!(shown["address"], FAR.to_string());
        assert_eq!(shown["operstate"], "UP");
        assert_eq!(near.peer_index, Some(far.index));
        assert_eq!(far.peer_index, Some(near.index));
        assert_eq!(handle.link_by_index(near.index).unwrap(), Some(near));
    });
}

#[test]
fn what_is_not_there_is_none() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        for name in [
            "nowhere",
            "",
            "a-name-of-more-than-fifteen-bytes",
            "nul\0",
            "%d",
        ] {
            assert_eq!(handle.link_by_name(name).unwrap(), None, "{name:?}");
        }
        assert_eq!(handle.link_by_name(&"x".repeat(128)).unwrap(), None);
        assert_eq!(handle.link_by_index(0).unwrap(), None);
        let other_name = "a-name-of-more-than-fifteen-bytes";
        run(&format!("ip link property add dev lo altname {other_name}"));
        let found = handle.link_by_name(other_name).unwrap();
        assert_eq!(found.map(|link| link.name), Some("lo".into()));
        assert_eq!(handle.link_by_index(4711).unwrap(), None);
        assert!(!handle.delete_link(4711).unwrap());
        let names: Vec<_> = handle
            .links()
            .unwrap()
            .into_iter()
            .map(|l| l.name)
            .collect();
        assert!(names.contains(&"lo".to_owned()), "{names:?}");
    });
}

#[test]
fn a_taken_name_is_told_as_such() {
    in_new_netns(|| {
        let container = new_netns();
        let mut handle = Handle::open().unwrap();
        let spec = VethSpec {
            name: "a".into(),
            peer: VethPeer {
                name: "eth0".into(),
                netns: Some(container.as_fd()),
                ..Default::default()
            },
            ..Default::default()
        };
        handle.create_veth(&spec).unwrap();
        let error = handle.create_veth(&spec).unwrap_err();
        assert!(error.is_exists(), "{error}");
        // The other end's name alone.
        let spec = VethSpec {
            name: "b".into(),
            ..spec
        };
        let error = handle.create_veth(&spec).unwrap_err();
        assert!(error.is_exists(), "{error}");
        assert_eq!(handle.link_by_name("b").unwrap(), None);
    });
}

#[test]
fn one_request_changes_all() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let bridge = |name: &str| BridgeSpec {
            name: name.into(),
            ..Default::default()
        };
        handle.create_bridge(&bridge("br0")).unwrap();
        handle
            .create_veth(&VethSpec {
                name: "a".into(),
                peer: VethPeer {
                    name: "b".into(),
                    ..Default::default()
                },
                ..Default::default()
            })
            .unwrap();
        let (a, br0) = (link(&mut handle, "a"), link(&mut handle, "br0"));
        handle
            .change_link(
                a.index,
                &LinkChange {
                    up: Some(true),
                    mtu: Some(1280),
                    mac: Some(NEAR),
                    promisc: Some(true),
                    allmulti: Some(true),
                    tx_queue_len: Some(77),
                    name: Some("c".into()),
                    master: Some(Some(br0.index)),
                    alias: Some("for äll".into()),
                    addr_gen_mode: Some(fairway_netlink::AddrGenMode::None),
                    gso_max_segs: Some(16),
                },
            )
            .unwrap();
        let shown = ip_link("c");
        assert_eq!(shown["mtu"], 1280);
        assert_eq!(shown["address"], NEAR.to_string());
        assert_eq!(shown["master"], "br0");
        assert_eq!(shown["ifalias"], "for äll");
        assert_eq!(shown["inet6_addr_gen_mode"], "none");
        assert_eq!(shown["gso_max_segs"], 16);
        assert_eq!(shown["promiscuity"], 2);
        assert_eq!(shown["txqlen"], 77);
        for flag in ["UP", "PROMISC", "ALLMULTI"] {
            assert!(shown["flags"].as_array().unwrap().contains(&flag.into()));
        }
        let c = link(&mut handle, "c");
        assert!(c.up && c.promisc && c.allmulti);
        assert_eq!(c.tx_queue_len, Some(77));
        assert_eq!(c.alias.as_deref(), Some("for äll"));
        assert_eq!((c.promiscuity, c.master), (2, Some(br0.index)));
        assert!(c.port.is_some());

        handle
            .change_link(
                c.index,
                &LinkChange {
                    up: Some(false),
                    promisc: Some(false),
                    allmulti: Some(false),
                    master: Some(None),
                    alias: Some(String::new()),
                    ..Default::default()
                },
            )
            .unwrap();
        let c = link(&mut handle, "c");
        assert!(!c.up && !c.promisc && !c.allmulti);
        assert_eq!((c.master, c.alias, c.port), (None, None, None));
        assert!(ip_link("c").get("ifalias").is_none());
        let longest = LinkChange {
            alias: Some("x".repeat(255)),
            ..Default::default()
        };
        handle.change_link(c.index, &longest).unwrap();
        assert_eq!(link(&mut handle, "c").alias, longest.alias);

        assert!(handle.delete_link(c.index).unwrap());
        assert!(!handle.delete_link(c.index).unwrap());
        assert_eq!(handle.link_by_name("b").unwrap(), None);
    });
}

#[test]
fn refusals_name_operation_object_and_reason() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let lo = link(&mut handle, "lo");
        let error = handle
            .change_link(
                lo.index,
                &LinkChange {
                    name: Some("a/b".into()),
                    ..Default::default()
                },
            )
            .unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EINVAL));
        // A bridge in a bridge: the kernel says why.
        for name in ["br0", "br1"] {
            let spec = BridgeSpec {
                name: name.into(),
                ..Default::default()
            };
            handle.create_bridge(&spec).unwrap();
        }
        let (br0, br1) = (link(&mut handle, "br0"), link(&mut handle, "br1"));
        let change = LinkChange {
            master: Some(Some(br0.index)),
            ..Default::default()
        };
        let error = handle.change_link(br1.index, &change).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "change link {}: ELOOP: Too many symbolic links encountered \
                 (Can not enslave a bridge to a bridge)",
                br1.index
            )
        );
        let spec = BridgeSpec {
            name: "x%d".into(),
            ..Default::default()
        };
        assert!(matches!(
            handle.create_bridge(&spec),
            Err(Error::Invalid { .. })
        ));
    });
}
