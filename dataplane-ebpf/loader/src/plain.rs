//! Types that go to the kernel and come back as bytes.
#![expect(unsafe_code, reason = "each type is vouched for")]

use fairway_dataplane_abi::{
    Addr, Block, Clock, Config, Count, Decision, Endpoint, Lengths, Limit, Peer, PeerKey, PortKey,
    Prefix, Prefix4, Prefix6, Route, RouteKey, RuleKey, Sent, Set, Share, Slot, Track, TrackKey,
};

/// A key or value of a map.
///
/// # Safety
/// It is `repr(C)` or primitive, has no padding, and any bytes are a value of it.
pub(crate) unsafe trait Plain: Copy + Default + 'static {}

macro_rules! plain {
    ($($of:ty),+ $(,)?) => {
        $(
            // SAFETY: integers and arrays of them, without padding: the sum of the fields' sizes is the size
            // that the ABI crate asserts.
            unsafe impl Plain for $of {}
        )+
    };
}

plain! {
    u32, Addr, Block, Clock, Config, Count, Decision, Endpoint, Lengths, Limit, Peer, PeerKey, PortKey, Prefix, Route, RouteKey,
    RuleKey, Sent, Set, Share, Slot, Track, TrackKey, Lpm<Prefix4>, Lpm<Prefix6>, Lpm<RouteKey>,
}

/// A key of an LPM trie.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lpm<T> {
    /// How many bits of it count, in this machine's order.
    pub(crate) length: u32,
    /// Network order.
    pub(crate) bits: T,
}

const _: () = assert!(size_of::<Lpm<Prefix4>>() == 8 && size_of::<Lpm<Prefix6>>() == 20);
const _: () = assert!(size_of::<Lpm<RouteKey>>() == 24);
