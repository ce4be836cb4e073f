//! What is wanted besides routes.

use fairway_netlink::MacAddr;
use fairway_rib::Vni;
use ipnetwork::IpNetwork;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// This node's end of the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlay {
    /// The device's hardware address: [`crate::names::mac`] of the VTEP that others know it by.
    pub mac: MacAddr,
    /// UDP port.
    pub port: u16,
}

/// A network: whose table, and whose packets look there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its VNI.
    pub vni: Vni,
    /// The prefixes of its pools.
    pub prefixes: Vec<IpNetwork>,
}

/// What is wanted besides routes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Absent: this node has no underlay address (yet), and nothing is encapsulated.
    pub overlay: Option<Overlay>,
    /// The link of the underlay, for routes to nodes in our subnet.
    pub uplink: Option<String>,
    /// The source of this machine's own packets to containers.
    pub source_v4: Option<Ipv4Addr>,
    /// The same for IPv6.
    pub source_v6: Option<Ipv6Addr>,
    /// The networks.
    pub tenants: Vec<Tenant>,
    /// Devices' hardware addresses where they do not follow from the VTEP: nodes that have one of each
    /// family.
    pub macs: BTreeMap<IpAddr, MacAddr>,
}
