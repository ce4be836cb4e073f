//! What the kernel is to do: entries, and what changed among them.

use crate::{
    LinkName, Mtu, Prefix, Vni,
    route::{Gateway, Gateways},
};
use std::{fmt, net::IpAddr};

/// The way of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// To a container on this node.
    Link {
        /// The host's end.
        link: LinkName,
    },
    /// To a gateway: another node in our subnet, or the one that a route names.
    Direct {
        /// Next hop.
        gateway: Gateway,
        /// The largest packet that gets there. None: the link's.
        mtu: Option<Mtu>,
    },
    /// To several gateways, each of which leads on as well as the others: flows are spread over them.
    Multipath {
        /// At least two.
        gateways: Gateways,
    },
    /// To another node in VXLAN.
    Encap {
        /// VNI of the network that the addressee is in, which with imports need not be the table's.
        vni: Vni,
        /// Our VTEP.
        source: IpAddr,
        /// The other node's VTEP.
        vtep: IpAddr,
        /// The largest packet that fits inside.
        mtu: Mtu,
    },
    /// Nowhere, and the sender is told.
    Unreachable,
    /// Nowhere, silently.
    Blackhole,
    /// What the kernel has for this prefix stays as it is, and if it has nothing, nothing is added: the
    /// way was known before a restart perhaps, and is not yet known again.
    Hold,
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Forward::Link { link } => write!(f, "dev {link}"),
            Forward::Direct { gateway, mtu } => {
                write!(f, "via {gateway}")?;
                mtu.map_or(Ok(()), |mtu| write!(f, " mtu {mtu}"))
            }
            Forward::Multipath { gateways } => write!(f, "via {gateways}"),
            Forward::Encap {
                vni,
                source,
                vtep,
                mtu,
            } => write!(f, "vxlan id {vni} src {source} dst {vtep} mtu {mtu}"),
            Forward::Unreachable => f.write_str("unreachable"),
            Forward::Blackhole => f.write_str("blackhole"),
            Forward::Hold => f.write_str("as it is"),
        }
    }
}

/// One entry of what is to be in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose table, by the network's VNI.
    pub vni: Vni,
    /// To where.
    pub prefix: Prefix,
    /// Which way.
    pub forward: Forward,
}

/// One step from an older state to a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Is new, or goes another way.
    Upsert(Entry),
    /// Is not there any more.
    Remove {
        /// Whose table.
        vni: Vni,
        /// To where.
        prefix: Prefix,
    },
}
