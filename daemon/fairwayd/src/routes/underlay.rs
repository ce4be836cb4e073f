//! This node's place in the underlay: which link, which addresses, how large a packet.
//!
//! flannel takes the link of the default route and stops there; Calico takes the first link whose name is
//! not on a list. Here: the link that an operator names; else the one of the default route; else, of those
//! that lead to other machines, the only one, or the one with the lowest index. Links that containers hang
//! on are never it.

use crate::alias;
use fairway_fib::names;
use fairway_ipam::record::{UnderlayAddress, UnderlayRecord};
use fairway_netlink::{Address, Link, Netlink, Result, Route, RouteFilter, Scope};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where this node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The link.
    pub link: String,
    /// What other nodes are told.
    pub record: UnderlayRecord,
}

impl Found {
    pub(super) fn v4(&self) -> Option<Ipv4Addr> {
        self.addresses().find_map(|ip| match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
    }

    pub(super) fn v6(&self) -> Option<Ipv6Addr> {
        self.addresses().find_map(|ip| match ip {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        })
    }

    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.record.addresses.iter().map(|address| address.address)
    }
}

/// Looks. `named`: the link that an operator wants; `last`: the one that it was so far. None: there is no such link, or it has no address.
pub(super) fn find(
    netlink: &mut impl Netlink,
    named: Option<&str>,
    last: Option<&str>,
) -> Result<Option<Found>> {
    let links = netlink.links()?;
    let addresses = netlink.addresses(None)?;
    let routes = netlink.routes(&RouteFilter::default())?;
    Ok(choose(&links, &addresses, &routes, named, last))
}

fn choose(
    links: &[Link],
    addresses: &[Address],
    routes: &[Route],
    named: Option<&str>,
    last: Option<&str>,
) -> Option<Found> {
    let record = |link: &Link| {
        let record = of(link, addresses);
        (!record.addresses.is_empty()).then(|| Found {
            link: link.name.clone(),
            record,
        })
    };
    if let Some(named) = named {
        let link = links.iter().find(|link| link.name == named)?;
        return record(link);
    }
    let by_index = |index: u32| links.iter().find(|link| link.index == index);
    let mut defaults: Vec<_> = routes.iter().filter(|route| route.is_default()).collect();
    // IPv4's before IPv6's, the better metric first.
    defaults.sort_by_key(|route| (route.dst.is_ipv6(), route.priority.unwrap_or(0)));
    let mut defaults = defaults.iter().filter_map(|route| by_index(route.oif?));
    let default = defaults.find_map(|link| record(link).filter(|_| !is_containers(link)));
    // A default route may be away for a moment: whoever renews it takes it away first.
    let last = links
        .iter()
        .find(|link| link.up && Some(link.name.as_str()) == last);
    default.or_else(|| last.and_then(record)).or_else(|| {
        let mut leading: Vec<_> = links.iter().filter(|link| leads_out(link)).collect();
        leading.sort_by_key(|link| link.index);
        leading.into_iter().find_map(record)
    })
}

/// The first global address of each family, and the link's MTU.
fn of(link: &Link, addresses: &[Address]) -> UnderlayRecord {
    let own = addresses.iter().filter(|a| a.index == link.index);
    let global =
        own.filter(|a| a.scope == Scope::UNIVERSE && !a.secondary && !a.dad_failed && !a.tentative);
    let global: Vec<_> = global.collect();
    let first = |v6: bool| {
        let found = global.iter().find(|a| a.ip.is_ipv6() == v6)?;
        Some(UnderlayAddress {
            address: found.ip.ip(),
            prefix: found.ip.prefix(),
        })
    };
    UnderlayRecord {
        mtu: link.mtu.min(u32::from(u16::MAX)),
        addresses: [first(false), first(true)].into_iter().flatten().collect(),
    }
}

fn is_containers(link: &Link) -> bool {
    link.name == names::DEVICE || link.alias.as_deref().is_some_and(alias::marks)
}

fn leads_out(link: &Link) -> bool {
    let inner = ["tun", "dummy", "ifb", "wireguard", "ipip", "sit", "gre"];
    let inner = |kind: &str| inner.contains(&kind);
    link.up
        && link.name != "lo"
        && !is_containers(link)
        && link.master.is_none()
        && match &link.kind {
            None
            | Some(
                fairway_netlink::LinkKind::Veth
                | fairway_netlink::LinkKind::Macvlan(_)
                | fairway_netlink::LinkKind::Ipvlan(_)
                | fairway_netlink::LinkKind::Vlan { .. },
            ) => true,
            Some(fairway_netlink::LinkKind::Other(kind)) => !inner(kind),
            Some(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_netlink::LinkKind;

    fn link(index: u32, name: &str) -> Link {
        let mut link = Link::new(index, name);
        link.up = true;
        link
    }

    fn address(index: u32, text: &str) -> Address {
        let mut address = Address::new(index, text.parse().unwrap());
        address.scope = match text.starts_with("fe80") || text.starts_with("169.254") {
            true => Scope::LINK,
            false => Scope::UNIVERSE,
        };
        address
    }

    fn default(index: u32, metric: u32) -> Route {
        Route {
            oif: Some(index),
            priority: Some(metric),
            ..Route::to("0.0.0.0/0".parse().unwrap())
        }
    }

    fn found(found: Option<Found>) -> String {
        let Some(found) = found else {
            return "none".into();
        };
        let addresses = found.record.addresses.iter();
        let addresses: Vec<_> = addresses
            .map(|a| format!("{}/{}", a.address, a.prefix))
            .collect();
        format!(
            "{} {} {}",
            found.link,
            found.record.mtu,
            addresses.join(" ")
        )
    }

    #[test]
    fn the_default_routes_link_is_it_unless_another_is_named() {
        let mut pod = link(4, "fw01234567");
        pod.alias = Some("fairway:net/c1/eth0".into());
        let mut bridge = link(5, "cni0");
        bridge.kind = Some(LinkKind::Bridge {
            vlan_filtering: false,
        });
        let links = [link(1, "lo"), bridge, pod, link(2, "eth0"), link(3, "eth1")];
        let addresses = [
            address(1, "127.0.0.1/8"),
            address(4, "169.254.1.1/32"),
            address(5, "10.9.0.1/16"),
            address(2, "fe80::1/64"),
            address(2, "192.0.2.7/24"),
            address(2, "192.0.2.8/24"),
            address(3, "198.51.100.7/24"),
            address(3, "2001:db8::7/64"),
        ];
        let looked =
            |routes: &[Route], named, last| found(choose(&links, &addresses, routes, named, last));
        let choose = |routes: &[Route], named| looked(routes, named, None);
        // The default route is away for a moment.
        let eth1_last = looked(&[], None, Some("eth1"));
        assert!(eth1_last.starts_with("eth1 "), "{eth1_last}");
        assert!(looked(&[default(2, 1)], None, Some("eth1")).starts_with("eth0 "));
        assert_eq!(choose(&[], None), "eth0 1500 192.0.2.7/24");
        let eth1 = "eth1 1500 198.51.100.7/24 2001:db8::7/64";
        assert_eq!(choose(&[default(2, 100), default(3, 50)], None), eth1);
        assert_eq!(choose(&[default(2, 100)], Some("eth1")), eth1);
        assert_eq!(choose(&[default(2, 100)], Some("eth9")), "none");
        // A default route into a container is nobody's underlay.
        assert_eq!(choose(&[default(4, 1)], None), "eth0 1500 192.0.2.7/24");
    }
}
