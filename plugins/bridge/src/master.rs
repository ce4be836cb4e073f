//! The bridge itself: there, a bridge, up, and with the gateway's addresses.
//!
//! It is the node's and not one container's: an ADD that fails, and a DEL, leave it where it is, as
//! other containers may be coming to it at this very moment.

use crate::conf::BridgeConf;
use fairway_iface::Error;
use fairway_netlink::{
    AddressSpec, BridgeChange, BridgeSpec, Family, Link, LinkChange, LinkKind, MacAddr, Netlink,
    sysctl,
};
use ipnetwork::IpNetwork;

/// What the bridge has to be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its MTU if it has to be made; an existing one keeps its own.
    pub(crate) mtu: Option<u32>,
    /// Promiscuous; never switched off, as somebody else may want it.
    pub(crate) promisc: bool,
    /// Sorting by VLAN; never switched off either.
    pub(crate) vlan_filtering: bool,
}

/// Makes the bridge or brings it to what is wanted.
pub(crate) fn ensure(host: &mut dyn Netlink, wanted: Wanted<'_>) -> Result<Link, Error> {
    let vanished = || Error::Vanished {
        name: wanted.name.to_owned(),
    };
    let link = match host.link_by_name(wanted.name)? {
        Some(link) => link,
        None => {
            create(host, wanted)?;
            host.link_by_name(wanted.name)?.ok_or_else(vanished)?
        }
    };
    let Some(LinkKind::Bridge { vlan_filtering }) = link.kind else {
        return Err(Error::Conflict {
            name: wanted.name.to_owned(),
            reason: "is not a bridge".to_owned(),
        });
    };
    if wanted.vlan_filtering && !vlan_filtering {
        let change = BridgeChange {
            vlan_filtering: Some(true),
        };
        host.set_bridge(link.index, &change)?;
    }
    // We own this link's routes: a router's advertisement must not add any. Best effort, as a
    // kernel without IPv6 has no such setting.
    let _ = sysctl::ensure(&format!("net/ipv6/conf/{}/accept_ra", wanted.name), "0");
    let promisc = wanted.promisc && !link.promisc;
    if promisc || !link.up {
        let change = LinkChange {
            up: Some(true),
            promisc: promisc.then_some(true),
            ..LinkChange::default()
        };
        host.change_link(link.index, &change)?;
    }
    Ok(link)
}

/// Makes it, down; somebody may have been quicker, as two containers can be the first at the same time.
fn create(host: &mut dyn Netlink, wanted: Wanted<'_>) -> Result<(), Error> {
    let spec = BridgeSpec {
        name: wanted.name.to_owned(),
        mtu: wanted.mtu,
        vlan_filtering: wanted.vlan_filtering,
        // A bridge takes the least hardware address of its ports, so that it would change as containers
        // come and go, unless it has one of its own from the start.
        mac: MacAddr::random().ok(),
        ..BridgeSpec::default()
    };
    match host.create_bridge(&spec) {
        Err(error) if !error.is_exists() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Puts a gateway's address on the bridge (or on its VLAN's interface).
///
/// One IPv4 address at most, and no two IPv6 subnets that overlap: another one is replaced where
/// `forceAddress` says so, and an error otherwise.
pub(crate) fn ensure_address(
    host: &mut dyn Netlink,
    link: &Link,
    gateway: IpNetwork,
    conf: &BridgeConf,
) -> Result<(), Error> {
    // Another family's are never in the way.
    let there = host.addresses_of(link.index, Family::of(gateway.ip()))?;
    if there.iter().any(|address| address.ip == gateway) {
        return Ok(());
    }
    for other in there.iter().filter(|other| clash(other.ip, gateway)) {
        if !conf.force_address {
            return Err(Error::Conflict {
                name: link.name.clone(),
                reason: format!(
                    "has address {}, which is not {gateway} (forceAddress would replace it)",
                    other.ip
                ),
            });
        }
        host.delete_address(link.index, other.ip)?;
    }
    let address = AddressSpec {
        // Or the first container of a node would be without its gateway for a second or two.
        nodad: gateway.is_ipv6() && !conf.dad,
        ..AddressSpec::new(gateway)
    };
    match host.add_address(link.index, &address) {
        Err(error) if !error.is_exists() => return Err(error.into()),
        _ => {}
    }
    // Its own from before the container's port came, which it may have taken on by now. A bridge that has
    // lost its last port has none of its own any more (the kernel zeroes it): then the new port's.
    let mac = match link.mac.filter(|mac| *mac != MacAddr::default()) {
        None => host.link_by_index(link.index)?.and_then(|link| link.mac),
        own => own,
    };
    let pin = LinkChange {
        mac,
        ..LinkChange::default()
    };
    Ok(host.change_link(link.index, &pin)?)
}

fn clash(there: IpNetwork, wanted: IpNetwork) -> bool {
    match (there, wanted) {
        (IpNetwork::V4(_), IpNetwork::V4(_)) => true,
        (IpNetwork::V6(a), IpNetwork::V6(b)) => a.contains(b.ip()) || b.contains(a.ip()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_clash() {
        for (there, wanted, expected) in [
            ("10.0.0.1/24", "10.1.0.1/24", true),
            ("10.0.0.1/24", "fd00::1/64", false),
            ("fd00::1/64", "fd00::2/64", true),
            ("fd00::1/64", "fd01::1/64", false),
            ("fe80::1/64", "fd01::1/64", false),
        ] {
            assert_eq!(
                clash(there.parse().unwrap(), wanted.parse().unwrap()),
                expected,
                "{there} {wanted}"
            );
        }
    }
}
