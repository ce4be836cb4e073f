//! Counters of links against the kernel, checked by `ip`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::os::fd::AsFd;

use common::{in_new_netns, json, link, new_netns, run};
use fairway_netlink::{
    Counters, Handle, LinkChange, LinkTraffic, NetNs, Netlink, TrafficCount, VethPeer, VethSpec,
};
use serde_json::Value;

/// What `ip -s` says of a link in the thread's namespace.
fn counted(name: &str) -> LinkTraffic {
    let stats = json(&format!("ip -j -s link show dev {name}"))[0]["stats64"].clone();
    let count = |way: &Value| TrafficCount {
        packets: way["packets"].as_u64().unwrap(),
        bytes: way["bytes"].as_u64().unwrap(),
        dropped: way["dropped"].as_u64().unwrap(),
    };
    LinkTraffic {
        received: count(&stats["rx"]),
        sent: count(&stats["tx"]),
    }
}

#[test]
fn both_ends_of_a_pair_are_read_from_here() {
    in_new_netns(|| {
        let container = new_netns();
        let mut handle = Handle::open().unwrap();
        let pair = |name: &str, netns| VethSpec {
            name: name.into(),
            up: true,
            peer: VethPeer {
                name: "eth0".into(),
                netns,
                ..VethPeer::default()
            },
            ..VethSpec::default()
        };
        // Its index is another one there than here.
        run("ip link add spare type bridge");
        handle
            .create_veth(&pair("host0", Some(container.as_fd())))
            .unwrap();
        let mut inside = Handle::open_in(&container).unwrap();
        let eth0 = link(&mut inside, "eth0");
        let up = LinkChange {
            up: Some(true),
            ..LinkChange::default()
        };
        inside.change_link(eth0.index, &up).unwrap();
        let host0 = link(&mut handle, "host0");
        run("ip addr add 10.0.0.1/24 dev host0");
        in_netns(&container, || run("ip addr add 10.0.0.2/24 dev eth0"));
        run("ping -c 3 -i 0.2 -W 2 -q -s 1000 10.0.0.2");
        // Nothing more is to come while it is read twice: no neighbour discovery, and no ARP.
        run("ip link set host0 down");

        let far = handle.peer_traffic(&host0).unwrap().unwrap();
        assert_eq!(far, in_netns(&container, || counted("eth0")));
        assert!(far.sent.packets >= 3 && far.sent.bytes > 3_000, "{far:?}");
        assert!(far.received.bytes > 3_000, "{far:?}");
        let near = handle.traffic(host0.index).unwrap().unwrap();
        assert_eq!(near, counted("host0"));
        assert_eq!(near.sent.packets, far.received.packets);

        // A pair with both ends here, and what there is not.
        handle.create_veth(&pair("both", None)).unwrap();
        let both = link(&mut handle, "both");
        assert_eq!(handle.peer_traffic(&both).unwrap(), Some(counted("eth0")));
        let spare = link(&mut handle, "spare");
        assert_eq!(handle.peer_traffic(&spare).unwrap(), None);
        assert_eq!(handle.traffic(4_000_000).unwrap(), None);
    });
}

/// Does it there, and comes back.
fn in_netns<T: Send>(netns: &NetNs, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            nix::sched::setns(netns.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            work()
        });
        there.join().unwrap()
    })
}
