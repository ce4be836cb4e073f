//! Two nodes, of which the first has programs and a container.

use std::net::IpAddr;
use std::time::Duration;

use fairway_dataplane::abi::{Config, Endpoint, State};
use fairway_dataplane::{Dataplane, Options, Tunnel, Way, addr_of};
use fairway_lab::{Lab, Ns, poll};
use fairway_netlink::Netlink;

use super::wires::{addresses, addresses_of_far, container, handle, tunnel, vtep, wire};
use crate::bed::{ip, small};

pub(super) const VNI: u32 = 5;

/// How two nodes reach each other's containers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Between {
    /// In a tunnel over IPv4.
    Tunnel4,
    /// Over IPv6.
    Tunnel6,
    /// Without.
    Wire,
}

pub(super) const ALL: [Between; 3] = [Between::Tunnel4, Between::Tunnel6, Between::Wire];

/// A node with programs on a container's link and on the overlay's device, and another one behind a wire.
pub(super) struct Nodes {
    pub(super) lab: Lab,
    pub(super) far: Ns,
    pub(super) container: Ns,
    pub(super) endpoint: Endpoint,
    pub(super) link: u32,
    device: u32,
    pub(super) config: Config,
    pub(super) dataplane: Dataplane,
    between: Between,
}

const ENDS: [(&str, &str); 2] = [("10.0.2.2", "10.0.1.2"), ("fd00:2::2", "fd00:1::2")];

pub(super) fn ends() -> [(IpAddr, IpAddr); 2] {
    ENDS.map(|(far, near)| (ip(far), ip(near)))
}

impl Nodes {
    pub(super) fn new() -> Nodes {
        Self::over(Between::Tunnel4)
    }

    pub(super) fn over(between: Between) -> Nodes {
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
    pub(super) fn forwards(&self, on: bool) {
        let on = if on { "1" } else { "0" };
        let node = self.lab.node();
        node.set_sysctl("ipv4/ip_forward", on).unwrap();
        node.set_sysctl("ipv6/conf/all/forwarding", on).unwrap();
    }

    /// The ways to the other node's containers.
    pub(super) fn route(&mut self, mtu: u32) {
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
    pub(super) fn by_the_host(&self) {
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
    pub(super) fn direct(&self, remote: IpAddr) -> bool {
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

    pub(super) fn forget(&mut self) {
        self.dataplane
            .remove_tracks_of(&[self.link].into())
            .unwrap();
    }
}
