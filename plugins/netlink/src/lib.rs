//! The kernel's side: synchronous typed netlink, network namespaces, sysctls.
//!
//! A CNI plugin lives for about two milliseconds, so nothing here starts a
//! thread or a runtime, a single object is fetched by one request and never by
//! a dump, and what the kernel takes in one message goes in one message.
//!
//! Callers speak to the [`Netlink`] trait; [`Handle`] is the kernel behind it,
//! [`fake::Recorder`] a model in memory for tests of plugins. eBPF programs on links
//! are apart in [`TrafficControl`], for no plugin has any, and what rates need in
//! [`Qdiscs`], and what cards have in [`Vfs`]. Changes that others make are told by a [`Monitor`]. Whatever rtnetlink
//! does not cover builds on [`raw`].

pub mod fake;
pub mod mac;
mod monitor;
pub mod ns;
pub mod raw;
pub mod retry;
pub mod sysctl;

mod address;
mod bridge;
mod child;
mod codec;
mod encap;
mod error;
mod filter;
mod glance;
mod handle;
mod link;
mod neighbour;
mod netlink;
mod nexthop;
mod offload;
mod qdisc;
mod route;
mod rule;
pub mod tap;
mod traffic;
mod vf;
mod vrf;
mod vxlan;

pub use address::{Address, AddressSpec};
pub use bridge::{
    BridgeChange, BridgePort, BridgePortState, BridgeSpec, PortState, PortVlan, PortVlanRange,
};
pub use child::{ChildKind, ChildSpec, IpvlanMode, MacvlanMode, UnknownMode};
pub use encap::{Encap, Tunnel, TunnelEnds, TunnelFlags};
pub use error::{Error, Result};
pub use filter::{ClsactHook, Filter, FilterId, FilterProgram, FilterSpec, TrafficControl};
pub use handle::Handle;
pub use link::{AddrGenMode, Link, LinkChange, LinkKind, OperState, VethPeer, VethSpec};
pub use mac::MacAddr;
pub use monitor::{Event, Monitor};
pub use neighbour::{Neighbour, NeighbourSpec, NeighbourState};
pub use netlink::Netlink;
pub use nexthop::Nexthop;
pub use ns::{NetNs, NsError};
pub use offload::Offload;
pub use qdisc::{
    HtbClass, Qdisc, QdiscKind, Qdiscs, Tbf, TcHandle, U32Filter, U32Key, bytes_in,
    is_unknown_kind, ticks,
};
pub use route::{Family, Hop, Route, RouteChange, RouteFilter, RouteKind, Scope};
pub use rule::{Rule, RuleAction};
pub use traffic::{Counters, LinkTraffic, TrafficCount};
pub use vf::{UnknownWord, Vf, VfChange, VfLinkState, VfRate, VfVlan, Vfs, VlanProto};
pub use vrf::VrfSpec;
pub use vxlan::{Vxlan, VxlanSpec};
