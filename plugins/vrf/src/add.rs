//! ADD.

use crate::conf::Conf;
use crate::{missing, table_of};
use fairway_cni::{Failure, Steps};
use fairway_iface::Error;
use fairway_netlink::{
    Address, AddressSpec, Link, LinkChange, Netlink, Route, RouteFilter, Scope, VrfSpec,
};

/// The kernel's own tables: default, main, local.
const OF_THE_KERNEL: std::ops::RangeInclusive<u32> = 253..=255;

pub(crate) fn add<N: Netlink>(container: &mut N, conf: &Conf, ifname: &str) -> Result<(), Failure> {
    let link = container.link_by_name(ifname).map_err(Error::from)?;
    let link = link.ok_or_else(|| missing(ifname))?;
    Steps::run(container, |container, steps| {
        let (vrf, table) = vrf(container, steps, conf)?;
        match link.master {
            Some(master) if master == vrf => return Ok(()),
            Some(master) => {
                let other = container.link_by_index(master).map_err(Error::from)?;
                let other = other.map_or_else(|| master.to_string(), |other| other.name);
                return Err(Error::Conflict {
                    name: ifname.to_owned(),
                    reason: format!("belongs to {other:?}"),
                }
                .into());
            }
            None => {}
        }
        let before = Before::of(container, &link)?;
        let index = link.index;
        let back = before.clone();
        steps.push("interface", move |container: &mut N| {
            let link = container.link_by_index(index).map_err(Error::from)?;
            let Some(link) = link else {
                return Ok(());
            };
            if link.master.is_some() {
                set_master(container, index, None)?;
            }
            Ok(back.put(container, index, Route::MAIN)?)
        });
        set_master(container, index, Some(vrf))?;
        Ok(before.put(container, index, table)?)
    })
}

/// The VRF of that name and its table, made where it is not there.
fn vrf<N: Netlink>(
    container: &mut N,
    steps: &mut Steps<'_, N>,
    conf: &Conf,
) -> Result<(u32, u32), Failure> {
    if let Some(there) = container.link_by_name(&conf.name).map_err(Error::from)? {
        let conflict = |reason: String| Error::Conflict {
            name: conf.name.clone(),
            reason,
        };
        let table = table_of(&there).ok_or_else(|| conflict("is no vrf".to_owned()))?;
        return match conf.table {
            Some(wanted) if wanted != table => {
                Err(conflict(format!("has table {table}, not {wanted}")).into())
            }
            _ => Ok((there.index, table)),
        };
    }
    let table = match conf.table {
        Some(table) => table,
        None => free_table(container)?,
    };
    let spec = VrfSpec {
        name: conf.name.clone(),
        table,
    };
    container.create_vrf(&spec).map_err(Error::from)?;
    let made = container.link_by_name(&conf.name).map_err(Error::from)?;
    let index = made
        .ok_or_else(|| Error::Vanished {
            name: conf.name.clone(),
        })?
        .index;
    steps.push("vrf", move |container: &mut N| {
        Ok(container
            .delete_link(index)
            .map(drop)
            .map_err(Error::from)?)
    });
    Ok((index, table))
}

/// The first table that no VRF has, no rule leads to and no route is in.
fn free_table(container: &mut dyn Netlink) -> Result<u32, Error> {
    let links = container.links()?;
    let rules = container.rules(None)?;
    let routes = container.routes(&RouteFilter {
        table: None,
        ..RouteFilter::default()
    })?;
    let taken = |table: u32| {
        OF_THE_KERNEL.contains(&table)
            || links.iter().any(|link| table_of(link) == Some(table))
            || rules.iter().any(|rule| rule.action.table() == Some(table))
            || routes.iter().any(|route| route.table == table)
    };
    Ok((1..).find(|table| !taken(*table)).unwrap_or(1))
}

fn set_master(container: &mut dyn Netlink, index: u32, master: Option<u32>) -> Result<(), Error> {
    let change = LinkChange {
        master: Some(master),
        ..LinkChange::default()
    };
    Ok(container.change_link(index, &change)?)
}

/// What an interface loses when it changes its master: addresses of IPv6, and routes that are not the kernel's own.
#[derive(Debug, Clone)]
struct Before {
    addresses: Vec<Address>,
    routes: Vec<Route>,
}

impl Before {
    fn of(container: &mut dyn Netlink, link: &Link) -> Result<Self, Error> {
        let mut addresses = container.addresses(Some(link.index))?;
        addresses.retain(|address| {
            address.ip.is_ipv6() && address.scope == Scope::UNIVERSE && address.permanent
        });
        let mut routes = container.routes(&RouteFilter {
            oif: Some(link.index),
            ..RouteFilter::default()
        })?;
        routes.retain(|route| route.protocol != Route::KERNEL);
        // A gateway must be reached by what is there already.
        routes.sort_by_key(|route| route.gateway.is_some());
        Ok(Self { addresses, routes })
    }

    /// Puts it back, the routes into that table.
    fn put(&self, container: &mut dyn Netlink, index: u32, table: u32) -> Result<(), Error> {
        for address in &self.addresses {
            // It was found to be nobody else's when it came.
            let spec = AddressSpec {
                nodad: true,
                ..AddressSpec::new(address.ip)
            };
            match container.add_address(index, &spec) {
                Err(error) if error.is_exists() => {}
                done => done?,
            }
        }
        for route in &self.routes {
            let route = Route {
                table,
                ..route.clone()
            };
            container.replace_route(&route)?;
        }
        Ok(())
    }
}
