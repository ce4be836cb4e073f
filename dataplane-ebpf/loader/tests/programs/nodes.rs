//! To another node and from it, over a real wire and a real tunnel: a packet that is made up has none.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use fairway_dataplane::abi::{Config, Direction, Endpoint, Reason, Set, Sets, Side, State};
use fairway_dataplane::{Dataplane, Options, Tunnel, Way, addr_of};
use fairway_lab::{Lab, Ns, poll};
use fairway_netlink::{Handle, NetNs, Netlink};

use crate::bed::{ip, small};

const VNI: u32 = 5;

/// How two nodes reach each other's containers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Between {
    /// In a tunnel over IPv4.
    Tunnel4,
    /// Over IPv6.
    Tunnel6,
    /// Without.
    Wire,
}

const ALL: [Between; 3] = [Between::Tunnel4, Between::Tunnel6, Between::Wire];

/// A node's addresses on the wire.
fn addresses(ns: &Ns, own: u8) {
    ns.addr("wire", &format!("192.0.2.{own}/24")).unwrap();
    ns.run(&format!("ip addr add fd99::{own}/64 dev wire nodad"))
        .unwrap();
    ns.up("wire").unwrap();
}

/// The other node's containers are behind its addresses.
fn wire(ns: &Ns, other: u8) {
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
fn vtep(v6: bool, number: u8) -> IpAddr {
    match v6 {
        true => ip(&format!("fd99::{number}")),
        false => ip(&format!("192.0.2.{number}")),
    }
}

/// A node's end of the overlay: all of the other node's containers are behind it.
fn tunnel(ns: &Ns, v6: bool, own: u8, other: u8, mac: &str) {
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

/// The other node's own addresses stand for its containers; packets to the first node bear them.
fn addresses_of_far(far: &Ns) {
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

/// A node with programs on a container's link and on the overlay's device, and another one behind a wire.
struct Nodes {
    lab: Lab,
    far: Ns,
    container: Ns,
    endpoint: Endpoint,
    link: u32,
    device: u32,
    config: Config,
    dataplane: Dataplane,
    between: Between,
}

const ENDS: [(&str, &str); 2] = [("10.0.2.2", "10.0.1.2"), ("fd00:2::2", "fd00:1::2")];

fn ends() -> [(IpAddr, IpAddr); 2] {
    ENDS.map(|(far, near)| (ip(far), ip(near)))
}

impl Nodes {
    fn new() -> Nodes {
        Self::over(Between::Tunnel4)
    }

    fn over(between: Between) -> Nodes {
        let lab = Lab::new().unwrap();
        let far = lab.machine("far").unwrap();
        let node = lab.node();
        lab.wire(node, "wire", &far, "wire").unwrap();
        addresses(node, 1);
        addresses(&far, 2);
        let v6 = between == Between::Tunnel6;
        let device = if between == Between::Wire {
            wire(node, 2);
            wire(&far, 1);
            "wire"
        } else {
            tunnel(node, v6, 1, 2, "02:00:00:00:00:a2");
            // Nobody's: who hands packets on directly does not mind.
            tunnel(&far, v6, 2, 1, "02:00:00:00:00:fe");
            "vx"
        };
        addresses_of_far(&far);
        let (container, endpoint, link) = container(&lab);
        let options = Options {
            sizes: small(),
            pins: None,
        };
        let mut dataplane = Dataplane::load(&options).unwrap();
        let config = Config {
            epoch: 1,
            flags: Config::DELIVER | Config::ROUTE,
            ..Config::default()
        };
        dataplane.set_config(&config).unwrap();
        dataplane.put_endpoint(link, &endpoint).unwrap();
        for (_, near) in ends() {
            let peer = fairway_dataplane::abi::Peer {
                identity: 1,
                link,
                flags: 0,
            };
            dataplane.put_address(near, &peer).unwrap();
        }
        let mut netlink = handle(lab.node());
        let device = netlink.link_by_name(device).unwrap().unwrap().index;
        dataplane.attach(&mut netlink, link).unwrap();
        match between {
            Between::Wire => dataplane.attach_uplink(&mut netlink, device),
            _ => dataplane.attach_overlay(&mut netlink, device),
        }
        .unwrap();
        let mut nodes = Nodes {
            lab,
            far,
            container,
            endpoint,
            link,
            device,
            config,
            dataplane,
            between,
        };
        nodes.route(1400);
        // Nobody asks for a neighbour before its own address is sure.
        let all = [nodes.lab.node(), &nodes.far, &nodes.container];
        poll(Duration::from_secs(10), "all addresses are sure", || {
            let unsure = |ns: &&Ns| ns.run("ip -6 addr show tentative").unwrap();
            all.iter().all(|ns| unsure(ns).trim().is_empty())
        })
        .unwrap();
        nodes
    }

    /// The host itself passes packets on, or not: then only what goes past it arrives.
    fn forwards(&self, on: bool) {
        let on = if on { "1" } else { "0" };
        let node = self.lab.node();
        node.set_sysctl("ipv4/ip_forward", on).unwrap();
        node.set_sysctl("ipv6/conf/all/forwarding", on).unwrap();
    }

    /// The ways to the other node's containers.
    fn route(&mut self, mtu: u32) {
        for net in ["10.0.2.0/24", "fd00:2::/64"] {
            let net: ipnetwork::IpNetwork = net.parse().unwrap();
            let device = self.device;
            let v6 = self.between == Between::Tunnel6;
            let way = match self.between {
                Between::Wire => Way::Neighbour {
                    device,
                    mtu,
                    gateway: vtep(net.is_ipv6(), 2),
                },
                _ => Way::Tunnel(Tunnel {
                    device,
                    vni: VNI,
                    mtu,
                    local: vtep(v6, 1),
                    remote: vtep(v6, 2),
                    to: [2, 0, 0, 0, 0, 0xa2],
                    from: [2, 0, 0, 0, 0, 0xa1],
                }),
            };
            self.dataplane.put_route(VNI, net, Some(&way)).unwrap();
        }
    }

    /// The host's own way, which the other node's frames have to be addressed for.
    fn by_the_host(&self) {
        self.forwards(true);
        if self.between == Between::Wire {
            return;
        }
        for via in ["169.254.2.200", "fe80::fa"] {
            let lladdr = "lladdr 02:00:00:00:00:a1";
            self.far
                .run(&format!(
                    "ip neigh replace {via} {lladdr} dev vx nud permanent"
                ))
                .unwrap();
        }
    }

    /// Did the flows with this address and port 80, or pings, go past the host?
    fn direct(&self, remote: IpAddr) -> bool {
        let [open, new] = self.dataplane.tracks().unwrap();
        let tracks = open.into_iter().chain(new);
        let of = tracks.filter(|(key, _)| {
            let ports = [key.local_port, key.remote_port];
            key.remote == addr_of(remote) && (key.protocol != 6 || ports.contains(&80))
        });
        let ways: Vec<bool> = of
            .map(|(_, track)| track.state & State::DIRECT != 0)
            .collect();
        let direct = ways[0];
        assert!(ways.iter().all(|way| *way == direct), "{ways:?}");
        direct
    }

    fn forget(&mut self) {
        self.dataplane
            .remove_tracks_of(&[self.link].into())
            .unwrap();
    }
}

#[test]
fn connections_go_past_the_host_both_ways() {
    for between in ALL {
        let mut nodes = Nodes::over(between);
        nodes.forwards(false);
        for (far, near) in ends() {
            talk(&nodes.container, &nodes.far, far, near).unwrap();
            assert!(nodes.direct(far), "from {far}");
            nodes.forget();
            talk(&nodes.far, &nodes.container, near, far).unwrap();
            assert!(nodes.direct(far), "to {far}");
            nodes.forget();
        }
        // Each is the whole way: without it nothing arrives.
        nodes.config.flags = Config::DELIVER;
        nodes.dataplane.set_config(&nodes.config).unwrap();
        for (far, near) in ends() {
            assert!(talk(&nodes.far, &nodes.container, near, far).is_err());
            nodes.forget();
        }
    }
}

#[test]
fn what_began_by_the_host_goes_on_by_the_host() {
    let mut nodes = Nodes::new();
    nodes.by_the_host();
    // Of another network.
    nodes.endpoint.vni = VNI + 1;
    nodes
        .dataplane
        .put_endpoint(nodes.link, &nodes.endpoint)
        .unwrap();
    let mut open = Vec::new();
    for (far, near) in ends() {
        let to = SocketAddr::new(near, 80);
        let listener = nodes.container.inside(|| TcpListener::bind(to)).unwrap();
        let client = nodes
            .far
            .inside(|| TcpStream::connect(to))
            .unwrap()
            .unwrap();
        let (server, _) = listener.unwrap().accept().unwrap();
        assert!(!nodes.direct(far), "{far} came directly");
        open.push((far, client, server));
    }
    nodes.endpoint.vni = VNI;
    nodes
        .dataplane
        .put_endpoint(nodes.link, &nodes.endpoint)
        .unwrap();
    for (far, mut client, mut server) in open {
        let mut said = [0; 4];
        client.write_all(b"ahoy").unwrap();
        server.read_exact(&mut said).unwrap();
        server.write_all(&said).unwrap();
        client.read_exact(&mut said).unwrap();
        assert!(!nodes.direct(far), "{far} was taken from the host");
    }
}

#[test]
fn without_a_way_back_past_the_host_all_goes_by_the_host() {
    for between in [Between::Tunnel4, Between::Wire] {
        let mut nodes = Nodes::over(between);
        nodes.by_the_host();
        for net in ["10.0.2.0/24", "fd00:2::/64"] {
            let net = net.parse().unwrap();
            assert!(nodes.dataplane.remove_route(VNI, net).unwrap());
        }
        for (far, near) in ends() {
            talk(&nodes.container, &nodes.far, far, near).unwrap();
            talk(&nodes.far, &nodes.container, near, far).unwrap();
            assert!(!nodes.direct(far), "{far}");
            nodes.forget();
        }
        // One that leads elsewhere lies in one that leads to the node.
        nodes.route(1400);
        for (far, near) in ends() {
            let length = if far.is_ipv4() { 32 } else { 128 };
            let own = ipnetwork::IpNetwork::new(far, length).unwrap();
            nodes.dataplane.put_route(VNI, own, None).unwrap();
            talk(&nodes.container, &nodes.far, far, near).unwrap();
            assert!(!nodes.direct(far), "{far}");
            nodes.forget();
        }
    }
}

#[test]
fn what_does_not_fit_is_told_by_the_host() {
    for between in [Between::Tunnel4, Between::Wire] {
        let mut nodes = Nodes::over(between);
        nodes.by_the_host();
        nodes.route(1000);
        let ping = |size: u32, to: IpAddr| {
            let line = format!("ping -c 1 -W 2 -M do -s {size} {to}");
            nodes.container.run(&line)
        };
        for (far, _) in ends() {
            ping(900, far).unwrap();
            assert!(nodes.direct(far));
            // By the host, whose route takes 1400.
            ping(1100, far).unwrap();
        }
    }
}

#[test]
fn its_policy_holds() {
    let mut nodes = Nodes::new();
    nodes.by_the_host();
    nodes.endpoint.sets = Sets {
        ingress: 1,
        ..Sets::default()
    };
    let nobody = Set {
        otherwise: Side::DENY,
        ..Set::default()
    };
    nodes.dataplane.put_set(1, &nobody).unwrap();
    nodes
        .dataplane
        .put_endpoint(nodes.link, &nodes.endpoint)
        .unwrap();
    nodes.config.epoch += 1;
    nodes.dataplane.set_config(&nodes.config).unwrap();
    for (far, near) in ends() {
        assert!(talk(&nodes.container, &nodes.far, far, near).is_err());
    }
    let counters = nodes.dataplane.counters().unwrap();
    let refused = counters.iter().find(|counter| {
        counter.reason == Reason::NotAllowed && counter.direction == Direction::Ingress
    });
    assert!(refused.unwrap().count.packets >= 2);
}
