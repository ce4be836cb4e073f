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

/// What the namespace has: asked for once, and kept up with what is changed here.
struct There {
    /// Of all tables.
    routes: Vec<Route>,
    rules: Vec<Rule>,
}

impl There {
    fn read(container: &mut dyn Netlink) -> Result<Self, Error> {
        let all = RouteFilter {
            table: None,
            ..RouteFilter::default()
        };
        Ok(Self {
            routes: container.routes(&all)?,
            rules: container.rules(None)?,
        })
    }

    /// What the kernel keeps for itself about the interface is in other tables.
    fn main_routes(&self, link: &Link) -> Vec<Route> {
        let routes = self.routes.iter();
        let own = |route: &&Route| route.table == Route::MAIN && route.oif == Some(link.index);
        routes.filter(own).cloned().collect()
    }

    /// The table that an address's rule leads to already, else the first that nothing leads to and nothing is in.
    fn table_of(&self, source: &Source) -> (u32, bool) {
        let host = IpNetwork::from(source.address.ip());
        let known = self.rules.iter().filter(|rule| is_plain(rule, host));
        if let Some(table) = known.filter_map(|rule| rule.action.table()).next() {
            return (table, false);
        }
        let taken = |table: u32| {
            let mut rules = self.rules.iter();
            rules.any(|rule| rule.action.table() == Some(table))
                || self.routes.iter().any(|route| route.table == table)
        };
        let free = (FIRST_TABLE..).find(|table| !taken(*table));
        (free.unwrap_or(FIRST_TABLE), true)
    }
}

pub(crate) fn add<N: Netlink>(
    container: &mut N,
    conf: &Conf,
    ifname: &str,
    sources: &[Source],
) -> Result<(), Failure> {
    Steps::run(container, |container, steps| match conf.table {
        Some(table) => {
            let mut there = There {
                routes: Vec::new(),
                rules: container.rules(None).map_err(Error::from)?,
            };
            let mut sources = sources.iter();
            sources.try_for_each(|source| add_rule(container, steps, &mut there, source, table))
        }
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
    let mut there = There::read(container)?;
    let routes = there.main_routes(link);
    for source in sources {
        let (table, new) = there.table_of(source);
        for route in wanted(&routes, link, source, table) {
            put(container, steps, &mut there, route)?;
        }
        if new {
            add_rule(container, steps, &mut there, source, table)?;
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
            put(container, steps, &mut there, hint)?;
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
    there: &mut There,
    route: Route,
) -> Result<(), Failure> {
    let place = |route: &Route| (route.dst, route.table, route.oif, route.priority);
    let at = there
        .routes
        .iter()
        .position(|known| place(known) == place(&route));
    let before = at.map(|at| there.routes[at].clone());
    if before.as_ref() == Some(&route) {
        return Ok(());
    }
    container.replace_route(&route).map_err(Error::from)?;
    match at {
        Some(at) => there.routes[at] = route.clone(),
        None => there.routes.push(route.clone()),
    }
    steps.push("route", move |container: &mut N| {
        let done = match &before {
            Some(before) => container.replace_route(before),
            None => container.delete_route(&route).map(drop),
        };
        Ok(done.map_err(Error::from)?)
    });
    Ok(())
}

/// A rule that asks for the source and for nothing else.
pub(crate) fn is_plain(rule: &Rule, source: IpNetwork) -> bool {
    rule.src == Some(source) && rule.dst.is_none() && rule.iif.is_none() && rule.tun_id.is_none()
}

/// Adds the rule, before all others but the kernel's first, as the kernel itself would place it.
fn add_rule<N: Netlink>(
    container: &mut N,
    steps: &mut Steps<'_, N>,
    there: &mut There,
    source: &Source,
    table: u32,
) -> Result<(), Failure> {
    let family = Family::of(source.address.ip());
    let host = IpNetwork::from(source.address.ip());
    let rules = &mut there.rules;
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
    rules.push(rule.clone());
    steps.push("rule", move |container: &mut N| {
        Ok(container
            .delete_rule(&rule)
            .map(drop)
            .map_err(Error::from)?)
    });
    Ok(())
}
