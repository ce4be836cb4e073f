//! A flow's entry, read and written where it lies.

use crate::maps::{TRACK_NEW, TRACK_OPEN};
use crate::packet::Packet;
use core::arch::asm;
use fairway_dataplane_abi::{State, Track, TrackKey, seconds};

/// A flow's entry.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(super) track: *mut Track,
    pub(super) new: bool,
}

/// The flow's entry, where it has one that has not expired.
#[inline(always)]
pub(crate) fn find(key: &TrackKey, now: u64) -> Option<Found> {
    if let Some(track) = TRACK_OPEN.get_ptr_mut(key) {
        let found = Found { track, new: false };
        if found.expires() >= now {
            return Some(found);
        }
        // What begins now begins in the other table.
        let _ = TRACK_OPEN.remove(key);
    }
    let track = TRACK_NEW.get_ptr_mut(key)?;
    let found = Found { track, new: true };
    (found.expires() >= now).then_some(found)
}

#[expect(unsafe_code, reason = "a map's entry is read and written in place")]
impl Found {
    #[inline(always)]
    pub(super) fn expires(self) -> u64 {
        // SAFETY: It points to an entry, which stays readable until the program has ended.
        unsafe { (*self.track).expires }
    }

    #[inline(always)]
    pub(super) fn set_expires(self, at: u64) {
        // SAFETY: As above; the word is aligned, so that it is written at once.
        unsafe { (*self.track).expires = at };
    }

    #[inline(always)]
    pub(super) fn epoch(self) -> u32 {
        // SAFETY: As above.
        unsafe { (*self.track).epoch }
    }

    #[inline(always)]
    pub(super) fn rule(self) -> u32 {
        // SAFETY: As above.
        unsafe { (*self.track).rule }
    }

    #[inline(always)]
    pub(super) fn state(self) -> u32 {
        // SAFETY: As above.
        unsafe { (*self.track).state }
    }

    #[inline(always)]
    pub(super) fn set(self, bits: u32) {
        let bits = u64::from(bits);
        // SAFETY: As above; `zero` after it keeps its zeros.
        unsafe { asm!("lock *(u64 *)({} + 0) |= {}", in(reg) self.bits(), in(reg) bits) };
    }

    #[inline(always)]
    pub(super) fn clear(self, bits: u32) {
        let bits = !u64::from(bits);
        // SAFETY: As above; `zero` after it keeps its zeros.
        unsafe { asm!("lock *(u64 *)({} + 0) &= {}", in(reg) self.bits(), in(reg) bits) };
    }

    /// The state and the zeros after it. The compiler's library has no atomic operations for a processor that
    /// it believes to be without them.
    #[inline(always)]
    fn bits(self) -> *mut u64 {
        const { assert!(core::mem::offset_of!(Track, state) == 16 && cfg!(target_endian = "little")) };
        // SAFETY: It stays within the entry, and the eight bytes are aligned.
        unsafe { (&raw mut (*self.track).state).cast() }
    }

    #[inline(always)]
    pub(super) fn judged(self, rule: u32, epoch: u32) {
        // SAFETY: As above.
        unsafe {
            (*self.track).rule = rule;
            (*self.track).epoch = epoch;
        }
    }

    #[inline(always)]
    pub(super) fn begins(self, track: &Track) {
        // SAFETY: As above.
        unsafe { *self.track = *track };
    }

    /// Does the flow pass the node's own forwarding by? A packet that begins it anew decides that anew.
    #[inline(always)]
    pub(crate) fn is_direct(self, packet: &Packet) -> bool {
        self.state() & State::DIRECT != 0 || restarts(packet, self.state())
    }

    /// Does a packet begin the flow anew?
    #[inline(always)]
    pub(crate) fn restarts(self, packet: &Packet) -> bool {
        restarts(packet, self.state())
    }

    /// Goes a packet from another node on past this one? An answer to a connection's first packet, where this
    /// flow has come to its end or was silent for long, is of another connection, which the host has led from
    /// a service's address to the same place. From then on the host has this flow.
    #[inline(always)]
    pub(crate) fn goes_on(self, packet: &Packet, now: u64) -> bool {
        const SILENT: u64 = 60 * 1_000_000_000;
        const OPEN: u64 = seconds::TCP * 1_000_000_000;
        let state = self.state();
        if state & State::DIRECT == 0 {
            return false;
        }
        if !packet.answers_opening() {
            return true;
        }
        let silent = state & State::CONFIRMED != 0 && self.expires() + SILENT < now + OPEN;
        if is_closed(state) || silent {
            self.clear(State::DIRECT);
            return false;
        }
        true
    }

    /// May what concerns the flow pass?
    #[inline(always)]
    pub(crate) fn is_refused(self) -> bool {
        self.state() & State::REFUSED != 0
    }
}

/// Is it the first packet of another connection between the same ports?
#[inline(always)]
pub(super) fn restarts(packet: &Packet, state: u32) -> bool {
    packet.opens() && (is_closed(state) || state & State::REFUSED != 0)
}

#[inline(always)]
pub(super) fn is_closed(state: u32) -> bool {
    const BOTH: u32 = State::FIN | State::FIN_BACK;
    state & State::RESET != 0 || state & BOTH == BOTH
}
