//! Flows that have been judged.
//!
//! There are two tables. A flow begins in `TRACK_NEW`, where the oldest gives way when it is full; an answer
//! moves it to `TRACK_OPEN`, where nobody gives way. So a flood of packets that nobody answers pushes out its
//! own kind, and no open connection.

use crate::Addr;

/// A flow as its endpoint sees it. `TRACK_NEW`: LRU hash of this; `TRACK_OPEN`: hash.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TrackKey {
    /// The endpoint's link.
    pub link: u32,
    /// The endpoint's address.
    pub local: Addr,
    /// The other's.
    pub remote: Addr,
    /// The endpoint's port in host order; of an ICMP echo its identifier, else 0.
    pub local_port: u16,
    /// The other's; of an ICMP echo the identifier once more.
    pub remote_port: u16,
    /// The protocol's number.
    pub protocol: u8,
    /// Zeros.
    pub zero: [u8; 3],
}

/// A flow's state.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Track {
    /// On the kernel's monotonic clock (`bpf_ktime_get_ns`), nanoseconds.
    pub expires: u64,
    /// [`crate::Config::epoch`] when it was judged.
    pub epoch: u32,
    /// Which rule has let it through, or refused it.
    pub rule: u32,
    /// [`State`]'s bits.
    pub state: u32,
    /// Zero.
    pub zero: u32,
}

/// Bits of [`Track::state`].
pub struct State;

impl State {
    /// The other one began it: it is judged as ingress. Else the endpoint did.
    pub const INBOUND: u32 = 1;
    /// There was an answer.
    pub const ANSWERED: u32 = 2;
    /// It is refused, and stays known so that its rest cannot pass as another flow.
    pub const REFUSED: u32 = 4;
    /// It goes from container to container past the node's own forwarding; a flow that began otherwise must
    /// not, because the node may have rewritten its addresses.
    pub const DIRECT: u32 = 8;
    /// Who began it has said FIN.
    pub const FIN: u32 = 16;
    /// The other one has.
    pub const FIN_BACK: u32 = 32;
    /// There was an RST.
    pub const RESET: u32 = 64;
    /// Who began it has been seen after the answer: three packets of a handshake.
    pub const CONFIRMED: u32 = 128;
    /// With `REFUSED`: a rule refuses it; without, no rule lets it through.
    pub const DENIED: u32 = 256;
}

/// How long flows are kept, in seconds, after their last packet.
pub mod seconds {
    /// TCP, three packets of a handshake were seen.
    pub const TCP: u64 = 6 * 3600;
    /// TCP, before.
    pub const TCP_NEW: u64 = 60;
    /// TCP, after both FINs or an RST.
    pub const TCP_CLOSED: u64 = 10;
    /// TCP, after an RST that no FIN came with, of a connection that was open.
    pub const TCP_RESET: u64 = 3600;
    /// Anything else, before an answer.
    pub const OTHER_NEW: u64 = 30;
    /// Anything else, after one.
    pub const OTHER: u64 = 180;
    /// A refused one; of TCP, [`TCP`].
    pub const REFUSED: u64 = 60;
    /// Fragments of a packet.
    pub const FRAGMENTS: u64 = 30;
}

/// `FRAGMENTS`: LRU hash of this. What only the first fragment says, for those after it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FragmentKey {
    /// Source.
    pub source: Addr,
    /// Destination.
    pub destination: Addr,
    /// The endpoint's link.
    pub link: u32,
    /// The packet's identification.
    pub id: u32,
    /// The protocol's number; of IPv6 the one that the fragment header names.
    pub protocol: u32,
}

/// Ports of the first fragment, host order.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fragment {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Seconds of the monotonic clock when it was seen.
    pub seen: u32,
}
