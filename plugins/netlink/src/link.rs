//! Links: what the kernel tells of them, and what can be asked of it.

use std::os::fd::BorrowedFd;

use crate::bridge::BridgePortState;
use crate::child::{IpvlanMode, MacvlanMode};
use crate::mac::MacAddr;
use crate::vxlan::Vxlan;

/// A network interface as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Index, unique in its namespace, above 0.
    pub index: u32,
    /// Name, 1 to 15 bytes.
    pub name: String,
    /// Hardware address; None where the link layer has none of six bytes.
    pub mac: Option<MacAddr>,
    /// Bytes.
    pub mtu: u32,
    /// Administratively up (IFF_UP).
    pub up: bool,
    /// Set to promiscuous by an administrator (IFF_PROMISC).
    pub promisc: bool,
    /// Set to take all multicast frames (IFF_ALLMULTI), by an administrator or because a
    /// protocol needs them.
    pub allmulti: bool,
    /// How many users hold it promiscuous, a bridge that it is a port of included.
    pub promiscuity: u32,
    /// Whether it can carry traffic.
    pub oper: OperState,
    /// None for hardware and the loopback.
    pub kind: Option<LinkKind>,
    /// Index of the bridge (or bond, or VRF) that it belongs to.
    pub master: Option<u32>,
    /// Of a veth: the other end's index, in the other end's namespace. Of a link that
    /// stands on another one: that one's.
    pub peer_index: Option<u32>,
    /// The other end's namespace, as this namespace numbers it; None for
    /// this very one.
    pub peer_nsid: Option<i32>,
    /// A free text.
    pub alias: Option<String>,
    /// Settings as a bridge's port, for those that are one.
    pub port: Option<BridgePortState>,
    /// Frames at most that wait for the device.
    pub tx_queue_len: Option<u32>,
    /// Frames at most that a packet on its way out may stand for. Kernels tell it
    /// since 4.16.
    pub gso_max_segs: Option<u32>,
    /// The most that `gso_max_segs` may be. Kernels tell it since 5.19; before, it was
    /// 65,535 for all that have no hardware.
    pub tso_max_segs: Option<u32>,
    /// The device that it is the link of, by its name on the bus: a PCI address, mostly.
    /// Kernels tell it since 5.14.
    pub parent_dev: Option<String>,
}

impl Link {
    /// A link with nothing but its index and name, down, MTU 1500: a start for
    /// models and tests.
    pub fn new(index: u32, name: impl Into<String>) -> Self {
        Self {
            index,
            name: name.into(),
            mac: None,
            mtu: 1500,
            up: false,
            promisc: false,
            allmulti: false,
            promiscuity: 0,
            oper: OperState::Down,
            kind: None,
            master: None,
            peer_index: None,
            peer_nsid: None,
            alias: None,
            port: None,
            tx_queue_len: None,
            gso_max_segs: None,
            tso_max_segs: None,
            parent_dev: None,
        }
    }

    /// Whether it is a bridge.
    pub fn is_bridge(&self) -> bool {
        matches!(self.kind, Some(LinkKind::Bridge { .. }))
    }

    /// Its settings as a VXLAN device, if it is one.
    pub fn vxlan(&self) -> Option<Vxlan> {
        match self.kind {
            Some(LinkKind::Vxlan(vxlan)) => Some(vxlan),
            _ => None,
        }
    }

    /// Whether it is a veth.
    pub fn is_veth(&self) -> bool {
        self.kind == Some(LinkKind::Veth)
    }
}

/// Which driver makes a virtual link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// A bridge.
    Bridge {
        /// Whether it sorts frames by VLAN.
        vlan_filtering: bool,
    },
    /// One end of a pair.
    Veth,
    /// A VXLAN device.
    Vxlan(Vxlan),
    /// A hardware address of its own on another link's wire.
    Macvlan(MacvlanMode),
    /// IP addresses of its own with another link's hardware address.
    Ipvlan(IpvlanMode),
    /// What one VLAN has of another link.
    Vlan {
        /// 802.1Q's identifier.
        id: u16,
    },
    /// Virtual routing: packets of its links are looked up in that table.
    Vrf {
        /// The table's number.
        table: u32,
    },
    /// Any other, by the kernel's name for it.
    Other(String),
}

/// RFC 2863's operational state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperState {
    /// The driver does not say (the loopback, for one); treat as working.
    Unknown,
    /// Hardware is missing.
    NotPresent,
    /// Cannot carry traffic.
    Down,
    /// What it stands on is down: of a veth, the other end.
    LowerLayerDown,
    /// In a test mode.
    Testing,
    /// Waits for something outside, such as authentication.
    Dormant,
    /// Carries traffic.
    Up,
}

/// A pair of links to create, in one request.
#[derive(Debug, Clone, Default)]
pub struct VethSpec<'ns> {
    /// Name of the near end, 1 to 15 bytes.
    pub name: String,
    /// Bytes; None leaves the kernel's 1500.
    pub mtu: Option<u32>,
    /// None leaves the kernel's random address.
    pub mac: Option<MacAddr>,
    /// Index of the bridge that the near end becomes a port of.
    pub master: Option<u32>,
    /// Whether the near end is up from the start.
    pub up: bool,
    /// Where the near end goes; None: the handle's namespace.
    pub netns: Option<BorrowedFd<'ns>>,
    /// The far end.
    pub peer: VethPeer<'ns>,
}

/// The far end of a [`VethSpec`]. It is down at first: the kernel refuses to set
/// it up in the request that makes the pair (ENOTCONN, for at that moment its
/// other end is not tied to it yet).
#[derive(Debug, Clone, Default)]
pub struct VethPeer<'ns> {
    /// Name, 1 to 15 bytes.
    pub name: String,
    /// Bytes; None leaves the kernel's 1500.
    pub mtu: Option<u32>,
    /// None leaves the kernel's random address.
    pub mac: Option<MacAddr>,
    /// Where it goes; None: the handle's namespace.
    pub netns: Option<BorrowedFd<'ns>>,
}

/// How the kernel makes IPv6 link-local addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddrGenMode {
    /// From the hardware address.
    Eui64,
    /// Not at all.
    None,
    /// From a secret that the administrator has set.
    StablePrivacy,
    /// From a secret that the kernel picks.
    Random,
}

/// What to change about a link, in one request. None leaves a setting alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkChange {
    /// Up or down.
    pub up: Option<bool>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// Hardware address.
    pub mac: Option<MacAddr>,
    /// Promiscuous or not.
    pub promisc: Option<bool>,
    /// All multicast frames or only those of its groups.
    pub allmulti: Option<bool>,
    /// Frames at most that wait for the device.
    pub tx_queue_len: Option<u32>,
    /// New name, 1 to 15 bytes; older kernels refuse while the link is up (EBUSY).
    pub name: Option<String>,
    /// `Some(None)` takes it out of its bridge.
    pub master: Option<Option<u32>>,
    /// A free text, up to 255 bytes; empty deletes it.
    pub alias: Option<String>,
    /// How IPv6 link-local addresses are made, from the next time it goes up.
    pub addr_gen_mode: Option<AddrGenMode>,
    /// Frames at most that a packet on its way out may stand for, 1 to the link's
    /// `tso_max_segs`. Sockets heed it from their next connection on.
    pub gso_max_segs: Option<u32>,
}
