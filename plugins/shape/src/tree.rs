//! What a limit consists of.

use fairway_netlink::{HtbClass, Qdisc, QdiscKind, Tbf, TcHandle, ticks};

use crate::bulk::Bulk;

pub(crate) const MAJOR: u16 = 0xfa17;

/// The root qdisc, by which it is known whose it is.
pub const HANDLE: TcHandle = TcHandle::new(MAJOR, 0);
/// The class of packets that somebody waits for and that are few: a priority (`skb->priority`) of
/// this number leads there.
pub const SPARSE: TcHandle = TcHandle::new(MAJOR, 0x10);
/// The class of everything else.
pub const BULK: TcHandle = TcHandle::new(MAJOR, 0x20);

/// While one of our roots takes the place of another.
pub(crate) const HALFWAY: TcHandle = TcHandle::new(MAJOR - 1, 0);
const TOP: TcHandle = TcHandle::new(MAJOR, 1);

/// Bytes before the other class has its turn: a few frames, and some packets of many.
const SPARSE_QUANTUM: u32 = 3_000;
const BULK_QUANTUM: u32 = 20_000;
/// Packets; each is short.
const SPARSE_QUEUE: u32 = 1_000;
/// The least that a token bucket has, in microseconds: it drops for good what comes before its time.
const BUCKET_MICROSECONDS: u32 = 1_000;
/// What Ethernet puts before a packet, with a VLAN's tag.
pub(crate) const FRAME: u32 = 18;

/// The root of a tree.
pub(crate) const fn root() -> Qdisc {
    Qdisc {
        parent: TcHandle::ROOT,
        handle: HANDLE,
        kind: QdiscKind::Htb {
            default: BULK.minor(),
        },
    }
}

/// A class, and where its packets wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) class: HtbClass,
    pub(crate) queue: Option<Qdisc>,
}

/// The classes, each behind the one that it borrows from.
pub(crate) fn nodes(bulk: Bulk<'_>) -> [Node; 3] {
    let limit = bulk.limit;
    let ceil = limit.rate.bytes_per_second();
    let burst = u64::from(limit.burst_bytes());
    let class = |handle, parent, rate, quantum, priority| HtbClass {
        handle,
        parent,
        rate,
        ceil,
        buffer: ticks(burst, rate),
        cbuffer: ticks(burst, ceil),
        quantum,
        priority,
    };
    // Both have half for themselves, so neither starves the other.
    let half = ceil / 2;
    let sparse = Qdisc {
        parent: SPARSE,
        handle: TcHandle::new(MAJOR + 1, 0),
        kind: QdiscKind::Pfifo {
            limit: SPARSE_QUEUE,
        },
    };
    [
        Node {
            class: class(TOP, HANDLE, ceil, BULK_QUANTUM, 0),
            queue: None,
        },
        Node {
            class: class(SPARSE, TOP, half, SPARSE_QUANTUM, 0),
            queue: Some(sparse),
        },
        Node {
            class: class(BULK, TOP, half, BULK_QUANTUM, 1),
            queue: Some(bulk.first()),
        },
    ]
}

/// The one bucket of a kernel without htb.
pub(crate) fn bucket(Bulk { limit, mtu, .. }: Bulk<'_>) -> Qdisc {
    let pause = limit.rate.bytes_in_microseconds(BUCKET_MICROSECONDS);
    let burst = limit.burst_bytes().max(mtu.saturating_add(FRAME));
    Qdisc {
        parent: TcHandle::ROOT,
        handle: HANDLE,
        kind: QdiscKind::Tbf(Tbf {
            rate: limit.rate.bytes_per_second(),
            burst: burst.max(u32::try_from(pause).unwrap_or(u32::MAX)),
            limit: limit.queue_bytes(),
        }),
    }
}

/// Departure times, which a program sets. One flow may have all the room: what is dropped here has been let
/// through, and paid for, already.
pub(crate) const fn fair(handle: TcHandle) -> Qdisc {
    Qdisc {
        parent: TcHandle::ROOT,
        handle,
        kind: QdiscKind::Fq {
            limit: 20_000,
            flow_limit: 20_000,
        },
    }
}
