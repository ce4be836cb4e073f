//! ADD.

use crate::conf::{Conf, Source};
use fairway_cni::{Failure, Steps};
use fairway_iface::Error;
use fairway_netlink::{Family, Link, Netlink, Route, RouteFilter, Rule, RuleAction, Scope};
use ipnetwork::IpNetwork;

/// Where the search for a table begins that nobody uses.
const FIRST_TABLE: u32 = 100;
/// The priority of the kernel's rule for the main table.
const MAIN_PRIORITY: u32 = 32_766;

pub(crate) fn add<N: Netlink>(
    container: &mut N,
    conf: &Conf,
    ifname: &str,
    sources: &[Source],
) -> Result<(), Failure> {
    Steps::run(container, |container, steps| match conf.table {
        Some(table) => sources
            .iter()
            .try_for_each(|source| add_rule(container, steps, source, table)),
        None => {
            let link = container.link_by_name(ifname).map_err(Error::from)?;
            let link = link.ok_or_else(|| missing(ifname))?;
            lead(container, steps, conf, &link, sources)
        }
    })
}

pub(crate) fn missing(ifname: &str) -> Error {
    Error::mismatch(
        format_args!("CNI_IFNAME: interface {ifname:?}"),
        "not found",
    )
}

/// A table for each address, with the interface's routes; and the main table without them.
fn lead<N: Netlink>(
    container: &mut N,
    steps: &mut Steps<'_, N>,
    conf: &Conf,
    link: &Link,
    sources: &[Source],
) -> Result<(), Failure> {
    let routes = main_routes(container, link)?;
    for source in sources {
        let (table, new) = table_of(container, source)?;
        for route in wanted(&routes, link, source, table) {
            put(container, steps, route)?;
        }
        if new {
            add_rule(container, steps, source, table)?;
        }
    }
    if conf.source_hints {
        for source in sources {
            let mut hint = Route::to(subnet(source.address));
            hint.oif = Some(link.index);
            hint.prefsrc = Some(source.address.ip());
            if source.address.is_ipv4() {
                hint.scope = Scope::LINK;
            }
            let known = routes.iter().find(|route| same_place(route, &hint));
            // Of IPv6 the metric says which route it is.
            hint.priority = known.and_then(|route| route.priority);
            put(container, steps, hint)?;
        }
    }
    for route in routes {
        if conf.source_hints && is_on_link(&route) {
            continue;
        }
        container.delete_route(&route).map_err(Error::from)?;
        steps.push("route of the main table", move |container: &mut N| {
            Ok(container.replace_route(&route).map_err(Error::from)?)
        });
    }
    Ok(())
}

/// Is its destination reached without a gateway?
fn is_on_link(route: &Route) -> bool {
    route.gateway.is_none()
}

fn same_place(one: &Route, other: &Route) -> bool {
    (one.dst, one.table, one.oif) == (other.dst, other.table, other.oif)
}

/// What the kernel keeps for itself about the interface is in other tables.
fn main_routes(container: &mut dyn Netlink, link: &Link) -> Result<Vec<Route>, Error> {
    let filter = RouteFilter {
        oif: Some(link.index),
        ..RouteFilter::default()
    };
    Ok(container.routes(&filter)?)
}

fn subnet(address: IpNetwork) -> IpNetwork {
    IpNetwork::new(address.network(), address.prefix()).unwrap_or(address)
}

/// The routes of an address's table: the interface's that are for its family and not for another of its addresses, and
/// a default route, which an earlier plugin may not have set.
fn wanted(routes: &[Route], link: &Link, source: &Source, table: u32) -> Vec<Route> {
    let v4 = source.address.is_ipv4();
    let covers = |ip: Option<std::net::IpAddr>| ip.is_some_and(|ip| source.address.contains(ip));
    // On the link first, since a gateway must be reached by what is there already.
    let own = routes.iter().filter(|route| {
        route.dst.is_ipv4() == v4
            && (covers(route.prefsrc)
                || covers(route.gateway)
                || (route.prefsrc.is_none() && route.gateway.is_none()))
    });
    let mut all: Vec<Route> = own
        .map(|route| Route {
            table,
            ..route.clone()
        })
        .collect();
    all.sort_by_key(|route| route.gateway.is_some());
    let has_default = all.iter().any(Route::is_default);
    if let (Some(gateway), false) = (source.gateway, has_default) {
        let mut default = Route::to(Family::of(gateway).all());
        default.gateway = Some(gateway);
        default.oif = Some(link.index);
        default.table = table;
        all.push(default);
    }
    // Who is configured as gateway goes before who was.
    if let Some(gateway) = source.gateway {
        for route in all.iter_mut().filter(|route| route.is_default()) {
            route.gateway = route.gateway.map(|_| gateway);
        }
    }
    all
}

/// Puts a route in its place, and pushes what puts back what was there.
fn put<N: Netlink>(
    container: &mut N,
    steps: &mut Steps<'_, N>,
    route: Route,
) -> Result<(), Failure> {
    let filter = RouteFilter {
        family: Some(Family::of(route.dst.ip())),
        table: Some(route.table),
        oif: route.oif,
        protocol: None,
    };
    let there = container.routes(&filter).map_err(Error::from)?;
    let before = there
        .into_iter()
        .find(|known| known.dst == route.dst && known.priority == route.priority);
    if before.as_ref() == Some(&route) {
        return Ok(());
    }
    container.replace_route(&route).map_err(Error::from)?;
    steps.push("route", move |container: &mut N| {
        let done = match &before {
            Some(before) => container.replace_route(before),
            None => container.delete_route(&route).map(drop),
        };
        Ok(done.map_err(Error::from)?)
    });
    Ok(())
}

/// The table that an address's rule leads to already, else the first that nothing leads to and nothing is in.
fn table_of(container: &mut dyn Netlink, source: &Source) -> Result<(u32, bool), Error> {
    let rules = container.rules(None)?;
    let host = IpNetwork::from(source.address.ip());
    let known = rules.iter().filter(|rule| is_plain(rule, host));
    if let Some(table) = known.filter_map(|rule| rule.action.table()).next() {
        return Ok((table, false));
    }
    let routes = container.routes(&RouteFilter {
        table: None,
        ..RouteFilter::default()
    })?;
    let taken = |table: u32| {
        rules.iter().any(|rule| rule.action.table() == Some(table))
            || routes.iter().any(|route| route.table == table)
    };
    let free = (FIRST_TABLE..).find(|table| !taken(*table));
    Ok((free.unwrap_or(FIRST_TABLE), true))
}

/// A rule that asks for the source and for nothing else.
pub(crate) fn is_plain(rule: &Rule, source: IpNetwork) -> bool {
    rule.src == Some(source) && rule.dst.is_none() && rule.iif.is_none() && rule.tun_id.is_none()
}

/// Adds the rule, before all others but the kernel's first, as the kernel itself would place it.
fn add_rule<N: Netlink>(
    container: &mut N,
    steps: &mut Steps<'_, N>,
    source: &Source,
    table: u32,
) -> Result<(), Failure> {
    let family = Family::of(source.address.ip());
    let host = IpNetwork::from(source.address.ip());
    let rules = container.rules(None).map_err(Error::from)?;
    let same = |rule: &&Rule| is_plain(rule, host) && rule.action == RuleAction::Lookup(table);
    if rules.iter().any(|rule| same(&rule)) {
        return Ok(());
    }
    let priorities = rules.iter().filter(|rule| rule.family == family);
    let first = priorities
        .map(|rule| rule.priority)
        .filter(|at| *at > 0)
        .min();
    let priority = first.unwrap_or(MAIN_PRIORITY).saturating_sub(1).max(1);
    let mut rule = Rule::new(family, priority, RuleAction::Lookup(table));
    rule.src = Some(host);
    container.add_rule(&rule).map_err(Error::from)?;
    steps.push("rule", move |container: &mut N| {
        Ok(container
            .delete_rule(&rule)
            .map(drop)
            .map_err(Error::from)?)
    });
    Ok(())
}
