//! A limit's clock, moved by several processors at once.
//!
//! Two operations that cannot be torn apart do it, without a lock: a clock that lags is set to the present, and
//! then the time that a packet takes is added.

use crate::maps::{CLOCKS, LIMITS};
use core::arch::asm;
use fairway_dataplane_abi::{Clock, Limit};

/// A limit and its clock.
#[derive(Clone, Copy)]
pub(crate) struct Metered {
    pub(crate) limit: &'static Limit,
    pub(crate) clock: *mut Clock,
}

/// For how long a flow may go ahead of the queue at half the rate, before it waits like others.
const AHEAD: u64 = 4_000_000;

#[expect(
    unsafe_code,
    reason = "entries of maps are shared with other processors"
)]
impl Metered {
    /// The limit of a number; none for 0.
    #[inline(always)]
    pub(crate) fn of(number: u32) -> Option<Self> {
        if number == 0 {
            return None;
        }
        let limit = LIMITS.get(number)?;
        let clock = CLOCKS.get_ptr_mut(number)?;
        Some(Metered { limit, clock })
    }

    /// Nanoseconds that a packet has to wait for.
    #[inline(always)]
    pub(crate) fn wait(self, now: u64) -> u64 {
        // SAFETY: The entry of an array stays where it is; words are read whole.
        let (bytes, packets) = unsafe { ((*self.clock).bytes, (*self.clock).packets) };
        let later = if bytes > packets { bytes } else { packets };
        later.saturating_sub(now)
    }

    /// Nanoseconds that the last of several packets has to wait for: behind what waits, and so many bytes and
    /// packets that are sent before it, for which what was saved up is used.
    #[inline(always)]
    pub(crate) fn wait_behind(self, now: u64, bytes: u32, packets: u32) -> u64 {
        let floor = now.saturating_sub(self.limit.burst);
        // SAFETY: As above.
        let clock = unsafe { ((*self.clock).bytes, (*self.clock).packets) };
        let from = |clock| if clock > floor { clock } else { floor };
        let by_bytes = from(clock.0) + self.cost(bytes);
        let by_packets = from(clock.1) + u64::from(packets) * self.limit.packet;
        let later = if by_bytes > by_packets {
            by_bytes
        } else {
            by_packets
        };
        later.saturating_sub(now)
    }

    /// Nanoseconds that so many bytes take.
    #[inline(always)]
    fn cost(self, bytes: u32) -> u64 {
        u64::from(bytes) * self.limit.byte / Limit::SCALE
    }

    /// Has let through so much; says how long that takes.
    #[inline(always)]
    pub(crate) fn charge(self, now: u64, bytes: u32, packets: u32) -> u64 {
        let floor = now.saturating_sub(self.limit.burst);
        let cost = self.cost(bytes);
        if cost != 0 {
            // SAFETY: As above.
            advance(unsafe { &raw mut (*self.clock).bytes }, floor, cost);
        }
        let of_packets = u64::from(packets) * self.limit.packet;
        if of_packets != 0 {
            // SAFETY: As above.
            advance(unsafe { &raw mut (*self.clock).packets }, floor, of_packets);
        }
        if of_packets > cost { of_packets } else { cost }
    }

    /// May a packet of so many bytes go ahead of the queue?
    #[inline(always)]
    pub(crate) fn goes_ahead(self, now: u64, bytes: u32) -> bool {
        // SAFETY: As above.
        let ahead = unsafe { (*self.clock).ahead };
        if ahead > now {
            return false;
        }
        let floor = now.saturating_sub(AHEAD);
        let cost = self.cost(bytes) + self.limit.packet;
        // SAFETY: As above.
        advance(unsafe { &raw mut (*self.clock).ahead }, floor, 2 * cost);
        true
    }
}

/// Moves a clock on by `by`, from `floor` if it is before that.
#[expect(
    unsafe_code,
    reason = "an entry of a map is shared with other processors"
)]
#[inline(always)]
pub(crate) fn advance(clock: *mut u64, floor: u64, by: u64) {
    let mut by = by;
    // SAFETY: The word is an entry's, aligned, and lives as long as the program.
    if unsafe { clock.read_volatile() } < floor {
        // Another processor was faster: what it has added stays.
        by += exchange(clock, floor).saturating_sub(floor);
    }
    add(clock, by);
}

/// Writes a word of an entry; says what was there.
#[expect(
    unsafe_code,
    reason = "an entry of a map is shared with other processors"
)]
#[inline(always)]
pub(crate) fn exchange(word: *mut u64, new: u64) -> u64 {
    let mut there = new;
    // SAFETY: As above.
    unsafe {
        asm!("{there} = xchg_64({word} + 0, {there})", word = in(reg) word, there = inout(reg) there);
    }
    there
}

/// Adds to a word of an entry.
#[expect(
    unsafe_code,
    reason = "an entry of a map is shared with other processors"
)]
#[inline(always)]
pub(crate) fn add(word: *mut u64, by: u64) {
    // SAFETY: As above.
    unsafe {
        asm!("lock *(u64 *)({word} + 0) += {by}", word = in(reg) word, by = in(reg) by);
    }
}
