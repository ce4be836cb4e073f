//! What links count.

use crate::error::Result;
use crate::link::Link;

/// One direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrafficCount {
    /// Packets.
    pub packets: u64,
    /// Bytes, with link headers.
    pub bytes: u64,
    /// Packets that the link dropped.
    pub dropped: u64,
}

/// What went past a link since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkTraffic {
    /// What the link's own namespace got by it.
    pub received: TrafficCount,
    /// What it sent.
    pub sent: TrafficCount,
}

/// Reading counters.
pub trait Counters {
    /// Those of a link; None where it is not there.
    ///
    /// # Errors
    /// What the kernel refuses.
    fn traffic(&mut self, index: u32) -> Result<Option<LinkTraffic>>;

    /// Those of a pair's other end, wherever that is. It counts more than the near end: an eBPF program may hand a
    /// packet straight over to it (`bpf_redirect_peer`), past the near end. None where it is not there.
    ///
    /// # Errors
    /// What the kernel refuses: kernels before 4.16 know no other namespace than the asker's.
    fn peer_traffic(&mut self, link: &Link) -> Result<Option<LinkTraffic>>;
}
