//! Which network has the container's default routes.
//!
//! Each network's plugins set their own. Of each family one network keeps them: the one that `default-route` names,
//! by the gateways there (with none, by its own), else the first that has any. The others' are taken off, in the main
//! table alone: what routes by source has its own tables.

use crate::{error::Error, wire::Wire};
use fairway_cni::{CniResult, Route};
use fairway_netlink::{Family, Netlink, Route as KernelRoute, RouteFilter, RouteKind};
use std::net::IpAddr;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Of which family, and in the table that everybody looks into?
fn leads(route: &Route, family: Family) -> bool {
    let main = route.table.is_none_or(|table| table == KernelRoute::MAIN);
    main && route.dst == family.all()
}

/// Brings kernel and results to that.
pub(crate) fn settle(
    container: &mut dyn Netlink,
    wires: &[Wire],
    results: &mut [CniResult],
) -> Result<(), Error> {
    let mut links = Vec::new();
    for wire in wires {
        let link = container.link_by_name(wire.ifname.as_str())?;
        links.push(link.map(|link| link.index));
    }
    let there: Vec<_> = defaults(container)?;
    for family in FAMILIES {
        let has = |index: usize| {
            let link = links[index];
            let route = |route: &&KernelRoute| route.dst == family.all() && route.oif == link;
            link.is_some() && there.iter().any(|other| route(&other))
        };
        let asked = asked(wires, family);
        let keeper = match asked {
            Some((index, _)) => Some(index),
            None => {
                // One that names gateways of the other family alone says nothing of this one.
                let own = |wire: &Wire| wire.default_route.as_ref().is_some_and(Vec::is_empty);
                let named = wires.iter().position(own);
                named
                    .filter(|index| has(*index))
                    .or_else(|| (0..wires.len()).find(|index| has(*index)))
            }
        };
        for (index, result) in results.iter_mut().enumerate() {
            if keeper != Some(index) || asked.is_some() {
                take_off(container, &there, links[index], family)?;
                result.routes.retain(|route| !leads(route, family));
            }
        }
        if let (Some((index, gateways)), Some(result)) =
            (asked, keeper.and_then(|keeper| results.get_mut(keeper)))
        {
            lead(container, &wires[index], links[index], family, &gateways)?;
            let metrics = gateways.iter().enumerate();
            let routes = metrics.map(|(nth, gateway)| Route {
                priority: metric(family, nth),
                ..Route::new(family.all(), Some(*gateway))
            });
            result.routes.extend(routes);
        }
    }
    Ok(())
}

/// A container that had default routes keeps them: of those families, the interface's own are taken off.
pub(crate) fn keep(
    container: &mut dyn Netlink,
    former: &[KernelRoute],
    ifname: &str,
    result: &mut CniResult,
) -> Result<(), Error> {
    let link = container.link_by_name(ifname)?.map(|link| link.index);
    let there = defaults(container)?;
    for family in FAMILIES {
        if former.iter().any(|route| route.dst == family.all()) {
            take_off(container, &there, link, family)?;
            result.routes.retain(|route| !leads(route, family));
        }
    }
    Ok(())
}

/// Are the gateways that were asked for still there?
pub(crate) fn verify(container: &mut dyn Netlink, wires: &[Wire]) -> Result<(), Error> {
    let there = defaults(container)?;
    for family in FAMILIES {
        let Some((index, gateways)) = asked(wires, family) else {
            continue;
        };
        let ifname = wires[index].ifname.as_str();
        let link = container.link_by_name(ifname)?.map(|link| link.index);
        for gateway in gateways {
            let found = there
                .iter()
                .any(|route| route.oif == link && link.is_some() && route.gateway == Some(gateway));
            if !found {
                return Err(Error::Mismatch {
                    what: format!("default route by {gateway} and {ifname:?}"),
                    found: "missing".to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Who has gateways of the family written beside it, and which.
fn asked(wires: &[Wire], family: Family) -> Option<(usize, Vec<IpAddr>)> {
    wires.iter().enumerate().find_map(|(index, wire)| {
        let gateways = wire.default_route.iter().flatten().copied();
        let own: Vec<_> = gateways
            .filter(|gateway| Family::of(*gateway) == family)
            .collect();
        (!own.is_empty()).then_some((index, own))
    })
}

pub(crate) fn defaults(container: &mut dyn Netlink) -> Result<Vec<KernelRoute>, Error> {
    let mut routes = container.routes(&RouteFilter::default())?;
    routes.retain(|route| {
        route.is_default() && route.table == KernelRoute::MAIN && route.kind == RouteKind::UNICAST
    });
    Ok(routes)
}

fn take_off(
    container: &mut dyn Netlink,
    there: &[KernelRoute],
    link: Option<u32>,
    family: Family,
) -> Result<(), Error> {
    for route in there {
        if link.is_some() && route.oif == link && route.dst == family.all() {
            container.delete_route(route)?;
        }
    }
    Ok(())
}

/// The default routes by these gateways; the first one is used as long as it is there.
fn lead(
    container: &mut dyn Netlink,
    wire: &Wire,
    link: Option<u32>,
    family: Family,
    gateways: &[IpAddr],
) -> Result<(), Error> {
    let ifname = wire.ifname.as_str();
    let Some(link) = link else {
        return Err(Error::Mismatch {
            what: format!("{}.default-route: interface {ifname:?}", wire.field),
            found: "not found in the container".to_owned(),
        });
    };
    for (nth, gateway) in gateways.iter().enumerate() {
        let added = container.add_route(&KernelRoute {
            gateway: Some(*gateway),
            oif: Some(link),
            priority: metric(family, nth),
            ..KernelRoute::to(family.all())
        });
        added.map_err(|source| Error::Gateway {
            field: format!("{}.default-route", wire.field),
            gateway: *gateway,
            ifname: ifname.to_owned(),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

/// Of the first gateway the kernel's own, then one more each.
fn metric(family: Family, nth: usize) -> Option<u32> {
    let base = match family {
        Family::V4 => 0,
        Family::V6 => 1024,
    };
    let nth = u32::try_from(nth).unwrap_or(u32::MAX);
    (nth > 0).then(|| nth.saturating_add(base))
}

#[cfg(test)]
mod tests;
