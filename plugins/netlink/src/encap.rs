//! Lightweight tunnels: what a route wraps its packets in.
//!
//! Of a device in external mode the route decides all that the device itself
//! decides otherwise: the VNI, both ends, and also whether the outer UDP header
//! has a checksum. Without [`TunnelFlags::CSUM`] a packet over IPv6 goes out
//! without one, and the other end drops it unless its device has
//! [`udp6_zero_csum_rx`](crate::VxlanSpec::udp6_zero_csum_rx).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The encapsulation of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encap {
    /// An IPv4 or IPv6 tunnel: `encap ip` and `encap ip6`.
    Tunnel(Tunnel),
    /// One that this crate does not write (MPLS, segment routing, eBPF), by the
    /// kernel's number. A route of others may have it; none can be added.
    Other(u16),
}

/// What goes into the outer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// Number of the network: for VXLAN the VNI, 24 bits.
    pub id: u64,
    /// Both ends; they say over which family the packets go.
    pub ends: TunnelEnds,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub tos: u8,
    /// How it is sent.
    pub flags: TunnelFlags,
}

/// The two ends of a tunnel, of one family. The source may be unspecified: then
/// the kernel takes the one that its route to the destination has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "source and destination of the outer header")]
pub enum TunnelEnds {
    /// Over IPv4.
    V4 { src: Ipv4Addr, dst: Ipv4Addr },
    /// Over IPv6.
    V6 { src: Ipv6Addr, dst: Ipv6Addr },
}

impl TunnelEnds {
    /// None if the two are of different families.
    pub const fn new(src: IpAddr, dst: IpAddr) -> Option<Self> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Some(Self::V4 { src, dst }),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Some(Self::V6 { src, dst }),
            _ => None,
        }
    }

    /// The near end.
    pub const fn src(&self) -> IpAddr {
        match *self {
            Self::V4 { src, .. } => IpAddr::V4(src),
            Self::V6 { src, .. } => IpAddr::V6(src),
        }
    }

    /// The far end.
    pub const fn dst(&self) -> IpAddr {
        match *self {
            Self::V4 { dst, .. } => IpAddr::V4(dst),
            Self::V6 { dst, .. } => IpAddr::V6(dst),
        }
    }
}

/// How a tunnelled packet is sent: the kernel's `TUNNEL_*` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TunnelFlags(pub u16);

impl TunnelFlags {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// With a checksum in the outer UDP header.
    pub const CSUM: Self = Self(0x01);
    /// With "don't fragment" in the outer IPv4 header.
    pub const DONT_FRAGMENT: Self = Self(0x100);

    /// These and those.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of those are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Tunnel {
    /// A tunnel with TTL 64 and outer checksums.
    pub const fn new(id: u64, ends: TunnelEnds) -> Self {
        Self {
            id,
            ends,
            ttl: 64,
            tos: 0,
            flags: TunnelFlags::CSUM,
        }
    }
}
