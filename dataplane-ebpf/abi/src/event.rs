//! What is told and counted.

use crate::Addr;

/// `COUNTERS`: per processor, an array by [`crate::Reason::counter`]; `RULES`: per processor, LRU hash of
/// [`RuleKey`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Packets; in `RULES`, flows.
    pub packets: u64,
    /// Bytes, with link headers.
    pub bytes: u64,
}

/// Whose flows are counted.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RuleKey {
    /// The rule.
    pub rule: u32,
    /// 1: it would have refused them, were it not in audit. 0: it decided.
    pub audit: u32,
}

/// What an event tells.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowKind {
    /// A flow was let through; one in [`crate::Config::sample`].
    Allowed = 1,
    /// A packet was dropped.
    Dropped = 2,
    /// A flow was let through that a policy in audit would refuse.
    Audited = 3,
}

/// `FLOWS`: ring buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowEvent {
    /// Monotonic clock, nanoseconds.
    pub at: u64,
    /// The endpoint's link.
    pub link: u32,
    /// [`FlowKind`].
    pub kind: u32,
    /// [`crate::Reason`].
    pub reason: u32,
    /// The rule that decided.
    pub rule: u32,
    /// [`crate::Direction`].
    pub direction: u16,
    /// Source port, host order; of ICMP its type.
    pub source_port: u16,
    /// Destination port; of ICMP its code.
    pub destination_port: u16,
    /// Protocol.
    pub protocol: u8,
    /// Zero.
    pub zero: u8,
    /// Source; zeros where the packet has none.
    pub source: Addr,
    /// Destination.
    pub destination: Addr,
    /// Bytes.
    pub length: u32,
    /// Events that were not told since the last one on this processor.
    pub missed: u32,
}
