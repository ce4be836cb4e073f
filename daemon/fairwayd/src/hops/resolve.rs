//! One look: the route by which the kernel would send to a next hop, and what that means.
//!
//! A default route counts as any other: in a fabric whose racks are subnets, a node has often nothing else. Who is on
//! the same link needs more than that, which the table of BGP sees to: what an external neighbour there tells has to be
//! on a link, too.

use crate::alias;
use fairway_fib::names;
use fairway_ipam::Cidr;
use fairway_netlink::{Link, Netlink, OperState, Route, RouteKind};
use fairway_rib::{LinkName, route::Gateway};
use nix::errno::Errno;
use std::{fmt, net::IpAddr};

/// How a next hop is reached, or why it is not.
pub(crate) type Answer = Result<Reached, Unreached>;

/// How a next hop is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Gateways and their links, at least one, in order; the next hop itself where it is on a link.
    pub(crate) by: Vec<Gateway>,
    /// 0: it is on a link. Else the metric of the route, as a routing daemon may have put the IGP's there, and at
    /// least 1.
    pub(crate) cost: u32,
}

/// Why a next hop is not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// It is this node.
    Own,
    /// It is an address of containers.
    InPool(Cidr),
    /// It means nothing without its link.
    LinkLocal,
    /// No route leads there.
    NoRoute,
    /// A route says that nothing goes there.
    Refused,
    /// It is no address of one machine.
    NotUnicast,
    /// Only by what is Fairway's own.
    Ours,
    /// The route goes by a link that leads to no router.
    Inward(String),
    /// The link carries nothing.
    Down(String),
    /// The route puts packets into a tunnel of its own.
    Wrapped,
    /// The kernel could not be asked.
    Unknown(String),
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreached::Own => f.write_str("it is this node's own address"),
            Unreached::InPool(pool) => write!(f, "it lies in the pool prefix {pool}"),
            Unreached::LinkLocal => f.write_str("it is link-local, and nobody says of which link"),
            Unreached::NoRoute => f.write_str("no route of this node leads to it"),
            Unreached::Refused => f.write_str("a route of this node says that nothing goes there"),
            Unreached::NotUnicast => f.write_str("it is no unicast address"),
            Unreached::Ours => f.write_str("only fairway's own routes lead to it"),
            Unreached::Inward(link) => {
                write!(f, "the route to it goes by {link}, and no router is there")
            }
            Unreached::Down(link) => write!(f, "the route to it goes by {link}, which is down"),
            Unreached::Wrapped => f.write_str("the route to it has an encapsulation of its own"),
            Unreached::Unknown(error) => write!(f, "the kernel cannot be asked: {error}"),
        }
    }
}

/// Looks.
///
/// # Errors
/// Where the kernel cannot be asked.
pub(super) fn resolve(
    netlink: &mut impl Netlink,
    pools: &[Cidr],
    to: IpAddr,
) -> fairway_netlink::Result<Answer> {
    if let Some(pool) = pools.iter().find(|pool| pool.contains(to)) {
        return Ok(Err(Unreached::InPool(*pool)));
    }
    if matches!(to, IpAddr::V6(ip) if ip.is_unicast_link_local()) {
        return Ok(Err(Unreached::LinkLocal));
    }
    let routes = match netlink.route_to(to) {
        Ok(routes) => routes,
        Err(error) => {
            let says = [Errno::EHOSTUNREACH, Errno::EACCES, Errno::EINVAL];
            return match error.errno().is_some_and(|errno| says.contains(&errno)) {
                true => Ok(Err(Unreached::Refused)),
                false => Err(error),
            };
        }
    };
    let Some(first) = routes.first() else {
        return Ok(Err(Unreached::NoRoute));
    };
    if let Some(unreached) = by_kind(first) {
        return Ok(Err(unreached));
    }
    let on_link = routes.iter().all(|route| route.gateway.is_none());
    let cost = match on_link {
        true => 0,
        false => first.priority.unwrap_or(0).max(1),
    };
    let (mut by, mut why) = (Vec::new(), Unreached::NoRoute);
    for route in &routes {
        let link = match route.oif {
            Some(index) => netlink.link_by_index(index)?,
            None => None,
        };
        match link
            .ok_or(Unreached::NoRoute)
            .and_then(|link| hop(route, &link, to))
        {
            Ok(gateway) => by.push(gateway),
            Err(unreached) => why = unreached,
        }
    }
    by.sort_unstable();
    by.dedup();
    Ok(match by.is_empty() {
        true => Err(why),
        false => Ok(Reached { by, cost }),
    })
}

fn by_kind(route: &Route) -> Option<Unreached> {
    match route.kind {
        RouteKind::LOCAL => Some(Unreached::Own),
        RouteKind::BLACKHOLE | RouteKind::UNREACHABLE | RouteKind::PROHIBIT => {
            Some(Unreached::Refused)
        }
        kind if kind != RouteKind::UNICAST => Some(Unreached::NotUnicast),
        _ if route.protocol == names::PROTOCOL || names::is_table(route.table) => {
            Some(Unreached::Ours)
        }
        _ => None,
    }
}

fn hop(route: &Route, link: &Link, to: IpAddr) -> Result<Gateway, Unreached> {
    let name = || link.name.clone();
    let is_containers = link.alias.as_deref().is_some_and(alias::marks);
    if link.name == "lo" || link.name == names::DEVICE || is_containers {
        return Err(Unreached::Inward(name()));
    }
    let is_dead = matches!(
        link.oper,
        OperState::Down | OperState::LowerLayerDown | OperState::NotPresent
    );
    if !link.up || is_dead {
        return Err(Unreached::Down(name()));
    }
    if route.encap.is_some() {
        return Err(Unreached::Wrapped);
    }
    let named = LinkName::new(&link.name).ok();
    Gateway::new(route.gateway.unwrap_or(to), named).map_err(|_| Unreached::NotUnicast)
}
