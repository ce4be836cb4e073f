//! Tunnels to other nodes: one next hop for each network and node, one neighbour for each node.

use crate::{names, settings::Settings};
use fairway_netlink::{Encap, MacAddr, NeighbourSpec, Nexthop, Tunnel, TunnelEnds};
use fairway_rib::Vni;
use std::net::IpAddr;

/// Where a packet is sent in a tunnel. The order is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Peer {
    pub(crate) vni: u32,
    pub(crate) source: IpAddr,
    pub(crate) vtep: IpAddr,
}

impl Peer {
    /// None where the two are of different families, which the routing table never says.
    pub(crate) fn new(vni: Vni, source: IpAddr, vtep: IpAddr) -> Option<Peer> {
        let vni = vni.number();
        TunnelEnds::new(source, vtep).map(|_| Peer { vni, source, vtep })
    }

    /// The peer that a next hop of ours leads to.
    pub(crate) fn of(hop: &Nexthop) -> Option<Peer> {
        let Some(Encap::Tunnel(tunnel)) = hop.encap else {
            return None;
        };
        let vni = u32::try_from(tunnel.id).ok()?;
        let (source, vtep) = (tunnel.ends.src(), tunnel.ends.dst());
        Some(Peer { vni, source, vtep })
    }

    pub(crate) fn hop(&self, id: u32, device: u32) -> Option<Nexthop> {
        let ends = TunnelEnds::new(self.source, self.vtep)?;
        Some(Nexthop {
            id,
            gateway: names::gateway(self.vtep).into(),
            oif: device,
            protocol: names::PROTOCOL,
            onlink: true,
            encap: Some(Encap::Tunnel(Tunnel::new(u64::from(self.vni), ends))),
        })
    }
}

/// The neighbour that stands for a VTEP.
pub(crate) fn neighbour(vtep: IpAddr, device: u32, settings: &Settings) -> NeighbourSpec {
    let known = settings.macs.get(&vtep).copied();
    let mac: MacAddr = known.unwrap_or_else(|| names::mac(vtep));
    NeighbourSpec {
        index: device,
        ip: names::gateway(vtep).into(),
        mac,
        protocol: names::PROTOCOL,
    }
}
