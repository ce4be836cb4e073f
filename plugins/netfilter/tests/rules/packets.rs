//! What the rules are for: whom do others see packets come from?

use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Backend, Netfilter, masq};

use crate::common::*;

/// A container behind a node, a neighbour in its subnet, and the world.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) container: Ns,
    pub(crate) neighbour: Ns,
    pub(crate) outside: Ns,
}

/// The neighbours have routes for each address, so that what they send each
/// other passes the node's postrouting too.
pub(crate) fn world() -> Result<World> {
    let lab = Lab::new()?;
    let node = lab.node();
    let (container, neighbour) = (lab.container()?, lab.container()?);
    let outside = lab.machine("outside")?;
    node.set_sysctl("ipv4/ip_forward", "1")?;
    node.set_sysctl("ipv6/conf/all/forwarding", "1")?;
    for (ns, port, number) in [(&container, "c1", 2), (&neighbour, "c2", 3)] {
        lab.wire(node, port, ns, "eth0")?;
        ns.sh(&format!(
            "ip addr add 10.22.0.{number}/32 dev eth0
             ip addr add fd00:22::{number}/128 dev eth0 nodad
             ip route add 169.254.1.1 dev eth0; ip route add default via 169.254.1.1
             ip -6 route add fd00:fe::1 dev eth0; ip -6 route add default via fd00:fe::1"
        ))?;
        node.sh(&format!(
            "ip addr add 169.254.1.1/32 dev {port}; ip -6 addr add fd00:fe::1/128 dev {port} nodad
             ip route add 10.22.0.{number} dev {port}; ip -6 route add fd00:22::{number} dev {port}"
        ))?;
    }
    lab.wire(node, "out", &outside, "eth0")?;
    node.sh(
        "ip addr add 192.0.2.1/24 dev out; ip -6 addr add 2001:db8::1/64 dev out nodad
         ip route add 224.0.0.0/4 dev out",
    )?;
    outside.sh(
        "ip addr add 192.0.2.2/24 dev eth0; ip -6 addr add 2001:db8::2/64 dev eth0 nodad
         ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1",
    )?;
    Ok(World {
        lab,
        container,
        neighbour,
        outside,
    })
}

/// Any free port: one that was used before may still be held for a moment by
/// a child that another test is starting.
fn any(v4: bool) -> SocketAddr {
    let ip: IpAddr = if v4 { [0; 4].into() } else { [0; 16].into() };
    (ip, 0).into()
}

fn index(ns: &Ns, link: &str) -> u32 {
    let links = ns.json(&format!("ip -j link show {link}")).unwrap();
    links[0]["ifindex"].as_u64().unwrap().try_into().unwrap()
}

/// Sends from one namespace to an address in another, and tells who it came
/// from there.
pub(crate) fn seen(from: &Ns, source: Option<&str>, to: &Ns, target: &str) -> IpAddr {
    let target: IpAddr = target.parse().unwrap();
    let local = match source {
        Some(source) => SocketAddr::new(source.parse().unwrap(), 0),
        None => any(target.is_ipv4()),
    };
    let receiver = to
        .inside(|| {
            let socket = UdpSocket::bind(any(target.is_ipv4())).unwrap();
            match target {
                IpAddr::V4(group) if group.is_multicast() => socket
                    .join_multicast_v4(&group, &"192.0.2.2".parse().unwrap())
                    .unwrap(),
                IpAddr::V6(group) if group.is_multicast() => {
                    socket.join_multicast_v6(&group, index(to, "eth0")).unwrap();
                }
                _ => {}
            }
            socket
                .set_read_timeout(Some(Duration::from_millis(200)))
                .unwrap();
            socket
        })
        .unwrap();
    let port = receiver.local_addr().unwrap().port();
    let target = match target {
        // Every link has a route for groups; which one, the scope tells.
        IpAddr::V6(group) if group.is_multicast() => {
            SocketAddrV6::new(group, port, 0, index(from, "out")).into()
        }
        other => SocketAddr::new(other, port),
    };
    let sender = from.inside(|| UdpSocket::bind(local).unwrap()).unwrap();
    sender.connect(target).unwrap();
    // The first may be lost while neighbours are looked up.
    for _ in 0..25 {
        sender.send(b"who am I?").unwrap();
        if let Ok((_, peer)) = receiver.recv_from(&mut [0; 64]) {
            return peer.ip();
        }
    }
    panic!("nothing came to {target}");
}

fn prove(open: impl Fn(&Lab) -> Netfilter + Sync, backend: Backend) -> Result {
    let World {
        lab,
        container,
        neighbour,
        outside,
    } = world()?;
    let own = ["10.22.0.2", "fd00:22::2"];
    let node = ["192.0.2.1", "2001:db8::1"];
    let far = ["192.0.2.2", "2001:db8::2"];
    let near = ["10.22.0.3", "fd00:22::3"];
    let groups = ["224.0.0.251", "ff02::fb"];
    let addresses = addresses(&["10.22.0.2/24", "fd00:22::2/64"]);
    let set_up = || masq::setup(&mut open(&lab), backend, &ATTACHMENT, &addresses);
    lab.node().inside(set_up).unwrap().unwrap();

    // Groups are sent to from the node itself with the container's address, for
    // the kernel does not forward them by itself.
    for address in ["10.22.0.2/32", "fd00:22::2/128"] {
        lab.node().addr("out", address)?;
    }
    for family in [0, 1] {
        let from_node = |target| seen(lab.node(), Some(own[family]), &outside, target).to_string();
        assert_eq!(from_node(groups[family]), own[family], "{backend}");
        assert_eq!(from_node(far[family]), node[family], "{backend}");
    }
    for address in ["10.22.0.2/32", "fd00:22::2/128"] {
        lab.node().run(&format!("ip addr del {address} dev out"))?;
    }

    // As a container without masquerading is seen.
    for family in [0, 1] {
        let peer = seen(&neighbour, None, &outside, far[family]).to_string();
        assert_eq!(peer, near[family], "{backend}");
        let peer = seen(&container, None, &outside, far[family]).to_string();
        assert_eq!(peer, node[family], "{backend}");
        let peer = seen(&container, None, &neighbour, near[family]).to_string();
        assert_eq!(peer, own[family], "{backend}");
    }
    let tear_down = || masq::teardown(&mut open(&lab), &ATTACHMENT);
    lab.node().inside(tear_down).unwrap().unwrap();
    for family in [0, 1] {
        let peer = seen(&container, None, &outside, far[family]).to_string();
        assert_eq!(peer, own[family], "{backend}");
    }
    Ok(())
}

#[test]
fn only_what_leaves_the_subnet_is_masqueraded_by_nftables() -> Result {
    prove(|_| Netfilter::open().unwrap(), Backend::Nftables)
}

#[test]
fn only_what_leaves_the_subnet_is_masqueraded_by_iptables() -> Result {
    prove(|_| Netfilter::open().unwrap(), Backend::Iptables)
}

#[test]
fn only_what_leaves_the_subnet_is_masqueraded_by_iptables_legacy() -> Result {
    let open = |lab: &Lab| {
        let path = legacy_path(lab);
        Netfilter::open().unwrap().with_path(path.as_os_str())
    };
    prove(open, Backend::Iptables)
}
