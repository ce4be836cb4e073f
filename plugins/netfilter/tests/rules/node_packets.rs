//! Whom others see packets come from, by the node's own table.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use fairway_lab::{Ns, Result};
use fairway_netfilter::node::NodeRules;

use crate::common::*;
use crate::node::table;
use crate::packets::{World, seen, world};

const OWN: [&str; 2] = ["10.22.0.2", "fd00:22::2"];
const NODE: [&str; 2] = ["192.0.2.1", "2001:db8::1"];
const FAR: [&str; 2] = ["192.0.2.2", "2001:db8::2"];
const NEAR: [&str; 2] = ["10.22.0.3", "fd00:22::3"];
const GROUPS: [&str; 2] = ["224.0.0.251", "ff02::fb"];

/// The container's pool masquerades, the neighbour's does not.
fn rules() -> NodeRules {
    NodeRules {
        overlay: "fairway.vx".into(),
        pools: addresses(&["10.22.0.0/31", "10.22.0.2/31", "fd00:22::2/127"]),
        masquerade: addresses(&["10.22.0.2/32", "fd00:22::2/128"]),
        answers_only: true,
    }
}

#[test]
fn only_what_leaves_the_cluster_is_masqueraded() -> Result {
    let World {
        lab,
        container,
        neighbour,
        outside,
    } = world()?;
    let mut node = table(lab.node());
    node.apply(&rules()).unwrap();
    let peer = |from: &Ns, to: &Ns, target| seen(from, None, to, target).to_string();
    for family in [0, 1] {
        assert_eq!(peer(&container, &outside, FAR[family]), NODE[family]);
        assert_eq!(peer(&container, &neighbour, NEAR[family]), OWN[family]);
        assert_eq!(peer(&neighbour, &container, OWN[family]), NEAR[family]);
        assert_eq!(peer(&neighbour, &outside, FAR[family]), NEAR[family]);
    }
    // Groups are sent to from the node itself, for it does not forward them.
    for address in ["10.22.0.2/32", "fd00:22::2/128"] {
        lab.node().addr("out", address)?;
    }
    for family in [0, 1] {
        let from_node = |target| seen(lab.node(), Some(OWN[family]), &outside, target).to_string();
        assert_eq!(from_node(GROUPS[family]), OWN[family]);
        assert_eq!(from_node(FAR[family]), NODE[family]);
    }
    for address in ["10.22.0.2/32", "fd00:22::2/128"] {
        lab.node().run(&format!("ip addr del {address} dev out"))?;
    }

    // By the overlay everything goes as it is.
    let by_overlay = NodeRules {
        overlay: "out".into(),
        ..rules()
    };
    node.apply(&by_overlay).unwrap();
    for family in [0, 1] {
        assert_eq!(peer(&container, &outside, FAR[family]), OWN[family]);
    }
    lab.node().run("nft flush ruleset")?;
    for family in [0, 1] {
        assert_eq!(peer(&container, &outside, FAR[family]), OWN[family]);
    }
    assert!(!node.check(&rules()).unwrap());
    node.apply(&rules()).unwrap();
    for family in [0, 1] {
        assert_eq!(peer(&container, &outside, FAR[family]), NODE[family]);
    }
    node.remove().unwrap();
    for family in [0, 1] {
        assert_eq!(peer(&container, &outside, FAR[family]), OWN[family]);
    }
    Ok(())
}

/// A socket that waits 0.2 s for a packet.
fn socket(ns: &Ns, local: &str) -> UdpSocket {
    let bind = || UdpSocket::bind(SocketAddr::new(local.parse().unwrap(), 0)).unwrap();
    let socket = ns.inside(bind).unwrap();
    let patience = Some(Duration::from_millis(200));
    socket.set_read_timeout(patience).unwrap();
    socket
}

/// There and back; whom the far end saw.
fn exchange(near: &UdpSocket, far: &UdpSocket) -> SocketAddr {
    let mut buffer = [0; 64];
    for _ in 0..50 {
        near.send(b"hello").unwrap();
        let Ok((_, peer)) = far.recv_from(&mut buffer) else {
            continue;
        };
        far.send_to(b"hello yourself", peer).unwrap();
        if near.recv(&mut buffer).is_ok() {
            return peer;
        }
    }
    panic!("nothing came back");
}

#[test]
fn flows_go_on_whatever_is_written() -> Result {
    let World {
        lab,
        container,
        outside,
        ..
    } = world()?;
    let mut node = table(lab.node());
    node.apply(&rules()).unwrap();
    let flows: Vec<_> = [0, 1]
        .into_iter()
        .map(|family| {
            let (near, far) = (
                socket(&container, OWN[family]),
                socket(&outside, FAR[family]),
            );
            near.connect(far.local_addr().unwrap()).unwrap();
            let peer = exchange(&near, &far);
            assert_eq!(peer.ip().to_string(), NODE[family]);
            (near, far, peer)
        })
        .collect();
    let go_on = || {
        for (near, far, peer) in &flows {
            assert_eq!(exchange(near, far), *peer);
        }
    };
    node.apply(&rules()).unwrap();
    go_on();
    let mut others = rules();
    others
        .pools
        .extend(addresses(&["192.0.2.0/24", "2001:db8::/32"]));
    others.masquerade.clear();
    node.apply(&others).unwrap();
    go_on();
    // Without any chain of type nat the kernel translates nothing, but it does not
    // forget what it had translated.
    lab.node().run("nft flush ruleset")?;
    for (family, (near, far, _)) in flows.iter().enumerate() {
        assert_eq!(exchange(near, far).ip().to_string(), OWN[family]);
    }
    node.apply(&rules()).unwrap();
    go_on();
    Ok(())
}

/// Does one packet get there?
fn arrives(from: &UdpSocket, to: &UdpSocket) -> bool {
    let mut buffer = [0; 64];
    while to.recv_from(&mut buffer).is_ok() {}
    from.send_to(b"hello", to.local_addr().unwrap()).unwrap();
    to.recv_from(&mut buffer).is_ok()
}

#[test]
fn what_the_overlay_brings_passes_to_containers_and_as_an_answer() -> Result {
    let World {
        lab,
        container,
        neighbour,
        outside,
    } = world()?;
    let mut node = table(lab.node());
    // The neighbour is what comes by the overlay.
    let by_overlay = NodeRules {
        overlay: "c2".into(),
        ..rules()
    };
    let open = NodeRules {
        answers_only: false,
        ..by_overlay.clone()
    };
    for family in [0, 1] {
        let near = socket(&neighbour, NEAR[family]);
        let (own, far) = (
            socket(&container, OWN[family]),
            socket(&outside, FAR[family]),
        );
        // Neighbours are looked up.
        node.apply(&open).unwrap();
        assert!((0..50).any(|_| arrives(&near, &far)));
        assert!((0..50).any(|_| arrives(&near, &own)));
        // A connection of before was begun by the overlay's side.
        node.apply(&by_overlay).unwrap();
        assert!(!arrives(&near, &far), "by the overlay to the outside");
        assert!(arrives(&near, &own), "to a container");
        assert!(arrives(&own, &far), "a container of this node");

        // An answer, and nothing else of the same sender.
        let asked = socket(&outside, FAR[family]);
        assert!((0..50).any(|_| arrives(&asked, &near)));
        assert!(arrives(&near, &asked), "an answer");
        assert!(!arrives(&near, &far));
        // What is not tracked is no answer to anything.
        lab.node().run(
            "nft add table inet raw; add chain inet raw pre { type filter hook prerouting priority raw; }; \
             add rule inet raw pre iifname c2 notrack",
        )?;
        assert!(!arrives(&near, &asked), "not tracked");
        assert!(arrives(&near, &own), "not tracked, to a container");
        lab.node().run("nft delete table inet raw")?;
        assert!(arrives(&near, &asked), "an answer again");

        // Where this node gives the packet its destination, it passes.
        let (nf, to) =
            [("ip", FAR[0].to_owned()), ("ip6", format!("[{}]", FAR[1]))][family].clone();
        let port = far.local_addr().unwrap().port();
        lab.node().run(&format!(
            "nft add table inet theirs; \
             add chain inet theirs pre {{ type nat hook prerouting priority dstnat; }}; \
             add rule inet theirs pre {nf} daddr {} udp dport 7 dnat {nf} to {to}:{port}",
            NODE[family],
        ))?;
        let service = SocketAddr::new(NODE[family].parse().unwrap(), 7);
        near.send_to(b"hello", service).unwrap();
        far.recv_from(&mut [0; 64]).unwrap();
        lab.node().run("nft delete table inet theirs")?;
    }
    Ok(())
}
