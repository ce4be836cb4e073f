//! Which way to another node: directly, in VXLAN, or not at all.
//!
//! The choice is made for each pair of nodes by each side for itself. The sides need not agree: what
//! comes in is accepted either way.

use crate::{Encap, Forward, Mtu, Node, Underlay, Vni, node, route::Gateway};
use fairway_ipam::{Cidr, Family, NodeName};
use std::{fmt, net::IpAddr};

/// Why a route goes the way it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The container is on this node.
    Here,
    /// An address of our own block that no container has.
    OwnBlock,
    /// A claim that this node holds, and whose container is not there.
    HeldHere,
    /// The node is in our subnet.
    SameSubnet {
        /// Which.
        subnet: Cidr,
    },
    /// The node is in another subnet.
    OtherSubnet,
    /// The packets are of IPv6, and the two nodes are neighbours by IPv4 only.
    NoGateway,
    /// The pool encapsulates always.
    Always,
    /// The route names its gateway.
    Gateway,
    /// BGP neighbours told it, with these next hops.
    NextHops {
        /// Which, at least one.
        next_hops: Vec<IpAddr>,
    },
    /// The route says that there is no way.
    AsTold,
    /// The node was not heard of yet, and its grace period goes on.
    NotHeardOf {
        /// Which.
        node: NodeName,
    },
    /// This node's own underlay is not known yet.
    NoUnderlay,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Here => f.write_str("the container is on this node"),
            Why::OwnBlock => f.write_str("this node's block, and no container has the address"),
            Why::HeldHere => {
                f.write_str("this node holds the claim, and its container is not there")
            }
            Why::SameSubnet { subnet } => write!(f, "the node is in our subnet {subnet}"),
            Why::OtherSubnet => f.write_str("the node is in another subnet"),
            Why::NoGateway => f.write_str(
                "the node is in our IPv4 subnet only, and IPv6 needs a gateway of its own family",
            ),
            Why::Always => f.write_str("encap is always"),
            Why::Gateway => f.write_str("the route names its gateway"),
            Why::NextHops { next_hops } => {
                let are = if next_hops.len() == 1 {
                    "next hop"
                } else {
                    "next hops"
                };
                f.write_str(are)?;
                for (number, hop) in next_hops.iter().enumerate() {
                    let between = match number {
                        0 => " ",
                        _ if number + 1 == next_hops.len() => " and ",
                        _ => ", ",
                    };
                    write!(f, "{between}{hop}")?;
                }
                let is = if next_hops.len() == 1 { "is" } else { "are" };
                write!(f, " {is} reached so")
            }
            Why::AsTold => f.write_str("the route says so"),
            Why::NotHeardOf { node } => {
                write!(
                    f,
                    "node {node} was not heard of yet; its grace period goes on"
                )
            }
            Why::NoUnderlay => f.write_str("this node's own underlay is not known yet"),
        }
    }
}

/// Why a route cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// The node is gone for longer than the grace period, or was never heard of.
    NodeAway {
        /// Which.
        node: NodeName,
    },
    /// The node has no address of a family that this one has.
    NoCommonFamily {
        /// Which.
        node: NodeName,
    },
    /// The node is in another subnet, and nothing is to be encapsulated.
    Never {
        /// Which.
        node: NodeName,
    },
    /// Nothing is to be encapsulated, the packets are of IPv6, and the two nodes are neighbours by IPv4 only.
    NoGateway {
        /// Which.
        node: NodeName,
    },
    /// It lies within a pool, and no block or claim has its prefix.
    InPool,
    /// A static route leads to this very node.
    Ourselves,
    /// The node says that it is where we are.
    OurAddress {
        /// Which.
        node: NodeName,
        /// The address.
        ip: IpAddr,
    },
    /// What is left of the underlay's MTU is less than the family needs.
    Mtu {
        /// Which node.
        node: NodeName,
        /// The underlay's, in bytes.
        underlay: Mtu,
        /// What the headers take, in bytes.
        headers: u16,
        /// What the family needs, in bytes.
        needed: u16,
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::NodeAway { node } => {
                write!(f, "node {node} is gone for longer than the grace period")
            }
            Unusable::NoCommonFamily { node } => {
                write!(f, "node {node} has no underlay address of our family")
            }
            Unusable::Never { node } => {
                write!(f, "node {node} is in another subnet and encap is never")
            }
            Unusable::NoGateway { node } => write!(
                f,
                "node {node} is in our IPv4 subnet only, IPv6 needs a gateway of its own family, and encap is never"
            ),
            Unusable::InPool => f.write_str(
                "it lies within a pool, and no block or claim of the pool is that prefix",
            ),
            Unusable::Ourselves => f.write_str("it leads to this node"),
            Unusable::OurAddress { node, ip } => {
                write!(f, "node {node} has our own underlay address {ip}")
            }
            Unusable::Mtu {
                node,
                underlay,
                headers,
                needed,
            } => write!(
                f,
                "mtu {underlay} to node {node} less {headers} bytes of headers is below the {needed} that are needed"
            ),
        }
    }
}

/// A way, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) forward: Forward,
    pub(crate) why: Why,
}

impl Way {
    pub(crate) fn new(forward: Forward, why: Why) -> Way {
        Way { forward, why }
    }
}

/// Bytes that VXLAN adds to a packet: outer IP, UDP, VXLAN and inner Ethernet (RFC 7348).
fn headers(outer: Family) -> u16 {
    match outer {
        Family::V4 => 20 + 8 + 8 + 14,
        Family::V6 => 40 + 8 + 8 + 14,
    }
}

/// The way from `me` to another node for packets of a family.
pub(crate) fn to_node(
    me: &Node,
    to: &Node,
    encap: Encap,
    inner: Family,
    vni: Vni,
) -> Result<Way, Unusable> {
    match (encap, beside(me, to, inner)) {
        (Encap::CrossSubnet | Encap::Never, Some((ours, theirs))) => {
            direct(me, to, inner, ours, theirs)
        }
        (Encap::Never, None) if lacks_gateway(me, to, inner) => Err(Unusable::NoGateway {
            node: to.name().clone(),
        }),
        (Encap::Never, None) => Err(Unusable::Never {
            node: to.name().clone(),
        }),
        (Encap::CrossSubnet, None) => {
            let why = match lacks_gateway(me, to, inner) {
                true => Why::NoGateway,
                false => Why::OtherSubnet,
            };
            encapsulated(me, to, inner, vni, why)
        }
        (Encap::Always, _) => encapsulated(me, to, inner, vni, Why::Always),
    }
}

/// The addresses by which the two are neighbours; of the packet's own family where there is a choice. An
/// IPv4 route may have a gateway of IPv6 (RFC 8950), an IPv6 route none of IPv4.
fn beside<'a>(me: &'a Node, to: &'a Node, inner: Family) -> Option<(&'a Underlay, &'a Underlay)> {
    let families: &[Family] = match inner {
        Family::V4 => &[Family::V4, Family::V6],
        Family::V6 => &[Family::V6],
    };
    let pairs = families
        .iter()
        .map(|family| me.underlay(*family).zip(to.underlay(*family)));
    let mut pairs = pairs.flatten();
    pairs.find(|(ours, theirs)| ours.beside(theirs))
}

/// Are they neighbours, only not by a gateway that IPv6 could have?
fn lacks_gateway(me: &Node, to: &Node, inner: Family) -> bool {
    inner == Family::V6 && beside(me, to, Family::V4).is_some()
}

fn direct(
    me: &Node,
    to: &Node,
    inner: Family,
    ours: &Underlay,
    theirs: &Underlay,
) -> Result<Way, Unusable> {
    let mtu = Some(room(me, to, 0, inner)?);
    let gateway = Gateway::node(apart(to, ours.address(), theirs.address())?);
    let why = Why::SameSubnet {
        subnet: ours.subnet(),
    };
    Ok(Way::new(Forward::Direct { gateway, mtu }, why))
}

/// Over IPv4 where there is a choice: its header is shorter.
fn encapsulated(me: &Node, to: &Node, inner: Family, vni: Vni, why: Why) -> Result<Way, Unusable> {
    let pair = |outer| Some((outer, me.underlay(outer)?, to.underlay(outer)?));
    let Some((outer, ours, theirs)) = [Family::V4, Family::V6].into_iter().find_map(pair) else {
        return Err(Unusable::NoCommonFamily {
            node: to.name().clone(),
        });
    };
    let source = ours.vtep();
    let forward = Forward::Encap {
        vni,
        source,
        vtep: apart(to, source, theirs.vtep())?,
        mtu: room(me, to, headers(outer), inner)?,
    };
    Ok(Way::new(forward, why))
}

/// A packet to our own address comes back to us, and goes out again.
fn apart(to: &Node, ours: IpAddr, theirs: IpAddr) -> Result<IpAddr, Unusable> {
    match ours == theirs {
        false => Ok(theirs),
        true => Err(Unusable::OurAddress {
            node: to.name().clone(),
            ip: ours,
        }),
    }
}

fn room(me: &Node, to: &Node, headers: u16, inner: Family) -> Result<Mtu, Unusable> {
    let underlay = me.mtu().min(to.mtu());
    underlay.inside(headers, inner).ok_or(Unusable::Mtu {
        node: to.name().clone(),
        underlay,
        headers,
        needed: node::least(inner),
    })
}
