//! Routes as their sources tell them. Each has a key of its own; a new one under the same key replaces
//! the old one, so that what moved cannot be in two places.
//!
//! A route names pool, network and node and need not wait until they are known.

mod bgp;

pub use bgp::{BgpRoute, Path};

use crate::{Encap, Invalid, LinkName, NetworkName, Prefix, RouteName, prefix};
use fairway_ipam::{AttachmentId, ClaimName, NodeName, PoolName};
use std::{collections::BTreeSet, fmt, net::IpAddr};

/// Addresses of a container: at least one, each one that a container can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(BTreeSet<Prefix>);

impl Addresses {
    /// Judges addresses.
    ///
    /// # Errors
    /// Names the field: where there is none, and for loopback, multicast and the like.
    pub fn new(ips: impl IntoIterator<Item = IpAddr>) -> Result<Addresses, Invalid> {
        let hosts = ips.into_iter().map(|ip| Prefix::host("addresses", ip));
        let hosts: BTreeSet<_> = hosts.collect::<Result<_, _>>()?;
        match hosts.is_empty() {
            false => Ok(Addresses(hosts)),
            true => Err(Invalid::NoAddress { field: "addresses" }),
        }
    }

    /// Each as a prefix.
    pub fn iter(&self) -> impl Iterator<Item = Prefix> {
        self.0.iter().copied()
    }
}

/// A gateway that a route names itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gateway {
    address: IpAddr,
    link: Option<LinkName>,
}

impl Gateway {
    /// An address, and the link that it is on where the address alone does not say.
    ///
    /// # Errors
    /// Where it is no unicast address, or link-local without a link.
    pub fn new(address: IpAddr, link: Option<LinkName>) -> Result<Gateway, Invalid> {
        match (prefix::link_local(address), &link) {
            (true, None) => return Err(Invalid::GatewayLink { ip: address }),
            (true, Some(_)) => address,
            (false, _) => prefix::unicast("gateway.address", address)?,
        };
        Ok(Gateway { address, link })
    }

    /// A node, whose underlay address was judged already.
    pub(crate) fn node(address: IpAddr) -> Gateway {
        Gateway {
            address,
            link: None,
        }
    }

    /// Its address, which may be of the other family than the route's (RFC 8950).
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Its link.
    pub fn link(&self) -> Option<&LinkName> {
        self.link.as_ref()
    }
}

/// With its link, where that is known: `192.0.2.1 dev eth0`.
impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        self.link
            .iter()
            .try_for_each(|link| write!(f, " dev {link}"))
    }
}

/// Gateways that packets are spread over, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateways(BTreeSet<Gateway>);

impl Gateways {
    /// None where there are none.
    pub fn new(all: impl IntoIterator<Item = Gateway>) -> Option<Gateways> {
        let all: BTreeSet<_> = all.into_iter().collect();
        (!all.is_empty()).then_some(Gateways(all))
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Gateway> {
        self.0.iter()
    }

    /// Where it is only one: that.
    pub fn single(&self) -> Option<&Gateway> {
        self.0.first().filter(|_| self.0.len() == 1)
    }
}

impl fmt::Display for Gateways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, gateway) in self.0.iter().enumerate() {
            let between = if number == 0 { "" } else { ", " };
            write!(f, "{between}{gateway}")?;
        }
        Ok(())
    }
}

/// A container on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which interface of which container.
    pub attachment: AttachmentId,
    /// In whose table.
    pub network: NetworkName,
    /// The host's end.
    pub link: LinkName,
    /// The container's addresses.
    pub addresses: Addresses,
    /// The number of this giving; of two containers with one address the later has it.
    pub seq: u64,
}

/// A block of a pool, and which node gives its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The pool.
    pub pool: PoolName,
    /// The block.
    pub prefix: Prefix,
    /// Its owner.
    pub owner: NodeName,
}

/// A claim that somebody holds. One that nobody holds is no route.
///
/// Tell of a claim that this node has won before its container's [`Endpoint`]: until then the address
/// is the other node's, whatever runs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The pool.
    pub pool: PoolName,
    /// The claim.
    pub claim: ClaimName,
    /// What was granted.
    pub addresses: Addresses,
    /// The node that has it.
    pub holder: NodeName,
}

/// Where a static route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To a gateway.
    Gateway(Gateway),
    /// To a node, as for containers there.
    Node {
        /// Which.
        node: NodeName,
        /// When to encapsulate.
        encap: Encap,
    },
    /// Nowhere, and the sender is told.
    Unreachable,
    /// Nowhere, silently.
    Blackhole,
}

/// A route that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticRoute {
    /// Its name.
    pub name: RouteName,
    /// In whose table.
    pub network: NetworkName,
    /// To where.
    pub prefix: Prefix,
    /// Of several for one prefix the lowest counts.
    pub metric: u32,
    /// Which way.
    pub target: Target,
}

/// A route of any source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A local container's.
    Endpoint(Endpoint),
    /// A block's.
    Block(Block),
    /// A claim's.
    Claim(Claim),
    /// One that somebody wrote.
    Static(StaticRoute),
    /// A BGP peer's.
    Bgp(BgpRoute),
}

impl Route {
    /// What it is known by.
    pub fn key(&self) -> Key {
        match self {
            Route::Endpoint(route) => Key::Endpoint(route.attachment.clone()),
            Route::Block(route) => Key::Block(route.pool.clone(), route.prefix),
            Route::Claim(route) => Key::Claim(route.pool.clone(), route.claim.clone()),
            Route::Static(route) => Key::Static(route.name.clone()),
            Route::Bgp(route) => Key::Bgp(route.network.clone(), route.prefix, route.peer),
        }
    }

    /// Where it leads to.
    pub(crate) fn prefixes(&self) -> Vec<Prefix> {
        match self {
            Route::Endpoint(route) => route.addresses.iter().collect(),
            Route::Claim(route) => route.addresses.iter().collect(),
            Route::Block(route) => vec![route.prefix],
            Route::Static(route) => vec![route.prefix],
            Route::Bgp(route) => vec![route.prefix],
        }
    }

    /// Its table, or the pool that knows it.
    pub(crate) fn home(&self) -> Home<'_> {
        match self {
            Route::Endpoint(route) => Home::Network(&route.network),
            Route::Static(route) => Home::Network(&route.network),
            Route::Bgp(route) => Home::Network(&route.network),
            Route::Block(route) => Home::Pool(&route.pool),
            Route::Claim(route) => Home::Pool(&route.pool),
        }
    }

    /// The node that it leads to.
    pub(crate) fn node(&self) -> Option<&NodeName> {
        match self {
            Route::Block(route) => Some(&route.owner),
            Route::Claim(route) => Some(&route.holder),
            Route::Static(StaticRoute {
                target: Target::Node { node, .. },
                ..
            }) => Some(node),
            Route::Endpoint(_) | Route::Static(_) | Route::Bgp(_) => None,
        }
    }

    /// Is it about containers, so that a network that imports this one takes it over?
    pub(crate) fn exported(&self) -> bool {
        match self {
            Route::Endpoint(_) | Route::Block(_) | Route::Claim(_) => true,
            Route::Static(_) | Route::Bgp(_) => false,
        }
    }
}

/// What says in whose table a route is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Home<'a> {
    Network(&'a NetworkName),
    Pool(&'a PoolName),
}

/// What a route is known by. The order decides where nothing else does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A local container's interface.
    Endpoint(AttachmentId),
    /// A claim of a pool.
    Claim(PoolName, ClaimName),
    /// A static route.
    Static(RouteName),
    /// A block of a pool.
    Block(PoolName, Prefix),
    /// What a BGP peer tells of a prefix.
    Bgp(NetworkName, Prefix, IpAddr),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Endpoint(attachment) => write!(f, "container {attachment}"),
            Key::Claim(pool, claim) => write!(f, "claim {claim} of pool {pool}"),
            Key::Static(name) => write!(f, "static route {name}"),
            Key::Block(pool, prefix) => write!(f, "block {prefix} of pool {pool}"),
            Key::Bgp(_, prefix, peer) => write!(f, "{prefix} from BGP peer {peer}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_names_its_field() {
        assert_eq!(
            Addresses::new([]).unwrap_err().to_string(),
            "addresses: at least one address is needed"
        );
        let error = Addresses::new(["224.0.0.1".parse().unwrap()]).unwrap_err();
        assert_eq!(error.to_string(), "addresses: 224.0.0.1 is multicast");
        let local: IpAddr = "fe80::1".parse().unwrap();
        let error = Gateway::new(local, None).unwrap_err().to_string();
        assert!(error.starts_with("gateway.link: missing"), "{error}");
        assert!(Gateway::new(local, Some(LinkName::new("eth0").unwrap())).is_ok());
        assert!(Gateway::new("::".parse().unwrap(), None).is_err());
    }
}
