//! Namespaces, and the wires, tunnels and addresses between them.

use std::net::IpAddr;

use fairway_dataplane::abi::Endpoint;
use fairway_dataplane::addr_of;
use fairway_lab::{Lab, Ns};
use fairway_netlink::{Handle, NetNs, Netlink};

use super::bed::VNI;
use crate::bed::ip;

/// A node's addresses on the wire.
pub(super) fn addresses(ns: &Ns, own: u8) {
    ns.addr("wire", &format!("192.0.2.{own}/24")).unwrap();
    ns.run(&format!("ip addr add fd99::{own}/64 dev wire nodad"))
        .unwrap();
    ns.up("wire").unwrap();
}

/// The other node's containers are behind its addresses.
pub(super) fn wire(ns: &Ns, other: u8) {
    for (net, v6) in [
        (format!("10.0.{other}.0/24"), false),
        (format!("fd00:{other}::/64"), true),
    ] {
        let via = vtep(v6, other);
        ns.run(&format!("ip route add {net} via {via} dev wire"))
            .unwrap();
    }
}

/// A node's address.
pub(super) fn vtep(v6: bool, number: u8) -> IpAddr {
    match v6 {
        true => ip(&format!("fd99::{number}")),
        false => ip(&format!("192.0.2.{number}")),
    }
}

/// A node's end of the overlay: all of the other node's containers are behind it.
pub(super) fn tunnel(ns: &Ns, v6: bool, own: u8, other: u8, mac: &str) {
    let run = |line: String| drop(ns.run(&line).unwrap());
    run("ip link add vx type vxlan external dstport 4789".to_owned());
    // A device drops frames that bear its own address as their source.
    run(format!(
        "ip link set dev vx mtu 1400 address 02:00:00:00:00:a{own}"
    ));
    ns.up("vx").unwrap();
    ns.addr("vx", &format!("169.254.2.{own}/32")).unwrap();
    let (kind, dst) = (if v6 { "ip6" } else { "ip" }, vtep(v6, other));
    let encap = format!("encap {kind} id {VNI} dst {dst} csum");
    for (net, via) in [
        (format!("10.0.{other}.0/24"), "169.254.2.200"),
        (format!("fd00:{other}::/64"), "fe80::fa"),
    ] {
        run(format!(
            "ip route add {net} {encap} via {via} dev vx onlink"
        ));
        run(format!(
            "ip neigh add {via} lladdr {mac} dev vx nud permanent"
        ));
    }
}

pub(super) fn handle(ns: &Ns) -> Handle {
    Handle::open_in(&NetNs::open(ns.path()).unwrap()).unwrap()
}

/// The node's end of a container's link, and the container.
pub(super) fn container(lab: &Lab) -> (Ns, Endpoint, u32) {
    let (node, container) = (lab.node(), lab.container().unwrap());
    let peer = container.path();
    node.run(&format!(
        "ip link add v type veth peer name eth0 netns {}",
        peer.display()
    ))
    .unwrap();
    for (ns, link, ip) in [
        (node, "v", "10.0.1.1/32"),
        (node, "v", "fe80::1/64"),
        (&container, "eth0", "10.0.1.2/32"),
        (&container, "eth0", "fd00:1::2/128"),
    ] {
        ns.addr(link, ip).unwrap();
    }
    node.up("v").unwrap();
    container.up("eth0").unwrap();
    container
        .run("ip route add default via 10.0.1.1 dev eth0 onlink")
        .unwrap();
    container
        .run("ip route add default via fe80::1 dev eth0")
        .unwrap();
    node.run("ip route add 10.0.1.2/32 dev v").unwrap();
    node.run("ip route add fd00:1::2/128 dev v").unwrap();
    let link = |ns: &Ns, name| handle(ns).link_by_name(name).unwrap().unwrap();
    let (near, far) = (link(node, "v"), link(&container, "eth0"));
    let endpoint = Endpoint {
        flags: Endpoint::OPEN | Endpoint::DELIVER,
        vni: VNI,
        mtu: 1400,
        v4: u32::from_ne_bytes([10, 0, 1, 2]),
        v6: addr_of(ip("fd00:1::2")).0,
        mac: far.mac.unwrap().0,
        host_mac: near.mac.unwrap().0,
        ..Endpoint::default()
    };
    (container, endpoint, near.index)
}

/// The other node's own addresses stand for its containers; packets to the first node bear them.
pub(super) fn addresses_of_far(far: &Ns) {
    far.up("lo").unwrap();
    for (family, from, length, net) in [
        ("-4", "10.0.2.2", 32, "10.0.1.0/24"),
        ("-6", "fd00:2::2", 128, "fd00:1::/64"),
    ] {
        far.addr("lo", &format!("{from}/{length}")).unwrap();
        let route = far.run(&format!("ip {family} route show {net}")).unwrap();
        let route = route.trim();
        far.run(&format!("ip {family} route replace {route} src {from}"))
            .unwrap();
    }
}
