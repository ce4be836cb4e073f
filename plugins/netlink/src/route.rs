//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use crate::encap::Encap;

/// Family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The network of all addresses: `0.0.0.0/0` or `::/0`.
    pub const fn all(self) -> IpNetwork {
        const V4: Option<Ipv4Network> = Ipv4Network::new_checked(Ipv4Addr::UNSPECIFIED, 0);
        const V6: Option<Ipv6Network> = Ipv6Network::new_checked(Ipv6Addr::UNSPECIFIED, 0);
        match self {
            Self::V4 => IpNetwork::V4(const { V4.unwrap() }),
            Self::V6 => IpNetwork::V6(const { V6.unwrap() }),
        }
    }
}

/// How far away the destination of a route, or the use of an address, can be:
/// the kernel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(pub u8);

impl Scope {
    /// Anywhere.
    pub const UNIVERSE: Self = Self(0);
    /// Inside the site.
    pub const SITE: Self = Self(200);
    /// On the link.
    pub const LINK: Self = Self(253);
    /// On this host.
    pub const HOST: Self = Self(254);
    /// Nowhere: in a deletion, whatever the scope.
    pub const NOWHERE: Self = Self(255);
}

/// What a route does with a packet: the kernel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteKind(pub u8);

impl RouteKind {
    /// Sends it on.
    pub const UNICAST: Self = Self(1);
    /// Delivers it here.
    pub const LOCAL: Self = Self(2);
    /// Drops it in silence.
    pub const BLACKHOLE: Self = Self(6);
    /// Answers "host unreachable".
    pub const UNREACHABLE: Self = Self(7);
    /// Answers "prohibited".
    pub const PROHIBIT: Self = Self(8);
}

/// One of the next hops of a multipath route. In an order that does not depend on
/// the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// None: the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Index of the link to send by.
    pub oif: u32,
    /// As [`Route::onlink`].
    pub onlink: bool,
    /// How much of the traffic it gets beside the others: 1 to 256.
    pub weight: u16,
}

/// A route, as the kernel has it or is to have it. A multipath route is told as
/// one of these for each next hop; [`Route::joined`] makes one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination; prefix length 0 for the default route.
    pub dst: IpNetwork,
    /// Next hop; None: the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Index of the link to send by.
    pub oif: Option<u32>,
    /// Source address for packets of this host's own.
    pub prefsrc: Option<IpAddr>,
    /// Metric; the least wins. None: the kernel's choice (0 for IPv4, 1024 for IPv6).
    pub priority: Option<u32>,
    /// Table; [`Route::MAIN`] by default.
    pub table: u32,
    /// Reach of the destination; IPv6 has none and always tells 0.
    pub scope: Scope,
    /// Who set it: the kernel's number; [`Route::BOOT`] by default.
    pub protocol: u8,
    /// What becomes of packets.
    pub kind: RouteKind,
    /// Path MTU, bytes.
    pub mtu: Option<u32>,
    /// Keep to that MTU whatever routers on the way report.
    pub mtu_lock: bool,
    /// Greatest TCP segment to advertise, bytes.
    pub advmss: Option<u32>,
    /// Take the gateway for reachable on the link even if no subnet covers it.
    pub onlink: bool,
    /// Of a multipath route that is told: the weight of this next hop, 1 to 256.
    pub weight: u16,
    /// Of a multipath route that is asked for: all its next hops, ascending. Gateway,
    /// link, onlink and encapsulation are not looked at then.
    pub hops: Vec<Hop>,
    /// What packets are wrapped in before the link gets them.
    pub encap: Option<Encap>,
    /// Number of the [next hop](crate::Nexthop) that says gateway, link, onlink and
    /// encapsulation. Of a route that is asked for those four are not looked at;
    /// of one that is told they are the next hop's.
    pub nexthop: Option<u32>,
}

impl Route {
    /// The table that is used unless rules say otherwise.
    pub const MAIN: u32 = 254;
    /// Protocol number of routes that the kernel made by itself.
    pub const KERNEL: u8 = 2;
    /// Protocol number of routes that somebody set by hand or at boot.
    pub const BOOT: u8 = 3;

    /// A route with nothing but its destination, in the main table.
    pub fn to(dst: IpNetwork) -> Self {
        Self {
            dst,
            gateway: None,
            oif: None,
            prefsrc: None,
            priority: None,
            table: Self::MAIN,
            scope: Scope::UNIVERSE,
            protocol: Self::BOOT,
            kind: RouteKind::UNICAST,
            mtu: None,
            mtu_lock: false,
            advmss: None,
            onlink: false,
            weight: 1,
            hops: Vec::new(),
            encap: None,
            nexthop: None,
        }
    }

    /// Without what its next hop says, where it has one by number: a told route is
    /// the one that was asked for if both are the same without it.
    pub fn without_hop(mut self) -> Self {
        if self.nexthop.is_some() {
            (self.gateway, self.oif, self.encap) = (None, None, None);
            self.onlink = false;
            self.hops.clear();
        }
        self
    }

    /// One route of those that were told of a multipath one: its next hops are in
    /// [`hops`](Route::hops). Of a single one nothing is changed. None where there are none.
    pub fn joined(routes: &[Self]) -> Option<Self> {
        let (first, rest) = routes.split_first()?;
        let mut route = first.clone();
        if rest.is_empty() {
            return Some(route);
        }
        let hop = |route: &Self| {
            Some(Hop {
                gateway: route.gateway,
                oif: route.oif?,
                onlink: route.onlink,
                weight: route.weight,
            })
        };
        route.hops = routes.iter().filter_map(hop).collect();
        route.hops.sort_unstable();
        (route.gateway, route.oif, route.onlink, route.weight) = (None, None, false, 1);
        Some(route)
    }

    /// Whether packets go by a link.
    pub fn uses_link(&self, index: u32) -> bool {
        self.oif == Some(index) || self.hops.iter().any(|hop| hop.oif == index)
    }

    /// Whether it is a default route.
    pub fn is_default(&self) -> bool {
        self.dst.prefix() == 0
    }
}

/// Which routes to tell. Default: both families, main table, any link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFilter {
    /// None: both.
    pub family: Option<Family>,
    /// None: all tables.
    pub table: Option<u32>,
    /// None: all links.
    pub oif: Option<u32>,
    /// None: whoever set them.
    pub protocol: Option<u8>,
}

impl Default for RouteFilter {
    fn default() -> Self {
        Self {
            family: None,
            table: Some(Route::MAIN),
            oif: None,
            protocol: None,
        }
    }
}

/// One of [several changes](crate::Netlink::change_routes) of routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteChange {
    /// As [`add_route`](crate::Netlink::add_route).
    Add(Route),
    /// As [`replace_route`](crate::Netlink::replace_route).
    Replace(Route),
    /// As [`delete_route`](crate::Netlink::delete_route), but only a route of the
    /// same protocol number; that there is none is no error.
    Delete(Route),
}

impl RouteChange {
    /// The route that it is about.
    pub const fn route(&self) -> &Route {
        match self {
            Self::Add(route) | Self::Replace(route) | Self::Delete(route) => route,
        }
    }
}
