//! To another node and from it, over a real wire and a real tunnel: a packet that is made up has none.

mod bed;
mod wires;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use fairway_dataplane::abi::{Config, Direction, Endpoint, Reason, Set, Sets, Side};
use fairway_lab::Ns;
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

use bed::{ALL, Between, Nodes, VNI, ends};

/// A connection from the other node to the container, both ways.
fn talk(container: &Ns, far: &Ns, from: IpAddr, to: IpAddr) -> std::io::Result<()> {
    talk_within(Duration::from_secs(20), container, far, from, to)
}

/// Whether nothing comes of one, which is waited for until TCP has asked twice.
fn is_silent(container: &Ns, far: &Ns, from: IpAddr, to: IpAddr) -> bool {
    talk_within(Duration::from_secs(2), container, far, from, to).is_err()
}

fn talk_within(
    limit: Duration,
    container: &Ns,
    far: &Ns,
    from: IpAddr,
    to: IpAddr,
) -> std::io::Result<()> {
    let to = SocketAddr::new(to, 80);
    let listener = container.inside(|| TcpListener::bind(to)).unwrap()?;
    let connected = far.inside(|| TcpStream::connect_timeout(&to, limit));
    let mut client = connected.unwrap()?;
    let (mut server, peer) = listener.accept()?;
    assert_eq!(peer.ip(), from);
    // It ends at once: no FIN is sent again when the flow has been forgotten.
    for end in [&client, &server] {
        let (l_onoff, l_linger) = (1, 0);
        setsockopt(end, sockopt::Linger, &linger { l_onoff, l_linger })?;
    }
    let mut said = [0; 4];
    client.write_all(b"ahoy")?;
    server.read_exact(&mut said)?;
    server.write_all(&said)?;
    client.read_exact(&mut said)?;
    assert_eq!(&said, b"ahoy");
    Ok(())
}

#[test]
fn connections_go_past_the_host_both_ways() {
    for between in ALL {
        let mut nodes = Nodes::over(between);
        nodes.forwards(false);
        // Into the container, or out by its link.
        for limited in [0, Endpoint::SHAPED] {
            nodes.endpoint.flags |= limited;
            let (link, endpoint) = (nodes.link, nodes.endpoint);
            nodes.dataplane.put_endpoint(link, &endpoint).unwrap();
            for (far, near) in ends() {
                talk(&nodes.container, &nodes.far, far, near).unwrap();
                assert!(nodes.direct(far), "from {far}");
                nodes.forget();
                talk(&nodes.far, &nodes.container, near, far).unwrap();
                assert!(nodes.direct(far), "to {far}");
                nodes.forget();
            }
        }
        // Each is the whole way: without it nothing arrives.
        nodes.config.flags = Config::DELIVER;
        nodes.dataplane.set_config(&nodes.config).unwrap();
        for (far, near) in ends() {
            assert!(is_silent(&nodes.far, &nodes.container, near, far));
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
            let line = format!("ping -c 1 -W 10 -M do -s {size} {to}");
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
        assert!(is_silent(&nodes.container, &nodes.far, far, near));
    }
    let counters = nodes.dataplane.counters().unwrap();
    let refused = counters.iter().find(|counter| {
        counter.reason == Reason::NotAllowed && counter.direction == Direction::Ingress
    });
    assert!(refused.unwrap().count.packets >= 2);
}
