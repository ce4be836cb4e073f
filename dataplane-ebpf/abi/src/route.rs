//! Ways into the overlay, as the node's own routes have them.

use crate::Addr;

/// `ROUTES`: LPM trie of this, value [`Route`]. A prefix has all bits of the network before its own.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RouteKey {
    /// See [`RouteKey::network`].
    pub network: u32,
    /// The destination.
    pub addr: Addr,
}

impl RouteKey {
    /// Bits of the network.
    pub const NETWORK: u32 = 32;
    /// Bits before those of an IPv4 address.
    pub const V4: u32 = 96;
    const IS_V4: u32 = 1 << 31;

    /// A network's VNI (24 bits) and the family, so that no prefix of one holds addresses of the other; in network
    /// byte order.
    #[inline(always)]
    pub const fn network(vni: u32, v4: bool) -> u32 {
        let family = if v4 { Self::IS_V4 } else { 0 };
        (vni | family).to_be()
    }

    /// The VNI of it.
    pub const fn vni(&self) -> u32 {
        u32::from_be(self.network) & !Self::IS_V4
    }
}

/// Where packets to a prefix go: into the overlay, or by a link to a neighbour. Without a device the host
/// decides: so a prefix can lie in one that leads to another node, and not.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route {
    /// The overlay's device, or that of the underlay; 0: the host has another way, or none.
    pub device: u32,
    /// Bytes of the largest packet that fits, with its IP header.
    pub mtu: u32,
    /// [`Route::V6`] and so on.
    pub flags: u32,
    /// The network that its packets are in on the way, in the overlay.
    pub vni: u32,
    /// This node's end of the tunnel, as the kernel's tunnel key has it: IPv4 in host order in the first word,
    /// IPv6 in network order.
    pub local: [u32; 4],
    /// The other node's end; without a tunnel the neighbour, of both families in network order.
    pub remote: [u32; 4],
    /// Of the frame in the tunnel.
    pub macs: Macs,
}

impl Route {
    /// The tunnel goes over IPv6; the neighbour is one of IPv6.
    pub const V6: u32 = 1;
    /// There is no tunnel: it goes to a neighbour as it is.
    pub const DIRECT: u32 = 2;
}

/// The hardware addresses of a frame, as they stand in it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Macs {
    /// Destination.
    pub to: [u8; 6],
    /// Source.
    pub from: [u8; 6],
}
