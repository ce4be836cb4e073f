//! What the kernel is told of both ends.
//!
//! Permanent neighbours say on each end who is on the other, before the first packet: none waits for an
//! answer, and nobody can give a false one. They are lost when a link is set down; then ARP and ND, which
//! find the gateway's addresses on the host's end, take over.

use crate::shape::{GATEWAY_V4, gateways};
use fairway_cni::CniResult;
use fairway_iface::{Error, container};
use fairway_netlink::{
    AddrGenMode, AddressSpec, Link, LinkChange, MacAddr, NeighbourSpec, Netlink, Route, Scope,
    sysctl,
};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// The host's end of every pair. A link of its own with two ends needs no address that is unlike all others;
/// and one that is given at once is not changed by udev, which would make the container's neighbours wrong.
pub(crate) const HOST_MAC: MacAddr = MacAddr([0xee; 6]);

/// The container's end: addresses without a network, up, its neighbours, the way out. Its kernel settings are
/// [`container::settings`]'.
pub(crate) fn inside(
    netlink: &mut dyn Netlink,
    link: &Link,
    result: &CniResult,
) -> Result<(), Error> {
    // Another interface of a network may have such a route; each is found by its own link.
    let to_gateways = gateways(result).into_iter().filter(IpAddr::is_ipv4);
    let to_gateways = to_gateways.map(|_| to_gateway(link)).collect();
    container::bring_up_routed(netlink, link, &result.ips, to_gateways, &result.routes)?;
    for gateway in gateways(result) {
        neighbour(netlink, link, gateway, HOST_MAC)?;
    }
    Ok(())
}

/// The route to the IPv4 gateway; the IPv6 one's address is on every link by itself.
pub(crate) fn to_gateway(link: &Link) -> Route {
    Route {
        oif: Some(link.index),
        scope: Scope::LINK,
        ..Route::to(IpNetwork::from(IpAddr::from(GATEWAY_V4)))
    }
}

/// The gateway's addresses, as they are on the host's end.
pub(crate) fn gateway_address(gateway: IpAddr) -> AddressSpec {
    let (v6, single) = (gateway.is_ipv6(), IpNetwork::from(gateway));
    let network = match v6 {
        true => IpNetwork::new(gateway, 64).unwrap_or(single),
        false => single,
    };
    AddressSpec {
        nodad: v6,
        scope: Scope::LINK,
        ..AddressSpec::new(network)
    }
}

/// The host's end, in the calling thread's namespace: settings, the gateway's addresses, the container's
/// neighbours. No route: those are the daemon's. To be called before the container's end is up, or the kernel
/// makes a link-local address of its own.
pub(crate) fn outside(
    netlink: &mut dyn Netlink,
    link: &Link,
    container: MacAddr,
    result: &CniResult,
) -> Result<(), Error> {
    // Best effort, as a kernel without IPv6 has no such setting.
    let _ = sysctl::ensure(&format!("net/ipv6/conf/{}/accept_ra", link.name), "0");
    for gateway in gateways(result) {
        match gateway.is_ipv6() {
            true => {
                let own = LinkChange {
                    addr_gen_mode: Some(AddrGenMode::None),
                    ..LinkChange::default()
                };
                netlink.change_link(link.index, &own)?;
                // A hardened host has new links without IPv6.
                let _ = sysctl::ensure(&format!("net/ipv6/conf/{}/disable_ipv6", link.name), "0");
            }
            // What a container sends under another's address goes no further.
            false => _ = sysctl::ensure(&format!("net/ipv4/conf/{}/rp_filter", link.name), "1")?,
        }
        netlink.add_address(link.index, &gateway_address(gateway))?;
    }
    for ip in &result.ips {
        neighbour(netlink, link, ip.address.ip(), container)?;
    }
    Ok(())
}

fn neighbour(
    netlink: &mut dyn Netlink,
    link: &Link,
    ip: IpAddr,
    mac: MacAddr,
) -> Result<(), Error> {
    Ok(netlink.replace_neighbour(&NeighbourSpec {
        index: link.index,
        ip,
        mac,
        protocol: 0,
    })?)
}
