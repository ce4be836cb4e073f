//! VXLAN devices in external mode: one for all networks and all nodes, told by
//! routes (or eBPF) what to do with each packet.

use crate::link::AddrGenMode;
use crate::mac::MacAddr;

/// An external device to create: no VNI, no remote, no learning of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanSpec {
    /// Name of the link, 1 to 15 bytes.
    pub name: String,
    /// UDP port, to send to and to receive on; 4789 is IANA's.
    pub port: u16,
    /// Bytes; None leaves the kernel's 1500, whatever is below.
    pub mtu: Option<u32>,
    /// None leaves the kernel's random address. A frame whose inner source is
    /// this very address is dropped by whoever receives it, so no two nodes can
    /// have the same.
    pub mac: Option<MacAddr>,
    /// A free text, up to 255 bytes; empty for none.
    pub alias: String,
    /// How IPv6 link-local addresses are made; an overlay that is only routes
    /// needs none.
    pub addr_gen_mode: AddrGenMode,
    /// Outer UDP checksums over IPv4, where no route says otherwise. Of packets
    /// that a route sends here, the route decides
    /// ([`TunnelFlags::CSUM`](crate::TunnelFlags::CSUM)).
    pub udp_csum: bool,
    /// No outer checksums over IPv6, where no route says otherwise.
    pub udp6_zero_csum_tx: bool,
    /// Accept packets without an outer checksum over IPv6, which are dropped
    /// otherwise.
    pub udp6_zero_csum_rx: bool,
    /// Whether it is up from the start. That fails with EADDRINUSE where
    /// something else has the port.
    pub up: bool,
}

impl VxlanSpec {
    /// IANA's port.
    pub const PORT: u16 = 4789;

    /// A device on IANA's port with outer checksums, down, without link-local
    /// addresses.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            port: Self::PORT,
            mtu: None,
            mac: None,
            alias: String::new(),
            addr_gen_mode: AddrGenMode::None,
            udp_csum: true,
            udp6_zero_csum_tx: false,
            udp6_zero_csum_rx: false,
            up: false,
        }
    }

    /// The settings that the device will have. The kernel changes none of them
    /// later: one that differs has to be deleted and made anew.
    pub const fn settings(&self) -> Vxlan {
        Vxlan {
            vni: 0,
            port: self.port,
            external: true,
            learning: false,
            gpe: false,
            udp_csum: self.udp_csum,
            udp6_zero_csum_tx: self.udp6_zero_csum_tx,
            udp6_zero_csum_rx: self.udp6_zero_csum_rx,
        }
    }
}

/// Settings of a VXLAN device, as the kernel has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vxlan {
    /// Number of its network; 0 where `external`.
    pub vni: u32,
    /// UDP port.
    pub port: u16,
    /// Routes or eBPF say what becomes of each packet.
    pub external: bool,
    /// Learns where frames come from.
    pub learning: bool,
    /// Carries packets without an Ethernet header (Generic Protocol Extension).
    pub gpe: bool,
    /// Outer UDP checksums over IPv4.
    pub udp_csum: bool,
    /// No outer checksums over IPv6.
    pub udp6_zero_csum_tx: bool,
    /// Accepts packets without an outer checksum over IPv6.
    pub udp6_zero_csum_rx: bool,
}
