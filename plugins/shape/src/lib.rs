//! Rates on links, by what the kernel has for it: no program, no daemon.
//!
//! A limit is a tree of htb classes on the device where a packet still belongs to its socket: the container's
//! own end of the pair for what it sends, the host's end for what it gets. There TCP notices the queue and
//! holds back by itself, so that the limit costs neither drops nor delay; behind the pair, where the usual
//! ifb device has it, a full queue can only drop. Small packets that somebody waits for (pings, name
//! lookups, bare acknowledgements) have a class of their own in front of the others.
//!
//! ```text
//!  fa17:      htb, default 20
//!  └ fa17:1       the limit
//!    ├ fa17:10      half of it, may borrow all, first   ── fa18: pfifo    pings, ACKs, SYNs, short UDP, ARP
//!    └ fa17:20      half of it, may borrow all          ── fa19: bfifo    everything else
//!                                                         or fa1a: tbf    the same, long packets cut
//! ```
//!
//! A packet whose priority (`skb->priority`) is one of the two leaves' numbers goes there unasked, so a program
//! can know better than the filters do. Sizes are those of Ethernet frames, as `tc` counts them.
//!
//! Whatever is to be is compared with what is there, and only what differs is changed: the same call makes a
//! limit, changes it under running connections without a packet lost, and completes what a killed process left half
//! made. What is ours bears the handle `fa17:`; another's root qdisc is refused and left alone, unless the
//! kernel has chosen it by itself (handle 0).
//!
//! What can go wrong: a kernel without htb (then it is one token bucket, tbf, which drops more), or without
//! either; without u32 (then all share one queue); and a container with `CAP_NET_ADMIN` takes its own end's limit
//! off, while one with `CAP_NET_RAW` can send past the qdisc (`PACKET_QDISC_BYPASS`).

mod apply;
mod bulk;
mod check;
mod departures;
mod error;
mod limit;
mod rate;
mod remove;
mod root;
mod sparse;
#[cfg(test)]
mod tests;
mod tree;

pub use apply::apply;
pub use check::check;
pub use departures::departures;
pub use error::{Error, Result};
pub use limit::{Limit, Side};
pub use rate::{Burst, BurstError, Rate, RateError};
pub use remove::remove;
pub use tree::{BULK, HANDLE, SPARSE};

/// By what a limit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Means {
    /// A tree of classes.
    Htb,
    /// One token bucket, on a kernel without htb.
    Tbf,
}
