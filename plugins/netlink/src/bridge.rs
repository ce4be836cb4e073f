//! Bridges, their ports, and the VLANs that pass them.

use crate::mac::MacAddr;

/// A bridge to create.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BridgeSpec {
    /// Name of the link, 1 to 15 bytes.
    pub name: String,
    /// Bytes, until it has ports: then it takes the least of theirs, unless it is
    /// changed once more. None: 1500.
    pub mtu: Option<u32>,
    /// None leaves the kernel's random address.
    pub mac: Option<MacAddr>,
    /// Whether frames are sorted by VLAN.
    pub vlan_filtering: bool,
    /// Whether it is up from the start.
    pub up: bool,
}

/// What to change about an existing bridge. None leaves a setting alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BridgeChange {
    /// Whether frames are sorted by VLAN.
    pub vlan_filtering: Option<bool>,
}

/// What to change about a link in its role as a bridge's port. None leaves a
/// setting alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BridgePort {
    /// Send frames back out of the port they came in by.
    pub hairpin: Option<bool>,
    /// No traffic with other isolated ports.
    pub isolated: Option<bool>,
}

/// Spanning tree's view of a port. A bridge without STP has its ports
/// [`PortState::Forwarding`] as soon as they have carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortState {
    /// Link or bridge is down.
    Disabled,
    /// Not forwarding; waits for spanning tree.
    Listening,
    /// Learns addresses, does not forward yet.
    Learning,
    /// In use.
    Forwarding,
    /// Shut by spanning tree.
    Blocking,
    /// A number that this crate does not know.
    Other(u8),
}

/// A link's settings as a bridge's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgePortState {
    /// Frames may go back out of the port they came in by.
    pub hairpin: bool,
    /// No traffic with other isolated ports.
    pub isolated: bool,
    /// Whether it forwards.
    pub state: PortState,
}

/// A VLAN that a port (or the bridge itself) lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortVlan {
    /// 1 to 4094.
    pub vid: u16,
    /// Untagged frames that come in belong to this VLAN.
    pub pvid: bool,
    /// Frames of this VLAN go out untagged.
    pub untagged: bool,
}

/// One VLAN or a run of them, to add or delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortVlanRange {
    /// 1 to 4094.
    pub first: u16,
    /// The last one, included; not less than `first`.
    pub last: u16,
    /// Untagged frames that come in belong to this VLAN; for a single one only.
    pub pvid: bool,
    /// Frames go out untagged.
    pub untagged: bool,
}

impl PortVlanRange {
    /// One VLAN, tagged.
    pub const fn single(vid: u16) -> Self {
        Self::range(vid, vid)
    }

    /// A run of VLANs, tagged.
    pub const fn range(first: u16, last: u16) -> Self {
        Self {
            first,
            last,
            pvid: false,
            untagged: false,
        }
    }

    /// The VLAN of an access port: untagged both ways.
    pub const fn access(vid: u16) -> Self {
        Self {
            first: vid,
            last: vid,
            pvid: true,
            untagged: true,
        }
    }
}
