//! What the eBPF programs and the daemon agree on: the maps' names, keys and values, and numbers that are
//! told to people and therefore never change.
//!
//! Both sides compile these very types, so a field that moves, moves for both. What still could differ is
//! padding, which the kernel compares byte for byte in keys: there is none, all of it is spelled out, and the
//! sizes are asserted here. A program of another layout never meets maps of this one: each start of the
//! daemon fills maps of its own and then swaps the programs; only the conntrack tables are handed on, which
//! is why [`TRACK_LAYOUT`] is counted apart.
#![no_std]

mod address;
mod endpoint;
mod event;
mod policy;
mod prefix;
mod rate;
mod reason;
mod route;
mod track;

pub use address::{Addr, Peer};
pub use endpoint::{Config, Endpoint, Sets};
pub use event::{Count, FlowEvent, FlowKind, RuleKey};
pub use policy::{Class, Decision, Lengths, NO_ORDER, NOBODY, PeerKey, PortKey, Set, Side};
pub use prefix::{Block, Kinds, Prefix, Prefix4, Prefix6};
pub use rate::{CLASS_AHEAD, CLASS_REST, Clock, Limit, Sent, Share, Slot};
pub use reason::{Direction, Reason};
pub use route::{Macs, Route, RouteKey};
pub use track::{Fragment, FragmentKey, State, Track, TrackKey, seconds};

/// The layout of all maps but the conntrack tables.
pub const LAYOUT: u32 = 1;
/// The layout of `TRACK_OPEN` and `TRACK_NEW`; open flows outlive a new program as long as it stays.
pub const TRACK_LAYOUT: u32 = 1;

/// Asserts a type's size; the kernel knows a map's keys and values by nothing else.
macro_rules! size {
    ($($of:ty = $bytes:literal),+ $(,)?) => {
        $(const _: () = assert!(core::mem::size_of::<$of>() == $bytes);)+
    };
}
size! {
    Addr = 16, Peer = 12, Prefix4 = 4, Prefix6 = 16, Prefix = 8, Block = 20, RouteKey = 20, Route = 60,
    Config = 16, Endpoint = 64, Sets = 16,
    PeerKey = 8, Lengths = 8, PortKey = 8, Side = 12, Decision = 24, Set = 20,
    TrackKey = 44, Track = 24, FragmentKey = 44, Fragment = 8,
    FlowEvent = 72, Count = 16, RuleKey = 8,
    Limit = 72, Clock = 40, Share = 24, Slot = 32, Sent = 40,
}
