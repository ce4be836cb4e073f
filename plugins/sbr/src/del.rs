//! DEL: rules for addresses that the interface has, or that the result names; and what is in their tables of the
//! interface, which may outlive its container.

use fairway_cni::{CniResult, Failure};
use fairway_iface::Error;
use fairway_netlink::{Netlink, RouteFilter};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

pub(crate) fn del(
    container: &mut dyn Netlink,
    table: Option<u32>,
    ifname: &str,
    prev: &CniResult,
) -> Result<(), Failure> {
    let link = container.link_by_name(ifname).map_err(Error::from)?;
    let mut ips: Vec<IpAddr> = Vec::new();
    if let Some(link) = &link {
        let addresses = container.addresses(Some(link.index)).map_err(Error::from)?;
        ips.extend(addresses.iter().map(|address| address.ip.ip()));
    }
    let named = prev.ips.iter().filter(|ip| {
        let interface = ip.interface.and_then(|index| prev.interfaces.get(index));
        interface.is_none_or(|interface| interface.name == ifname)
    });
    ips.extend(named.map(|ip| ip.address.ip()));
    let mut failures: Vec<Failure> = Vec::new();
    let rules = container.rules(None).map_err(Error::from)?;
    for rule in rules {
        let ours = rule.src.is_some_and(|src| {
            ips.iter().any(|ip| src == IpNetwork::from(*ip))
                && table.is_none_or(|table| rule.action.table() == Some(table))
        });
        if !ours {
            continue;
        }
        if let Err(error) = container.delete_rule(&rule) {
            failures.push(Error::from(error).into());
            continue;
        }
        // A table that was named is somebody else's.
        if let (None, Some(link), Some(theirs)) = (table, &link, rule.action.table())
            && theirs != fairway_netlink::Route::MAIN
        {
            failures.extend(empty(container, link.index, theirs).err());
        }
    }
    Failure::collect(failures).map_or(Ok(()), Err)
}

fn empty(container: &mut dyn Netlink, index: u32, table: u32) -> Result<(), Failure> {
    let filter = RouteFilter {
        table: Some(table),
        oif: Some(index),
        ..RouteFilter::default()
    };
    for route in container.routes(&filter).map_err(Error::from)? {
        container.delete_route(&route).map_err(Error::from)?;
    }
    Ok(())
}
