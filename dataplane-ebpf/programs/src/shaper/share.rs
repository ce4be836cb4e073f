//! Fair shares of a limit that several slots have, and that is kept to by dropping.
//!
//! Without them, one whose link has the very rate of the limit keeps the limit's clock just at its slack for ever:
//! it loses nothing, and whoever comes finds no room. So each slot has a clock of its own, which runs at its share
//! of the rate. While that clock is in time, packets may be ahead of the limit by twice the slack; the more it is
//! ahead, the less, and with half the slack the share is used up: what is beyond it may be ahead by the slack alone.
//! It is not charged to the share: room that nobody else wanted is not owed later.
//!
//! The share is the rate by a number: how many slots use up their shares, and which parts of theirs the others use.
//! It is counted in each epoch, and holds from the next but one. If `k` slots want more than there is and the rest
//! uses a part `d` of the rate, the number comes to `n = k + d * n`, a share to `(1 - d) / k` of the rate: fair, with
//! nothing left over, and no division is needed.

use crate::clock::{Metered, add, advance, exchange};
use crate::maps::SHARES;
use fairway_dataplane_abi::{Clock, Share as Entry, Slot};

/// A slot's share of a limit.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    metered: Metered,
    entry: *mut Entry,
    now: u64,
}

#[expect(
    unsafe_code,
    reason = "entries of maps are shared with other processors"
)]
impl Share {
    /// That of a slot in the limit at a place of it; none where it has the limit for itself.
    #[inline(always)]
    pub(crate) fn of(metered: Metered, slot: u32, at: usize, now: u64) -> Option<Self> {
        if metered.limit.epoch == 0 {
            return None;
        }
        let entry = SHARES.get_ptr_mut(slot * Slot::LIMITS as u32 + at as u32)?;
        Some(Share {
            metered,
            entry,
            now,
        })
    }

    /// Nanoseconds of an epoch.
    #[inline(always)]
    fn length(self) -> u64 {
        1_u64.wrapping_shl(self.metered.limit.epoch as u32)
    }

    /// The number of this epoch.
    #[inline(always)]
    fn epoch(self) -> u64 {
        self.now.wrapping_shr(self.metered.limit.epoch as u32)
    }

    /// What all use of the limit: of this epoch or one next to it.
    #[inline(always)]
    fn all(self, epoch: u64) -> *mut u64 {
        // SAFETY: The entry of an array stays where it is, and has both.
        unsafe {
            (&raw mut (*self.metered.clock).used)
                .cast::<u64>()
                .add((epoch & 1) as usize)
        }
    }

    /// By how much the share's clock is ahead.
    #[inline(always)]
    fn ahead(self) -> u64 {
        // SAFETY: As above; the word is aligned.
        let clock = unsafe { (&raw const (*self.entry).clock).read_volatile() };
        clock.saturating_sub(self.now)
    }

    /// By how much more than others a packet may be ahead of its time; 0: it is beyond the slot's share.
    #[inline(always)]
    pub(crate) fn room(self) -> u64 {
        self.metered.limit.slack.saturating_sub(2 * self.ahead())
    }

    /// A packet comes. The first one in an epoch tells what was used in the one before.
    #[inline(always)]
    pub(crate) fn comes(self) {
        let epoch = self.epoch();
        // SAFETY: As above.
        let (last, used) = unsafe { (&raw mut (*self.entry).epoch, &raw mut (*self.entry).used) };
        // SAFETY: As above.
        if unsafe { last.read_volatile() } == epoch || exchange(last, epoch) == epoch {
            return;
        }
        let (used, length) = (exchange(used, 0), self.length());
        // One large packet may use several epochs up.
        let full = used >= length || self.ahead() > self.metered.limit.slack / 4;
        let parts = if full {
            Clock::WHOLE
        } else {
            (used * Clock::WHOLE).wrapping_shr(self.metered.limit.epoch as u32)
        };
        let (all, base) = (self.all(epoch), epoch * Clock::PARTS);
        let mut by = parts;
        // SAFETY: As above.
        if unsafe { all.read_volatile() } / Clock::PARTS != epoch {
            let there = exchange(all, base);
            if there / Clock::PARTS == epoch {
                by += there % Clock::PARTS;
            }
        }
        add(all, by);
    }

    /// The number that the rate is divided by, in [`Clock::WHOLE`]ths.
    #[inline(always)]
    fn number(self) -> u64 {
        let before = self.epoch().wrapping_sub(1);
        // SAFETY: As above.
        let all = unsafe { self.all(before).read_volatile() };
        let parts = all % Clock::PARTS;
        if all / Clock::PARTS == before && parts > Clock::WHOLE {
            parts
        } else {
            Clock::WHOLE
        }
    }

    /// A packet was let through that takes so many nanoseconds of the limit.
    #[inline(always)]
    pub(crate) fn charge(self, cost: u64) {
        if self.room() == 0 {
            return;
        }
        let by = cost * self.number() / Clock::WHOLE;
        // Shares are a little less than all: the limit's clock comes back to its slack.
        let by = by + by / 16;
        // What rates of before have cost is soon forgotten.
        let most = 4 * self.length();
        let by = if by > most { most } else { by };
        // Nothing is saved up: all shares together stay within the room that there is for them.
        // SAFETY: As above.
        let (clock, used) = unsafe { (&raw mut (*self.entry).clock, &raw mut (*self.entry).used) };
        advance(clock, self.now, by);
        add(used, by);
    }

    /// A packet within the share was dropped: others have more than theirs, and have to see that the slot is here.
    #[inline(always)]
    pub(crate) fn lacks(self) {
        // SAFETY: As above.
        unsafe { (&raw mut (*self.entry).used).write_volatile(self.length()) };
    }
}
