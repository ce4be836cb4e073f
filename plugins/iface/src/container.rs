//! The container's end: settings, addresses, up, routes.

use crate::Error;
use fairway_cni::{IpConfig, Route};
use fairway_netlink::{
    AddressSpec, Link, LinkChange, NetNs, Netlink, OperState, Scope,
    sysctl::{self, SysctlError},
};
use ipnetwork::IpNetwork;
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// How long duplicate address detection may take.
const DAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How often its state is looked at.
const DAD_INTERVAL: Duration = Duration::from_millis(10);

/// What is done about duplicate address detection (RFC 4862, section 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dad {
    /// Off for the interface: IPAM has seen to it that the address is free.
    Off,
    /// On; ADD waits until it is over.
    Wait,
    /// The kernel's own setting for the interface; ADD waits where it is on.
    AsItIs,
    /// The kernel's own setting for the interface, but none for our addresses.
    Skip,
}

/// The kernel settings of the container's interface, in its namespace. IPv6 is switched on where
/// there is an IPv6 address and somebody had switched it off.
pub fn settings(
    netns: &NetNs,
    ifname: &str,
    ips: &[IpConfig],
    dad: Dad,
    arp_notify: bool,
) -> Result<(), Error> {
    let v6 = ips.iter().any(|ip| ip.address.is_ipv6());
    netns.run(|| {
        let (four, six) = (
            format!("net/ipv4/conf/{ifname}"),
            format!("net/ipv6/conf/{ifname}"),
        );
        match dad {
            Dad::Off => optional(sysctl::write(&format!("{six}/accept_dad"), "0"))?,
            Dad::Wait => {
                optional(sysctl::write(&format!("{six}/enhanced_dad"), "1"))?;
                optional(sysctl::write(&format!("{six}/accept_dad"), "1"))?;
            }
            Dad::AsItIs | Dad::Skip => {}
        }
        if arp_notify {
            optional(sysctl::write(&format!("{four}/arp_notify"), "1"))?;
        }
        if v6 {
            for name in ["lo", ifname] {
                optional(
                    sysctl::ensure(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0").map(drop),
                )?;
            }
            // Or an address would be lost as soon as the link goes down.
            sysctl::write(&format!("{six}/keep_addr_on_down"), "1")?;
        }
        Ok(())
    })?
}

/// Has the interface tell its neighbours of its addresses as it goes up, and whenever its hardware address
/// changes: by gratuitous ARP, and (`nd`) by unsolicited neighbour advertisements.
pub fn announce(netns: &NetNs, ifname: &str, nd: bool) -> Result<(), Error> {
    netns.run(|| {
        optional(sysctl::write(
            &format!("net/ipv4/conf/{ifname}/arp_notify"),
            "1",
        ))?;
        match nd {
            true => optional(sysctl::write(
                &format!("net/ipv6/conf/{ifname}/ndisc_notify"),
                "1",
            )),
            false => Ok(()),
        }
    })?
}

/// A setting that this kernel may not have, or that may be read-only: neither keeps a container from
/// its network.
fn optional(result: Result<(), SysctlError>) -> Result<(), Error> {
    match result {
        Err(error @ SysctlError::Key(_)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Adds the addresses, sets the link up, waits for duplicate address detection where asked, adds the
/// routes. A route without a gateway gets the first one of its family.
pub fn configure(
    container: &mut dyn Netlink,
    link: &Link,
    ips: &[IpConfig],
    routes: &[Route],
    dad: Dad,
) -> Result<(), Error> {
    ips.iter().try_for_each(check_family)?;
    let addresses = ips.iter().map(|ip| AddressSpec {
        nodad: dad == Dad::Skip && ip.address.is_ipv6(),
        ..AddressSpec::new(ip.address)
    });
    let addresses: Vec<_> = addresses.collect();
    if matches!(dad, Dad::Wait | Dad::AsItIs) && ips.iter().any(|ip| ip.address.is_ipv6()) {
        container.bring_up(link.index, &addresses, &[])?;
        settle(container, link, ips)?;
        return add_routes(container, link, ips, routes);
    }
    let routes: Vec<_> = by(link, ips, routes).collect();
    Ok(container.bring_up(link.index, &addresses, &routes)?)
}

/// Adds routes by the container's interface.
pub fn add_routes(
    container: &mut dyn Netlink,
    link: &Link,
    ips: &[IpConfig],
    routes: &[Route],
) -> Result<(), Error> {
    for route in by(link, ips, routes) {
        container.add_route_ecmp(&route)?;
    }
    Ok(())
}

/// The routes as the kernel is to have them.
fn by(
    link: &Link,
    ips: &[IpConfig],
    routes: &[Route],
) -> impl Iterator<Item = fairway_netlink::Route> {
    routes.iter().map(|route| fairway_netlink::Route {
        gateway: route.gw.or_else(|| first_gateway(ips, route.dst.is_ipv6())),
        oif: Some(link.index),
        priority: route.priority,
        table: route.table.unwrap_or(fairway_netlink::Route::MAIN),
        scope: route.scope.map_or(Scope::UNIVERSE, Scope),
        mtu: route.mtu,
        advmss: route.advmss,
        ..fairway_netlink::Route::to(route.dst)
    })
}

/// The addresses of a link that is routed to, each without a route to its network, and the link up.
pub fn set_up_routed(
    netlink: &mut dyn Netlink,
    link: &Link,
    ips: &[IpConfig],
) -> Result<(), Error> {
    Ok(netlink.bring_up(link.index, &routed(ips), &[])?)
}

/// The same, with routes: first those that lead to the gateways.
pub fn bring_up_routed(
    netlink: &mut dyn Netlink,
    link: &Link,
    ips: &[IpConfig],
    to_gateways: Vec<fairway_netlink::Route>,
    routes: &[Route],
) -> Result<(), Error> {
    let mut all = to_gateways;
    all.extend(by(link, ips, routes));
    Ok(netlink.bring_up(link.index, &routed(ips), &all)?)
}

fn routed(ips: &[IpConfig]) -> Vec<AddressSpec> {
    let addresses = ips.iter().map(|ip| AddressSpec {
        nodad: ip.address.is_ipv6(),
        no_prefix_route: true,
        ..AddressSpec::new(ip.address)
    });
    addresses.collect()
}

/// Sets a link up.
pub fn set_up(netlink: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
    let up = LinkChange {
        up: Some(true),
        ..LinkChange::default()
    };
    Ok(netlink.change_link(link.index, &up)?)
}

/// The gateway of the first address of a family.
pub fn first_gateway(ips: &[IpConfig], v6: bool) -> Option<IpAddr> {
    ips.iter()
        .filter(|ip| ip.address.is_ipv6() == v6)
        .find_map(|ip| ip.gateway)
}

fn check_family(ip: &IpConfig) -> Result<(), Error> {
    match ip.gateway {
        Some(gateway) if gateway.is_ipv6() != ip.address.is_ipv6() => Err(Error::GatewayFamily {
            address: ip.address,
            gateway,
        }),
        _ => Ok(()),
    }
}

/// Waits until none of our addresses is tentative.
fn settle(container: &mut dyn Netlink, link: &Link, ips: &[IpConfig]) -> Result<(), Error> {
    let deadline = Instant::now() + DAD_TIMEOUT;
    let ours = |ip: IpNetwork| ips.iter().any(|own| own.address == ip);
    loop {
        let addresses = container.addresses(Some(link.index))?;
        if let Some(failed) = addresses.iter().find(|a| a.dad_failed && ours(a.ip)) {
            return Err(Error::DuplicateAddress {
                address: failed.ip,
                ifname: link.name.clone(),
            });
        }
        if !addresses.iter().any(|a| a.tentative && ours(a.ip)) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            // Without carrier detection never begins, and nobody can be in the way either.
            let now = container.link_by_index(link.index)?;
            return match now.map(|link| link.oper) {
                Some(OperState::Up) => Err(Error::Unsettled {
                    what: "duplicate address detection",
                    ifname: link.name.clone(),
                    seconds: DAD_TIMEOUT.as_secs(),
                }),
                _ => Ok(()),
            };
        }
        pause(DAD_INTERVAL);
    }
}

/// Waits a moment between two looks at the kernel.
pub(crate) fn pause(interval: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "between two looks, bounded by the caller's deadline"
    )]
    std::thread::sleep(interval);
}
