//! CHECK: is what `prevResult` says still so?
//!
//! Later plugins of a chain may add addresses, routes and links, and may rename or replace the resolver;
//! what is judged is only that everything in the result is there.

use crate::Error;
use fairway_cni::{CniResult, Interface, IpConfig, Sandbox};
use fairway_netlink::{Family, Link, Netlink, Route, RouteFilter};

/// The container's interface in `prevResult`: the name and the namespace that the runtime asks about.
pub fn container_interface<'a>(
    prev: &'a CniResult,
    sandbox: &Sandbox,
) -> Result<&'a Interface, Error> {
    let ifname = sandbox.attachment.ifname.as_str();
    let named = prev
        .interfaces
        .iter()
        .filter(|interface| interface.name == ifname);
    let mut inside = named.filter(|interface| interface.sandbox.is_some());
    match inside
        .clone()
        .find(|interface| interface.sandbox.as_deref() == Some(&sandbox.netns))
    {
        Some(interface) => Ok(interface),
        None => Err(match inside.next() {
            Some(other) => Error::mismatch(
                format_args!("prevResult: interface {ifname:?}"),
                format_args!(
                    "sandbox {:?} is not the CNI_NETNS {:?}",
                    other.sandbox.as_deref().unwrap_or_default(),
                    sandbox.netns
                ),
            ),
            None => Error::mismatch(
                format_args!("prevResult: interface {ifname:?}"),
                "missing, or not in a sandbox",
            ),
        }),
    }
}

/// The link of that name, which must be there with the hardware address that the result names.
pub fn link(netlink: &mut dyn Netlink, interface: &Interface, what: &str) -> Result<Link, Error> {
    let subject = format!("{what} {:?}", interface.name);
    let link = netlink
        .link_by_name(&interface.name)?
        .ok_or_else(|| Error::mismatch(&subject, "not found"))?;
    match (&interface.mac, link.mac) {
        (Some(expected), Some(mac)) if !expected.eq_ignore_ascii_case(&mac.to_string()) => {
            Err(Error::mismatch(
                subject,
                format_args!("hardware address is {mac}, expected {expected}"),
            ))
        }
        _ => Ok(link),
    }
}

/// The result with only those addresses that are the interface's: a later plugin of the chain may have
/// added others, on interfaces of its own.
pub fn own(prev: &CniResult, ifname: &str) -> CniResult {
    let elsewhere = |ip: &IpConfig| {
        ip.interface
            .and_then(|index| prev.interfaces.get(index))
            .is_some_and(|interface| interface.name != ifname)
    };
    let mut own = prev.clone();
    own.ips.retain(|ip| !elsewhere(ip));
    own
}

/// Every address of the result that is on interface `index` of the result is on `link`.
pub fn addresses(container: &mut dyn Netlink, link: &Link, prev: &CniResult) -> Result<(), Error> {
    let there = container.addresses(Some(link.index))?;
    for ip in &own(prev, &link.name).ips {
        match there.iter().find(|address| address.ip == ip.address) {
            None => {
                return Err(Error::mismatch(
                    format_args!("address {} on {:?}", ip.address, link.name),
                    "missing",
                ));
            }
            Some(address) if address.dad_failed => {
                return Err(Error::DuplicateAddress {
                    address: ip.address,
                    ifname: link.name.clone(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Every route of the result is in the container, in its table, by its gateway where it names one.
pub fn routes(container: &mut dyn Netlink, prev: &CniResult) -> Result<(), Error> {
    for (family, v6) in [(Family::V4, false), (Family::V6, true)] {
        let mut wanted = prev
            .routes
            .iter()
            .filter(|route| route.dst.is_ipv6() == v6)
            .peekable();
        if wanted.peek().is_none() {
            continue;
        }
        let there = container.routes(&RouteFilter {
            family: Some(family),
            table: None,
            ..RouteFilter::default()
        })?;
        for route in wanted {
            let table = route.table.unwrap_or(Route::MAIN);
            let same = |r: &&Route| {
                r.dst == route.dst
                    && r.table == table
                    && (route.gw.is_none() || r.gateway == route.gw)
            };
            if !there.iter().any(|r| same(&r)) {
                let via = route.gw.map_or_else(String::new, |gw| format!(" via {gw}"));
                return Err(Error::mismatch(
                    format_args!("route {}{via}", route.dst),
                    "missing",
                ));
            }
        }
    }
    Ok(())
}
