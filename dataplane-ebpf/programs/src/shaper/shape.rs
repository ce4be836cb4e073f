//! What becomes of a packet.
//!
//! It waits for the last of its limits. A flow of which nothing waits goes ahead of those of which much does, as
//! long as it is little: a ping, a request, the first packet of a connection. What goes ahead is paid for by those
//! that wait, so the limit holds.
//!
//! Where too much waits, packets are marked (ECN) if their ends know that. What has a socket on this machine needs
//! no more: TCP has no more than a millisecond of its data wait in a qdisc, and a UDP socket is full at some point.
//! Of what comes from elsewhere a little is dropped, one packet in 2,000, later one in 200, which tells its sender
//! before there is no room any more.
//!
//! Limits that no qdisc keeps to are kept to by dropping. Where the packet comes straight from its socket, that
//! loses nothing: TCP is told that its packet did not go, keeps it, and slows down. Where slots share such a limit,
//! who is below its share gets in before who is above; see [`crate::share`].

use crate::clock::Metered;
use crate::dscp;
use crate::maps::{FLOWS, FLOWS_ROOM, SENT, SLOTS};
use crate::share::Share;
use crate::skb::{NEXT, SHOT, Skb, now, one_in};
use fairway_dataplane_abi::{CLASS_AHEAD, CLASS_REST, Slot};

/// No packet of a flow that goes ahead is larger.
const LITTLE: u32 = 256;
/// By so much a qdisc that keeps to the rate by itself may lag behind what is reckoned here.
const LAG: u64 = 20_000_000;
/// A sender's own departure time that is further away than this is none.
const SOON: u64 = 1_000_000_000;

/// How a packet goes.
enum Way {
    /// Nothing is before it; of what will be cut into many, the last has to wait for so long.
    Now(u64),
    Ahead,
    After(u64),
    Dropped,
}

#[inline(always)]
pub(crate) fn shape(skb: &mut Skb) -> i32 {
    let number = skb.slot();
    let Some(slot) = SLOTS.get(number) else {
        return NEXT;
    };
    let now = now();
    let packets = skb.packets();
    let bytes = skb.bytes(packets);
    let (way, marked) = way(skb, slot, number, now, (bytes, packets));
    count(number, &way, marked, bytes, packets);
    let (class, mut wait) = match way {
        Way::Dropped => return SHOT,
        Way::After(wait) => (CLASS_REST, wait),
        Way::Ahead => (CLASS_AHEAD, 0),
        Way::Now(wait) => (CLASS_REST, wait),
    };
    let mut held = slot.held > now;
    for (at, limit) in slot.limits.iter().enumerate() {
        if let Some(limit) = Metered::of(*limit) {
            let cost = limit.charge(now, bytes, packets);
            held |= limit.limit.held > now;
            if !queued(slot, at)
                && let Some(share) = Share::of(limit, number, at, now)
            {
                share.charge(cost);
            }
        }
    }
    // The queue sends by the times alone, and what waits of the flow may have one of an older rate
    // or limit.
    if held && slot.flags & Slot::DEPART != 0 {
        let last = last(skb, number).saturating_sub(now);
        wait = if last > wait { last } else { wait };
    }
    if wait > 0 {
        let lag = match slot.flags & Slot::CLASSES {
            0 => 0,
            _ => LAG + wait / 4,
        };
        waits_until(skb, number, now + wait + lag);
    }
    let time = now + wait;
    if slot.flags & Slot::DSCP != 0 {
        dscp::set(skb, slot.dscp);
    }
    if slot.flags & Slot::CLASSES != 0 {
        skb.class(class);
    }
    if slot.flags & Slot::DEPART != 0 {
        let own = skb.departs();
        let own = if own > time && own - time < SOON {
            own
        } else {
            time
        };
        skb.depart(own);
    }
    NEXT
}

/// Decides, and says whether the packet was marked.
#[inline(always)]
fn way(
    skb: &mut Skb,
    slot: &Slot,
    number: u32,
    now: u64,
    (bytes, packets): (u32, u32),
) -> (Way, bool) {
    // The limit that takes longest, of those whose packets can be made to wait.
    let (mut wait, mut longest) = (0, 0);
    // What will be cut into many goes at once: when the last of it may, so that it is never more than the limit.
    // That is no later than what comes next may go, so a flow keeps its order.
    let many = slot.flags & Slot::DEPART != 0 && packets > 1;
    let mut whole = 0;
    let mut marked = false;
    for (at, limited) in slot.limits.iter().enumerate() {
        let Some(limit) = Metered::of(*limited) else {
            continue;
        };
        let waits = limit.wait(now);
        if queued(slot, at) {
            if waits > wait {
                (wait, longest) = (waits, *limited);
            }
            if many {
                let last = limit.wait_behind(now, bytes - bytes / packets, packets - 1);
                // The queue would drop what is far away, and it would have been paid for.
                if last > limit.limit.most {
                    return (Way::Dropped, false);
                }
                whole = if last > whole { last } else { whole };
            }
            continue;
        }
        let slack = limit.limit.slack;
        let mut most = slack;
        if let Some(share) = Share::of(limit, number, at, now) {
            share.comes();
            let room = share.room();
            most += room;
            if waits > most && room > 0 {
                share.lacks();
            }
        }
        if waits > most {
            return (Way::Dropped, false);
        }
        if waits > most - slack / 2 {
            marked |= skb.mark_congestion();
        }
    }
    let Some(limit) = Metered::of(longest) else {
        return (Way::Now(whole), marked);
    };
    if bytes <= LITTLE && last(skb, number) < now && limit.goes_ahead(now, bytes) {
        return (Way::Ahead, marked);
    }
    let limit = limit.limit;
    if wait > limit.most {
        return (Way::Dropped, false);
    }
    if wait > limit.mark {
        marked |= skb.mark_congestion();
    }
    if wait > limit.early && !marked && !skb.has_socket() {
        let much = wait > limit.early * 4;
        // So many lost for each that comes, however many one of them is cut into.
        if one_in(packets * if much { 200 } else { 2_000 }) {
            return (Way::Dropped, false);
        }
    }
    let wait = if whole > wait { whole } else { wait };
    (Way::After(wait), marked)
}

/// Can packets be made to wait for the limit at that place of a slot?
#[inline(always)]
fn queued(slot: &Slot, at: usize) -> bool {
    slot.flags & Slot::DEPART != 0 || at == 0 && slot.flags & Slot::CLASSES != 0
}

/// The entry of a packet's flow.
#[inline(always)]
fn flow(skb: &Skb, number: u32) -> Option<*mut u64> {
    let place = (skb.hash() ^ number.wrapping_mul(0x9e37_79b1)) & (FLOWS_ROOM as u32 - 1);
    FLOWS.get_ptr_mut(place)
}

/// When the last packet of its flow goes.
#[expect(
    unsafe_code,
    reason = "an entry of an array is shared with other processors"
)]
#[inline(always)]
fn last(skb: &Skb, number: u32) -> u64 {
    // SAFETY: The word is aligned, and stays where it is.
    flow(skb, number).map_or(0, |flow| unsafe { flow.read_volatile() })
}

#[expect(
    unsafe_code,
    reason = "an entry of an array is shared with other processors"
)]
#[inline(always)]
fn waits_until(skb: &Skb, number: u32, time: u64) {
    if let Some(flow) = flow(skb, number) {
        // SAFETY: As above.
        unsafe { flow.write_volatile(time) };
    }
}

#[expect(unsafe_code, reason = "a processor's own entry is written in place")]
#[inline(always)]
fn count(number: u32, way: &Way, marked: bool, bytes: u32, packets: u32) {
    let Some(sent) = SENT.get_ptr_mut(number) else {
        return;
    };
    let packets = u64::from(packets);
    // SAFETY: The entry is this processor's, and nothing else runs on it meanwhile that writes to it.
    unsafe {
        if matches!(way, Way::Dropped) {
            (*sent).dropped += packets;
            return;
        }
        (*sent).bytes += u64::from(bytes);
        (*sent).packets += packets;
        if matches!(way, Way::After(_)) {
            (*sent).delayed += packets;
        }
        if marked {
            (*sent).marked += packets;
        }
    }
}
