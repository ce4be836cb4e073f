//! Ways to other nodes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fairway_dataplane_abi::{Macs, Route, RouteKey};
use ipnetwork::IpNetwork;

use crate::address::{addr_of, ip_of, octets_of, words_of};
use crate::dataplane::Dataplane;
use crate::error::Result;
use crate::plain::Lpm;

/// What leads to another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A tunnel.
    Tunnel(Tunnel),
    /// A link that it is a neighbour on.
    Neighbour {
        /// The link.
        device: u32,
        /// Bytes of the largest packet that fits, with its IP header.
        mtu: u32,
        /// Its address there.
        gateway: IpAddr,
    },
}

/// A tunnel to another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunnel {
    /// The overlay's device.
    pub device: u32,
    /// The network that its packets are in on the way.
    pub vni: u32,
    /// Bytes of the largest packet that fits, with its IP header.
    pub mtu: u32,
    /// This node's end.
    pub local: IpAddr,
    /// The other node's, of the same family.
    pub remote: IpAddr,
    /// The hardware address of the other node's device.
    pub to: [u8; 6],
    /// That of this node's.
    pub from: [u8; 6],
}

impl Dataplane {
    /// Says where packets of a network to a prefix go; without a way the host decides.
    ///
    /// # Errors
    /// Where the map is full or the kernel refuses it.
    pub fn put_route(&mut self, vni: u32, net: IpNetwork, way: Option<&Way>) -> Result<()> {
        let route = way.map(route).unwrap_or_default();
        self.routes.put(&key(vni, net), &route).map(drop)
    }

    /// Removes what was said of just this prefix; false if there is none.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub fn remove_route(&mut self, vni: u32, net: IpNetwork) -> Result<bool> {
        self.routes.remove(&key(vni, net))
    }

    /// All of them by network and prefix, as the programs see them.
    ///
    /// # Errors
    /// Where the map cannot be read.
    pub fn routes(&self) -> Result<BTreeMap<(u32, IpNetwork), Option<Way>>> {
        let all = self.routes.all_by_key()?.into_iter();
        Ok(all
            .filter_map(|(key, route)| {
                let ip = ip_of(key.bits.addr);
                let before = RouteKey::NETWORK + if ip.is_ipv4() { RouteKey::V4 } else { 0 };
                let length = u8::try_from(key.length.checked_sub(before)?).ok()?;
                let net = IpNetwork::new(ip, length).ok()?;
                Some(((key.bits.vni(), net), way(&route)))
            })
            .collect())
    }
}

fn key(vni: u32, net: IpNetwork) -> Lpm<RouteKey> {
    let before = RouteKey::NETWORK + if net.is_ipv4() { RouteKey::V4 } else { 0 };
    Lpm {
        length: before + u32::from(net.prefix()),
        bits: RouteKey {
            network: RouteKey::network(vni, net.is_ipv4()),
            addr: addr_of(net.network()),
        },
    }
}

/// As the kernel's tunnel key has it.
fn words(ip: IpAddr) -> [u32; 4] {
    match ip {
        IpAddr::V4(ip) => [ip.to_bits(), 0, 0, 0],
        IpAddr::V6(ip) => words_of(ip.octets()),
    }
}

fn address(words: [u32; 4], v6: bool) -> IpAddr {
    match v6 {
        false => IpAddr::V4(words[0].into()),
        true => IpAddr::V6(octets_of(words).into()),
    }
}

fn route(way: &Way) -> Route {
    let v6 = |ip: IpAddr| if ip.is_ipv6() { Route::V6 } else { 0 };
    match *way {
        Way::Tunnel(tunnel) => Route {
            device: tunnel.device,
            mtu: tunnel.mtu,
            flags: v6(tunnel.remote),
            vni: tunnel.vni,
            local: words(tunnel.local),
            remote: words(tunnel.remote),
            macs: Macs {
                to: tunnel.to,
                from: tunnel.from,
            },
        },
        Way::Neighbour {
            device,
            mtu,
            gateway,
        } => {
            let mut remote = words(gateway);
            if gateway.is_ipv4() {
                remote[0] = remote[0].to_be();
            }
            Route {
                device,
                mtu,
                flags: v6(gateway) | Route::DIRECT,
                remote,
                ..Route::default()
            }
        }
    }
}

fn way(route: &Route) -> Option<Way> {
    let v6 = route.flags & Route::V6 != 0;
    if route.device == 0 {
        return None;
    }
    if route.flags & Route::DIRECT != 0 {
        let mut remote = route.remote;
        if !v6 {
            remote[0] = u32::from_be(remote[0]);
        }
        return Some(Way::Neighbour {
            device: route.device,
            mtu: route.mtu,
            gateway: address(remote, v6),
        });
    }
    Some(Way::Tunnel(Tunnel {
        device: route.device,
        vni: route.vni,
        mtu: route.mtu,
        local: address(route.local, v6),
        remote: address(route.remote, v6),
        to: route.macs.to,
        from: route.macs.from,
    }))
}
