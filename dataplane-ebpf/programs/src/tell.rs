//! Counters, and events of what happened to packets.
//!
//! A container that sends garbage at line rate must not make the daemon busy: each processor tells of so many
//! events a second at most, and says with the next one how many were left out. Flows that are let through and
//! all else have a budget each: many of the ones do not hide the others.

use crate::maps::{self, BUDGET, COUNTERS, FLOWS, RULES};
use crate::packet::{ICMP, ICMP6, Packet};
use crate::skb::SHOT;
use aya_ebpf::helpers;
use fairway_dataplane_abi::{Count, Direction, FlowEvent, FlowKind, NOBODY, Reason, RuleKey};

/// What a processor may still tell.
#[repr(C)]
pub(crate) struct Budget {
    /// Nanoseconds of the monotonic clock when `left` was last filled up.
    since: u64,
    left: u32,
    missed: u32,
}

/// Counts a packet that is let through.
#[expect(unsafe_code, reason = "a processor's own entry is written in place")]
#[inline(always)]
pub(crate) fn count(reason: Reason, direction: Direction, packet: &Packet) {
    if let Some(count) = COUNTERS.get_ptr_mut(reason.counter(direction)) {
        // SAFETY: The entry is this processor's, and nothing else runs on it meanwhile that writes to it.
        unsafe {
            (*count).packets += 1;
            (*count).bytes += u64::from(packet.length);
        }
    }
}

/// Counts and tells of a packet that is dropped, and drops it.
#[inline(always)]
pub(crate) fn dropped(packet: &Packet, reason: Reason, direction: Direction) -> i32 {
    count(reason, direction, packet);
    event(packet, FlowKind::Dropped, reason, direction);
    SHOT
}

/// Counts a flow for the rule that decided, or would have.
#[inline(always)]
pub(crate) fn rule(rule: u32, audit: u32, length: u32) {
    if rule != NOBODY {
        fairway_rule(rule, audit, length);
    }
}

#[expect(
    unsafe_code,
    reason = "a global function, and a processor's own entry is written in place"
)]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_rule(rule: u32, audit: u32, length: u32) -> u32 {
    let key = &RuleKey { rule, audit };
    let bytes = u64::from(length);
    if let Some(count) = RULES.get_ptr_mut(key) {
        // SAFETY: As above.
        unsafe {
            (*count).packets += 1;
            (*count).bytes += bytes;
        }
        return 0;
    }
    let packets = 1;
    // Where this fails the count of one flow is lost.
    let count = &Count { packets, bytes };
    let _ = RULES.insert(key, count, 0);
    0
}

/// Tells of a new flow that is let through, if it is one of those that are.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn sampled(packet: &Packet, direction: Direction) {
    let Some(config) = maps::config() else {
        return;
    };
    // SAFETY: It takes nothing.
    if config.sample != 0 && unsafe { helpers::bpf_get_prandom_u32() } % config.sample == 0 {
        event(packet, FlowKind::Allowed, Reason::Forwarded, direction);
    }
}

/// Tells of a packet.
#[inline(always)]
pub(crate) fn event(packet: &Packet, kind: FlowKind, reason: Reason, direction: Direction) {
    fairway_event(packet, kind as u32, reason as u32, direction as u32);
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_event(packet: *const Packet, kind: u32, reason: u32, direction: u32) -> u32 {
    // SAFETY: It is a reference, see `event`.
    if let Some(packet) = unsafe { packet.as_ref() } {
        tell(packet, kind, reason, direction);
    }
    0
}

#[expect(unsafe_code, reason = "the event is written where it belongs")]
#[inline(always)]
fn tell(packet: &Packet, kind: u32, reason: u32, direction: u32) {
    // SAFETY: It takes nothing.
    let at = unsafe { helpers::bpf_ktime_get_ns() };
    let which = u32::from(kind != FlowKind::Allowed as u32);
    let Some(missed) = spend(at, which) else {
        return;
    };
    let Some(mut entry) = FLOWS.reserve_untyped::<FlowEvent>(0) else {
        give_back(missed, which);
        return;
    };
    let key = &packet.key;
    let (source, destination, mut ports) = if direction == Direction::Ingress as u32 {
        (key.remote, key.local, [key.remote_port, key.local_port])
    } else {
        (key.local, key.remote, [key.local_port, key.remote_port])
    };
    if matches!(key.protocol, ICMP | ICMP6) {
        ports = packet.icmp.map(u16::from);
    }
    let event = entry.as_mut_ptr();
    // Field by field where they belong: on the stack, of which there is little, it would be large.
    // SAFETY: The memory is the event's, and all of it is written.
    unsafe {
        (*event).at = at;
        (*event).link = key.link;
        (*event).kind = kind;
        (*event).reason = reason;
        (*event).rule = packet.rule;
        (*event).direction = direction as u16;
        (*event).source_port = ports[0];
        (*event).destination_port = ports[1];
        (*event).protocol = key.protocol;
        (*event).zero = 0;
        (*event).source = source;
        (*event).destination = destination;
        (*event).length = packet.length;
        (*event).missed = missed;
    }
    entry.submit(0);
}

/// One event of this second's; how many were not told before it.
#[expect(unsafe_code, reason = "a processor's own entry is written in place")]
#[inline(always)]
fn spend(now: u64, which: u32) -> Option<u32> {
    const SECOND: u64 = 1_000_000_000;
    let events = maps::config()?.events;
    let budget = BUDGET.get_ptr_mut(which)?;
    // SAFETY: The entry is this processor's.
    let budget = unsafe { &mut *budget };
    if now - budget.since >= SECOND {
        budget.since = now;
        budget.left = events;
    }
    if budget.left == 0 {
        budget.missed = budget.missed.saturating_add(1);
        return None;
    }
    budget.left -= 1;
    Some(core::mem::take(&mut budget.missed))
}

#[expect(unsafe_code, reason = "a processor's own entry is written in place")]
#[inline(never)]
fn give_back(missed: u32, which: u32) {
    if let Some(budget) = BUDGET.get_ptr_mut(which) {
        // SAFETY: The entry is this processor's.
        unsafe { (*budget).missed = missed.saturating_add(1) };
    }
}
