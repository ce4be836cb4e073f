//! Neighbours: which hardware address an address on a link has (ARP, NDP).

use std::net::IpAddr;

use crate::mac::MacAddr;

/// A permanent entry to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NeighbourSpec {
    /// Index of the link.
    pub index: u32,
    /// The neighbour's address.
    pub ip: IpAddr,
    /// Its hardware address.
    pub mac: MacAddr,
    /// Who sets it, as with routes; 0 for nobody. Kernels before 5.2 do not keep
    /// it.
    pub protocol: u8,
}

/// An entry as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Neighbour {
    /// Index of the link.
    pub index: u32,
    /// The neighbour's address.
    pub ip: IpAddr,
    /// Its hardware address, where it is known and has six bytes.
    pub mac: Option<MacAddr>,
    /// How well it is known.
    pub state: NeighbourState,
    /// Who set it, 0 where nobody said.
    pub protocol: u8,
}

impl Neighbour {
    /// Whether it is just what was asked for.
    pub fn is(&self, spec: &NeighbourSpec) -> bool {
        self.state == NeighbourState::PERMANENT
            && (self.index, self.ip, self.mac, self.protocol)
                == (spec.index, spec.ip, Some(spec.mac), spec.protocol)
    }
}

/// What the kernel has once it was asked for that.
impl From<NeighbourSpec> for Neighbour {
    fn from(spec: NeighbourSpec) -> Self {
        Self {
            index: spec.index,
            ip: spec.ip,
            mac: Some(spec.mac),
            state: NeighbourState::PERMANENT,
            protocol: spec.protocol,
        }
    }
}

/// How well a neighbour is known: the kernel's `NUD_*` number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NeighbourState(pub u16);

impl NeighbourState {
    /// Being asked for.
    pub const INCOMPLETE: Self = Self(0x01);
    /// Known and lately heard of.
    pub const REACHABLE: Self = Self(0x02);
    /// Known, but not heard of for some time.
    pub const STALE: Self = Self(0x04);
    /// Did not answer.
    pub const FAILED: Self = Self(0x20);
    /// Of a link that needs no hardware addresses, and multicast.
    pub const NOARP: Self = Self(0x40);
    /// Set by somebody, for good: until it is deleted or its link goes down.
    pub const PERMANENT: Self = Self(0x80);
}
