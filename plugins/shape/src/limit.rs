//! What is wanted, and the sizes that follow from it.

use crate::rate::{Burst, Rate};

/// A limit on what a link sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Ethernet frames, in bits a second.
    pub rate: Rate,
    /// What may go at once after a pause. None: what goes in 250 µs, and 1600 bytes at least, which
    /// is as little as keeps a processor from being woken for each frame.
    pub burst: Option<Burst>,
}

/// Which end of a container's pair of links a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The container's own: what it sends. Its sockets are here, so a slow link also tells
    /// them to send few frames at once: at 1 Mbit/s one packet of 64 KiB is half a second.
    Container,
    /// The host's: what the container gets.
    Host,
}

/// The least burst: a frame and its VLAN tag, with room to spare.
const BURST_MIN: u64 = 1600;
const BURST_MICROSECONDS: u32 = 250;
/// What waits at least: TCP holds back by itself and never fills it, other protocols are not cut short.
const QUEUE_MIN: u64 = 4_000_000;
const QUEUE_MAX: u64 = 64_000_000;
const QUEUE_MICROSECONDS: u32 = 100_000;
/// What a socket may hand over in one piece.
const SEGMENTS_MICROSECONDS: u32 = 2_000;
/// Before what hardware can do was told (Linux 5.19), this was the most for all that have none.
const SEGMENTS_MAX: u32 = 65_535;

impl Limit {
    /// With the usual burst.
    pub const fn new(rate: Rate) -> Self {
        Self { rate, burst: None }
    }

    /// Bytes that may go at once.
    pub fn burst_bytes(&self) -> u32 {
        let usual = self.rate.bytes_in_microseconds(BURST_MICROSECONDS);
        let usual = u32::try_from(usual.max(BURST_MIN)).unwrap_or(u32::MAX);
        self.burst.map_or(usual, Burst::bytes)
    }

    /// Bytes that may wait.
    pub(crate) fn queue_bytes(&self) -> u32 {
        let usual = self.rate.bytes_in_microseconds(QUEUE_MICROSECONDS);
        u32::try_from(usual.clamp(QUEUE_MIN, QUEUE_MAX)).unwrap_or(u32::MAX)
    }

    /// Frames that a packet may stand for on a link of that MTU whose hardware takes so many at most.
    pub(crate) fn segments(&self, mtu: u32, most: Option<u32>) -> u32 {
        let bytes = self.rate.bytes_in_microseconds(SEGMENTS_MICROSECONDS);
        let frames = u32::try_from(bytes / u64::from(mtu.max(1))).unwrap_or(u32::MAX);
        frames.clamp(1, all_segments(most))
    }
}

/// As many frames as a link takes without a limit.
pub(crate) fn all_segments(most: Option<u32>) -> u32 {
    most.unwrap_or(SEGMENTS_MAX).max(1)
}
