//! Ways into the overlay.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fairway_dataplane_abi::{Macs, Route, RouteKey};
use ipnetwork::IpNetwork;

use crate::address::{addr_of, ip_of, octets_of, words_of};
use crate::dataplane::Dataplane;
use crate::error::Result;
use crate::plain::Lpm;

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
    /// Says where packets of a network to a prefix go; without a tunnel the host decides.
    ///
    /// # Errors
    /// Where the map is full or the kernel refuses it.
    pub fn put_route(&mut self, vni: u32, net: IpNetwork, tunnel: Option<&Tunnel>) -> Result<()> {
        let route = tunnel.map(route).unwrap_or_default();
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
    pub fn routes(&self) -> Result<BTreeMap<(u32, IpNetwork), Option<Tunnel>>> {
        let all = self.routes.all_by_key()?.into_iter();
        Ok(all
            .filter_map(|(key, route)| {
                let ip = ip_of(key.bits.addr);
                let before = RouteKey::VNI + if ip.is_ipv4() { RouteKey::V4 } else { 0 };
                let length = u8::try_from(key.length.checked_sub(before)?).ok()?;
                let net = IpNetwork::new(ip, length).ok()?;
                Some(((u32::from_be(key.bits.vni), net), tunnel(&route)))
            })
            .collect())
    }
}

fn key(vni: u32, net: IpNetwork) -> Lpm<RouteKey> {
    let before = RouteKey::VNI + if net.is_ipv4() { RouteKey::V4 } else { 0 };
    Lpm {
        length: before + u32::from(net.prefix()),
        bits: RouteKey {
            vni: vni.to_be(),
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

fn route(tunnel: &Tunnel) -> Route {
    Route {
        device: tunnel.device,
        mtu: tunnel.mtu,
        flags: if tunnel.remote.is_ipv6() {
            Route::V6
        } else {
            0
        },
        vni: tunnel.vni,
        local: words(tunnel.local),
        remote: words(tunnel.remote),
        macs: Macs {
            to: tunnel.to,
            from: tunnel.from,
        },
    }
}

fn tunnel(route: &Route) -> Option<Tunnel> {
    let ip = |words: [u32; 4]| match route.flags & Route::V6 {
        0 => IpAddr::V4(words[0].into()),
        _ => IpAddr::V6(octets_of(words).into()),
    };
    (route.device != 0).then(|| Tunnel {
        device: route.device,
        vni: route.vni,
        mtu: route.mtu,
        local: ip(route.local),
        remote: ip(route.remote),
        to: route.macs.to,
        from: route.macs.from,
    })
}
