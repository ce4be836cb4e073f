//! From the overlay to a container, over a real tunnel between two nodes: a packet that is made up has none.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use fairway_dataplane::abi::{Config, Direction, Endpoint, Reason, Set, Sets, Side, State};
use fairway_dataplane::{Dataplane, Options, addr_of};
use fairway_lab::{Lab, Ns};
use fairway_netlink::{Handle, NetNs, Netlink};

use crate::bed::{ip, small};

const VNI: u32 = 5;

/// A node's end of the overlay: all of the other node's containers are behind it.
fn tunnel(ns: &Ns, own: u8, other: u8, mac: &str) {
    let run = |line: String| drop(ns.run(&line).unwrap());
    ns.addr("wire", &format!("192.0.2.{own}/24")).unwrap();
    ns.up("wire").unwrap();
    run("ip link add vx type vxlan external dstport 4789".to_owned());
    // A device drops frames that bear its own address as their source.
    run(format!(
        "ip link set dev vx mtu 1400 address 02:00:00:00:00:a{own}"
    ));
    ns.up("vx").unwrap();
    ns.addr("vx", &format!("169.254.2.{own}/32")).unwrap();
    let encap = format!("encap ip id {VNI} dst 192.0.2.{other}");
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

fn handle(ns: &Ns) -> Handle {
    Handle::open_in(&NetNs::open(ns.path()).unwrap()).unwrap()
}

/// The node's end of a container's link, and the container.
fn container(lab: &Lab) -> (Ns, Endpoint, u32) {
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

/// A connection from the other node to the container, both ways.
fn talk(container: &Ns, far: &Ns, from: IpAddr, to: IpAddr) -> std::io::Result<()> {
    let to = SocketAddr::new(to, 80);
    let listener = container.inside(|| TcpListener::bind(to)).unwrap()?;
    let connected = far.inside(|| TcpStream::connect_timeout(&to, Duration::from_secs(2)));
    let mut client = connected.unwrap()?;
    let (mut server, peer) = listener.accept()?;
    assert_eq!(peer.ip(), from);
    let mut said = [0; 4];
    client.write_all(b"ahoy")?;
    server.read_exact(&mut said)?;
    server.write_all(&said)?;
    client.read_exact(&mut said)?;
    assert_eq!(&said, b"ahoy");
    Ok(())
}

#[test]
fn a_connection_over_the_tunnel_reaches_the_container_directly() {
    let lab = Lab::new().unwrap();
    let (node, far) = (lab.node(), lab.machine("far").unwrap());
    lab.wire(node, "wire", &far, "wire").unwrap();
    tunnel(node, 1, 2, "02:00:00:00:00:a2");
    // Nobody's: who hands packets on directly does not mind.
    tunnel(&far, 2, 1, "02:00:00:00:00:fe");
    node.set_sysctl("ipv4/ip_forward", "1").unwrap();
    node.set_sysctl("ipv6/conf/all/forwarding", "1").unwrap();
    let ends =
        [("10.0.2.2", "10.0.1.2"), ("fd00:2::2", "fd00:1::2")].map(|(from, to)| (ip(from), ip(to)));
    far.up("lo").unwrap();
    for (from, to) in ends {
        let length = if from.is_ipv4() { 32 } else { 128 };
        far.addr("lo", &format!("{from}/{length}")).unwrap();
        let net = if to.is_ipv4() {
            "10.0.1.0/24"
        } else {
            "fd00:1::/64"
        };
        let family = if to.is_ipv4() { "-4" } else { "-6" };
        let route = far.run(&format!("ip {family} route show {net}")).unwrap();
        let route = route.trim();
        far.run(&format!("ip {family} route replace {route} src {from}"))
            .unwrap();
    }
    let (container, mut endpoint, link) = container(&lab);
    let options = Options {
        sizes: small(),
        pins: None,
    };
    let mut dataplane = Dataplane::load(&options).unwrap();
    let mut config = Config {
        epoch: 1,
        flags: Config::DELIVER,
        ..Config::default()
    };
    dataplane.set_config(&config).unwrap();
    dataplane.put_endpoint(link, &endpoint).unwrap();
    for (_, to) in ends {
        let peer = fairway_dataplane::abi::Peer {
            identity: 1,
            link,
            flags: 0,
        };
        dataplane.put_address(to, &peer).unwrap();
    }
    let mut netlink = handle(node);
    let overlay = netlink.link_by_name("vx").unwrap().unwrap().index;
    dataplane.attach(&mut netlink, link).unwrap();
    dataplane.attach_overlay(&mut netlink, overlay).unwrap();
    let direct = |dataplane: &Dataplane, from: IpAddr| {
        let [open, new] = dataplane.tracks().unwrap();
        let mut tracks = open.into_iter().chain(new);
        tracks.any(|(key, track)| {
            key.remote == addr_of(from) && key.local_port == 80 && track.state & State::DIRECT != 0
        })
    };
    for (from, to) in ends {
        talk(&container, &far, from, to).unwrap();
        assert!(direct(&dataplane, from), "{from} came by the host");
        dataplane.remove_tracks_of(&[link].into()).unwrap();
    }
    // Of another network: as the host has it.
    endpoint.vni = VNI + 1;
    dataplane.put_endpoint(link, &endpoint).unwrap();
    for via in ["169.254.2.200", "fe80::fa"] {
        let lladdr = "lladdr 02:00:00:00:00:a1";
        far.run(&format!(
            "ip neigh replace {via} {lladdr} dev vx nud permanent"
        ))
        .unwrap();
    }
    for (from, to) in ends {
        talk(&container, &far, from, to).unwrap();
        assert!(!direct(&dataplane, from), "{from} came directly");
    }
    // Its policy holds.
    endpoint.vni = VNI;
    endpoint.sets = Sets {
        ingress: 1,
        ..Sets::default()
    };
    let nobody = Set {
        otherwise: Side::DENY,
        ..Set::default()
    };
    dataplane.put_set(1, &nobody).unwrap();
    dataplane.put_endpoint(link, &endpoint).unwrap();
    config.epoch += 1;
    dataplane.set_config(&config).unwrap();
    for (from, to) in ends {
        assert!(talk(&container, &far, from, to).is_err());
    }
    let counters = dataplane.counters().unwrap();
    let refused = counters.iter().find(|counter| {
        counter.reason == Reason::NotAllowed && counter.direction == Direction::Ingress
    });
    assert!(refused.unwrap().count.packets >= 2);
}
