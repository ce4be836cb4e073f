//! Links that stand on another one, links that change their namespace, and taps, against the
//! kernel, checked by `ip`. Of the first, this kernel may have macvlan only; the others are
//! made in the virtual machine.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::os::fd::AsFd;

use common::{in_new_netns, ip_link, link, new_netns, run};
use fairway_netlink::{
    ChildKind, ChildSpec, Handle, LinkChange, LinkKind, MacAddr, MacvlanMode, Netlink,
    tap::{self, TapSpec},
};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

fn macvlan<'a>(parent: u32, mode: MacvlanMode) -> ChildSpec<'a> {
    ChildSpec {
        name: "eth0".into(),
        index: None,
        parent: Some(parent),
        netns: None,
        mtu: None,
        mac: None,
        kind: ChildKind::Macvlan {
            mode,
            bc_queue_len: None,
        },
    }
}

/// A parent named like what is to stand on it.
fn parent(name: &str) -> (Handle, u32) {
    run(&format!(
        "ip link add {name} mtu 1450 type veth peer name far"
    ));
    let mut handle = Handle::open().unwrap();
    let index = link(&mut handle, name).index;
    (handle, index)
}

#[test]
fn a_macvlan_is_made_where_it_is_to_be() {
    in_new_netns(|| {
        let container = new_netns();
        let (mut handle, parent) = parent("up0");
        let spec = ChildSpec {
            netns: Some(container.as_fd()),
            mtu: Some(1400),
            mac: Some(MAC),
            kind: ChildKind::Macvlan {
                mode: MacvlanMode::Private,
                bc_queue_len: Some(2000),
            },
            ..macvlan(parent, MacvlanMode::Private)
        };
        handle.create_child(&spec).unwrap();
        assert_eq!(handle.link_by_name("eth0").unwrap(), None);

        let mut inside = Handle::open_in(&container).unwrap();
        let made = link(&mut inside, "eth0");
        assert_eq!(made.kind, Some(LinkKind::Macvlan(MacvlanMode::Private)));
        assert_eq!((made.mtu, made.mac, made.up), (1400, Some(MAC), false));
        assert_eq!(made.peer_index, Some(parent));
        let shown = container.run(|| ip_link("eth0")).unwrap();
        let data = &shown["linkinfo"]["info_data"];
        assert_eq!(data["mode"], "private");
        assert_eq!(data["bcqueuelen"], 2000);

        let again = handle.create_child(&spec).unwrap_err();
        assert!(again.is_exists(), "{again}");
    });
}

/// What plugins lean on: a name that the host has is in the way, unless an index is asked for.
#[test]
fn an_index_lets_it_have_a_name_of_the_hosts() {
    in_new_netns(|| {
        let container = new_netns();
        let (mut handle, parent) = parent("eth0");
        let spec = ChildSpec {
            netns: Some(container.as_fd()),
            index: Some(0x10_0007),
            ..macvlan(parent, MacvlanMode::Bridge)
        };
        handle.create_child(&spec).unwrap();
        let mut inside = Handle::open_in(&container).unwrap();
        let made = link(&mut inside, "eth0");
        assert_eq!((made.index, made.mtu), (0x10_0007, 1450));
        // The host's is as it was.
        assert_eq!(link(&mut handle, "eth0").index, parent);
        assert!(link(&mut handle, "eth0").is_veth());

        let name_is_taken = ChildSpec {
            index: Some(0x10_0008),
            ..spec.clone()
        };
        let error = handle.create_child(&name_is_taken).unwrap_err();
        assert!(error.is_exists(), "{error}");
        let index_is_taken = ChildSpec {
            name: "eth1".into(),
            ..spec
        };
        let error = handle.create_child(&index_is_taken).unwrap_err();
        assert!(error.is_busy() || error.is_exists(), "{error}");
    });
}

#[test]
fn a_parent_that_cannot_is_told() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let gone = handle.create_child(&macvlan(4711, MacvlanMode::Bridge));
        assert!(gone.unwrap_err().is_not_found());
        let lo = handle.create_child(&macvlan(1, MacvlanMode::Bridge));
        assert_eq!(lo.unwrap_err().errno(), Some(nix::errno::Errno::EINVAL));

        let (mut handle, parent) = parent("up0");
        handle
            .create_child(&macvlan(parent, MacvlanMode::Passthru))
            .unwrap();
        let other = ChildSpec {
            name: "eth1".into(),
            ..macvlan(parent, MacvlanMode::Bridge)
        };
        let error = handle.create_child(&other).unwrap_err();
        assert_eq!(error.errno(), Some(nix::errno::Errno::EINVAL));

        run("ip link add br0 type bridge");
        run("ip link set far master br0");
        let far = link(&mut handle, "far").index;
        let port = ChildSpec {
            name: "eth1".into(),
            ..macvlan(far, MacvlanMode::Bridge)
        };
        assert!(handle.create_child(&port).unwrap_err().is_busy());
    });
}

/// One request, with names in the way on both sides.
#[test]
fn a_link_is_taken_to_another_namespace_and_changed_there() {
    in_new_netns(|| {
        let container = new_netns();
        let (mut handle, index) = parent("eth0");
        container
            .run(|| run("ip link add eth0 type veth peer name other"))
            .unwrap();
        let change = LinkChange {
            name: Some("net1".into()),
            alias: Some("was eth0".into()),
            mtu: Some(1300),
            mac: Some(MAC),
            up: Some(true),
            ..LinkChange::default()
        };
        handle.move_link(index, container.as_fd(), &change).unwrap();
        assert_eq!(handle.link_by_name("eth0").unwrap(), None);
        let mut inside = Handle::open_in(&container).unwrap();
        let there = link(&mut inside, "net1");
        assert_eq!(there.alias.as_deref(), Some("was eth0"));
        assert_eq!((there.mtu, there.mac, there.up), (1300, Some(MAC), true));

        // And back, where its name is one that the container has as well.
        let home = fairway_netlink::NetNs::current().unwrap();
        let back = LinkChange {
            name: Some("eth0".into()),
            alias: Some(String::new()),
            ..LinkChange::default()
        };
        inside.move_link(there.index, home.as_fd(), &back).unwrap();
        let back = link(&mut handle, "eth0");
        assert_eq!((back.alias, back.up), (None, false));
        assert_eq!(inside.link_by_name("net1").unwrap(), None);
    });
}

#[test]
fn taps() {
    in_new_netns(|| {
        let spec = TapSpec {
            name: "tap0".into(),
            multi_queue: true,
            owner: Some(1),
            group: Some(0),
        };
        tap::create(&spec).unwrap();
        let shown = ip_link("tap0");
        let data = &shown["linkinfo"]["info_data"];
        assert_eq!(data["type"], "tap");
        for (key, wanted) in [("multi_queue", true), ("persist", true), ("pi", false)] {
            assert_eq!(data[key], wanted, "{key}");
        }
        assert_eq!(
            (&data["user"], &data["group"]),
            (&"daemon".into(), &"root".into())
        );
        assert!(tap::create(&spec).unwrap_err().is_exists());

        let plain = TapSpec {
            name: "tap1".into(),
            ..TapSpec::default()
        };
        tap::create(&plain).unwrap();
        let data = &ip_link("tap1")["linkinfo"]["info_data"];
        assert_eq!(data["multi_queue"], false);
        assert_eq!((data.get("user"), data.get("group")), (None, None));
        for name in ["", "sixteen-bytes-it", "tap%d"] {
            let spec = TapSpec {
                name: name.into(),
                ..TapSpec::default()
            };
            assert!(tap::create(&spec).is_err(), "{name}");
        }
    });
}
