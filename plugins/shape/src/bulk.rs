//! Where the bulk of a limit waits.
//!
//! A bucket of tokens sends a packet whole or not at all, and a socket hands over up to 64 KiB as one packet of many
//! segments. On the container's own end its sockets are told to send fewer at once; those that send to the
//! host's end are out of reach. There a slow limit has a tbf for its queue: one whose bucket is smaller than such a
//! packet cuts it into its segments. Its tokens come faster than packets can follow each other, so it holds nothing up; htb
//! would wait for it, and the kernel complain of that.
//!
//! A queue that is there is not replaced, for what waits in it would be lost; nor is its bucket made
//! smaller, for a packet longer than the bucket would never go, nor anything behind it. So a limit that was
//! fast once keeps packets whole, and one that was slow can become fast.

use fairway_netlink::{Qdisc, QdiscKind, Tbf, TcHandle};

use crate::limit::{Limit, Side};
use crate::tree::{BULK, FRAME, MAJOR};

const WHOLE: TcHandle = TcHandle::new(MAJOR + 2, 0);
const CUT: TcHandle = TcHandle::new(MAJOR + 3, 0);

/// Up to here packets are cut, in bits a second. Below 10 Mbit/s a whole one shows in the first second; up to here,
/// eight connections that each see the queue by pieces of 64 KiB overrun it.
const SLOW: u64 = 200_000_000;
/// 100 Gbit/s, in bytes. `tc`, which reckons in microseconds, shows a short burst as 0 at that.
const AT_ONCE: u64 = 12_500_000_000;
/// More than the longest packet: half a megabyte.
const ANY: u32 = 1 << 20;

/// The queue of a limit on one end of a pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bulk<'a> {
    pub(crate) limit: &'a Limit,
    pub(crate) mtu: u32,
    pub(crate) side: Side,
}

impl Bulk<'_> {
    /// What it begins with.
    pub(crate) fn first(self) -> Qdisc {
        match self.side == Side::Host && self.is_slow() {
            true => self.cutting(self.bucket()),
            false => self.whole(),
        }
    }

    /// It, on a kernel without tbf.
    pub(crate) fn whole(self) -> Qdisc {
        let limit = self.limit.queue_bytes();
        queue(WHOLE, QdiscKind::Bfifo { limit })
    }

    /// What the one that is there becomes.
    pub(crate) fn next(self, there: &Qdisc) -> Qdisc {
        match (self.side, &there.kind, there.handle) {
            (Side::Host, QdiscKind::Tbf(tbf), CUT) => self.cutting(self.bucket().max(tbf.burst)),
            (Side::Host, QdiscKind::Bfifo { .. }, WHOLE) => self.whole(),
            _ => self.first(),
        }
    }

    /// Whether the one that is there is as it can be.
    pub(crate) fn is_met(self, there: &Qdisc) -> bool {
        let wanted = self.next(there);
        *there == wanted || is_same_bucket(&wanted, there)
    }

    fn is_slow(self) -> bool {
        self.limit.rate.bits_per_second() <= SLOW
    }

    /// As much as the limit lets go at once, and the frame that it then goes over by; or any packet.
    fn bucket(self) -> u32 {
        match self.is_slow() {
            true => {
                let frame = self.mtu.saturating_add(FRAME).max(1600);
                self.limit.burst_bytes().saturating_add(frame)
            }
            false => self.limit.burst_bytes().saturating_add(ANY),
        }
    }

    fn cutting(self, burst: u32) -> Qdisc {
        queue(
            CUT,
            QdiscKind::Tbf(Tbf {
                rate: AT_ONCE,
                burst,
                limit: self.limit.queue_bytes(),
            }),
        )
    }
}

const fn queue(handle: TcHandle, kind: QdiscKind) -> Qdisc {
    Qdisc {
        parent: BULK,
        handle,
        kind,
    }
}

/// The kernel keeps a burst as time, and tells it in ticks of 64 ns.
pub(crate) fn is_same_bucket(wanted: &Qdisc, found: &Qdisc) -> bool {
    let (QdiscKind::Tbf(new), QdiscKind::Tbf(old)) = (&wanted.kind, &found.kind) else {
        return false;
    };
    let place = |qdisc: &Qdisc| (qdisc.parent, qdisc.handle);
    let numbers = |tbf: &Tbf| (tbf.rate, tbf.limit);
    let off = u64::from(new.burst.abs_diff(old.burst));
    let room = u64::from(new.burst) / 1000 + new.rate / 8_000_000 + 1;
    place(wanted) == place(found) && numbers(new) == numbers(old) && off <= room
}
