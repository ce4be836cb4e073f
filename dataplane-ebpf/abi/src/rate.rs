//! Limits on what links send: how much, and how much of it has been used.
//!
//! A limit is kept as a clock: the moment at which all that was let through so far will have been sent at the
//! limit's rate. So what a packet has to wait for is the distance of that moment from now, whatever the rate is,
//! and several limits over one packet hold together by the greatest of their distances.

/// `LIMITS`: array by the limit's number. 0 is no limit's.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Nanoseconds that a byte takes, times [`Limit::SCALE`]; 0: bytes are not limited.
    pub byte: u64,
    /// Nanoseconds that a packet takes; 0: packets are not limited.
    pub packet: u64,
    /// Nanoseconds that may be saved up while nothing is sent.
    pub burst: u64,
    /// What has to wait for longer is marked (ECN), where both ends know marks.
    pub mark: u64,
    /// Of what has to wait for longer, and has no socket on this machine to wait for it, a little is dropped.
    pub early: u64,
    /// What would have to wait for longer is dropped.
    pub most: u64,
    /// Where nothing can be made to wait: what is ahead of its time by more is dropped.
    pub slack: u64,
    /// Until then (nanoseconds of the monotonic clock) packets may wait that were given their times before the
    /// limit was raised: none of their flow departs before them.
    pub held: u64,
    /// Where slots share the limit, and nothing can be made to wait: over how many nanoseconds it is counted what
    /// each of them uses, as a power of two, and 8 at least; 0: one slot alone has it.
    pub epoch: u64,
}

impl Limit {
    /// Of [`Limit::byte`].
    pub const SCALE: u64 = 1 << 16;
}

/// `CLOCKS`: array by the limit's number. Nanoseconds of the monotonic clock. The programs write it,
/// and who raises a limit: what waits takes less time then.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// When the bytes so far will have been sent.
    pub bytes: u64,
    /// When the packets so far will have been.
    pub packets: u64,
    /// When what went ahead of its queue will have been, at half the rate.
    pub ahead: u64,
    /// What slots that share the limit used in the last two epochs, the even one first: its number times
    /// [`Clock::PARTS`], and parts of a share, each one [`Clock::WHOLE`]th.
    pub used: [u64; 2],
}

impl Clock {
    /// Of [`Clock::used`]: more than all slots can use.
    pub const PARTS: u64 = 1 << 24;
    /// A share.
    pub const WHOLE: u64 = 1 << 8;
}

/// `SHARES`: array by the slot's number times [`Slot::LIMITS`], plus the place of the limit in it. What a slot has of
/// a limit that it shares. The programs write it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// When all that was within the share so far will have been sent at the share's rate.
    pub clock: u64,
    /// The epoch of its last packet.
    pub epoch: u64,
    /// Nanoseconds by which the clock was moved on in it.
    pub used: u64,
}

/// `SLOTS`: array by the slot's number, which a filter bears as its class. A link's direction.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Numbers of limits: the container's own (what a qdisc keeps to by itself comes first), and those that it
    /// shares with others; 0: none.
    pub limits: [u32; Slot::LIMITS],
    /// [`Slot::DEPART`] and its like.
    pub flags: u32,
    /// The DSCP that its packets get (RFC 2474), if [`Slot::DSCP`] is set.
    pub dscp: u32,
    /// As [`Limit::held`], of limits that the slot has no more.
    pub held: u64,
}

impl Slot {
    /// Limits of a slot.
    pub const LIMITS: usize = 4;
    /// The link's qdisc sends each packet at its departure time.
    pub const DEPART: u32 = 1;
    /// The link's qdisc keeps to the first limit by itself, with a class for what goes ahead and one for the rest.
    pub const CLASSES: u32 = 2;
    /// Packets are marked with [`Slot::dscp`].
    pub const DSCP: u32 = 4;
    /// The packets come from a socket of the link's own namespace, which is told at once of a drop, and keeps
    /// the data: nothing is lost by it.
    pub const LOCAL: u32 = 8;
}

/// The class of the link's qdisc for what goes ahead.
pub const CLASS_AHEAD: u32 = 0xfa17_0010;
/// That for the rest.
pub const CLASS_REST: u32 = 0xfa17_0020;

/// `SENT`: array by the slot's number, one for each processor.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Bytes of frames that were let through.
    pub bytes: u64,
    /// Packets that were.
    pub packets: u64,
    /// Of these, packets that had to wait.
    pub delayed: u64,
    /// Of these, packets that were marked (ECN).
    pub marked: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}

impl Sent {
    /// What was counted since.
    pub fn since(&self, before: &Sent) -> Sent {
        Sent {
            bytes: self.bytes.wrapping_sub(before.bytes),
            packets: self.packets.wrapping_sub(before.packets),
            delayed: self.delayed.wrapping_sub(before.delayed),
            marked: self.marked.wrapping_sub(before.marked),
            dropped: self.dropped.wrapping_sub(before.dropped),
        }
    }
}
