//! What an ADD answers, and what `prevResult` holds.
//!
//! One type in memory, the newest; [`encode`] and [`decode`] turn it into the form of each version and
//! back, as far as that form can hold it. Before 0.3.0 there is one address a family and no interfaces:
//! that is all that Mesos reads.

mod decode;
mod encode;

use ipnetwork::IpNetwork;
use std::net::IpAddr;

pub use crate::config::Dns;

/// The result of an ADD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CniResult {
    /// The links that were made or used, the host's and the container's.
    pub interfaces: Vec<Interface>,
    /// The container's addresses.
    pub ips: Vec<IpConfig>,
    /// The container's routes.
    pub routes: Vec<Route>,
    /// Its resolver.
    pub dns: Dns,
}

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address, as text; absent where it has none.
    pub mac: Option<String>,
    /// Its MTU in bytes (from 1.1.0).
    pub mtu: Option<u32>,
    /// The path of the namespace that it is in; absent for the host's.
    pub sandbox: Option<String>,
    /// A vhost-user or similar socket (from 1.1.0).
    pub socket_path: Option<String>,
    /// A PCI function (from 1.1.0).
    pub pci_id: Option<String>,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpConfig {
    /// Which of the interfaces it is on. An IPAM plugin leaves it out.
    pub interface: Option<usize>,
    /// Address and prefix length, host bits kept.
    pub address: IpNetwork,
    /// The gateway of its subnet.
    pub gateway: Option<IpAddr>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub dst: IpNetwork,
    /// Through whom; the gateway of the first address of the family where absent.
    pub gw: Option<IpAddr>,
    /// Path MTU in bytes (from 1.1.0).
    pub mtu: Option<u32>,
    /// Advertised maximal segment size in bytes (from 1.1.0).
    pub advmss: Option<u32>,
    /// Metric: lower wins (from 1.1.0).
    pub priority: Option<u32>,
    /// Routing table number (from 1.1.0).
    pub table: Option<u32>,
    /// Scope number as in `/etc/iproute2/rt_scopes` (from 1.1.0).
    pub scope: Option<u8>,
}

impl Route {
    /// A route with nothing but a destination and perhaps a gateway.
    pub fn new(dst: IpNetwork, gw: Option<IpAddr>) -> Self {
        Route {
            dst,
            gw,
            mtu: None,
            advmss: None,
            priority: None,
            table: None,
            scope: None,
        }
    }
}

#[cfg(test)]
mod tests;
