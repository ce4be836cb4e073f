//! A limit is changed while packets wait.
//!
//! How much waits is reckoned in time, at the rate of before. Raised from 1 Mbit/s to 100, eight seconds of it
//! would be eight seconds for everything that comes next, which is more than may wait; in truth it takes 80 ms now.
//! Lowered, it is left as it is: to reckon more would be to drop what is within the limit.

use fairway_dataplane_abi::{Clock, Limit};

/// What to write for a limit in place of one before, and for its clock, if that has to be moved.
pub(super) fn change(
    before: &Limit,
    wanted: &Limit,
    clock: Clock,
    now: u64,
) -> (Limit, Option<Clock>) {
    let moved = Clock {
        bytes: sooner(clock.bytes, now, before.byte, wanted.byte),
        packets: sooner(clock.packets, now, before.packet, wanted.packet),
        ahead: sooner(clock.ahead, now, before.byte, wanted.byte),
        used: clock.used,
    };
    let mut limit = *wanted;
    limit.held = before.held;
    if (moved.bytes, moved.packets) != (clock.bytes, clock.packets) {
        limit.held = limit.held.max(clock.bytes).max(clock.packets);
    }
    (limit, (moved != clock).then_some(moved))
}

/// When all will have been sent that would have been at `time`, if one takes `wanted` now and not `before`.
fn sooner(time: u64, now: u64, before: u64, wanted: u64) -> u64 {
    let rest = u128::from(time.saturating_sub(now));
    if rest == 0 || wanted >= before {
        return time;
    }
    let rest = rest * u128::from(wanted) / u128::from(before);
    // It is less than it was.
    u64::try_from(rest).map_or(time, |rest| now + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn limit(byte: u64, packet: u64) -> Limit {
        Limit {
            byte,
            packet,
            ..Limit::default()
        }
    }

    fn clock(bytes: u64, packets: u64, ahead: u64) -> Clock {
        Clock {
            bytes,
            packets,
            ahead,
            used: [0; 2],
        }
    }

    #[test]
    fn what_waits_takes_as_long_as_at_the_new_rate() {
        let before = clock(NOW + 8_000, NOW + 500, NOW + 40);
        let (after, moved) = change(&limit(100, 7), &limit(25, 7), before, NOW);
        assert_eq!(moved, Some(clock(NOW + 2_000, NOW + 500, NOW + 10)));
        assert_eq!((after.byte, after.packet, after.held), (25, 7, NOW + 8_000));
        // Raised again before that has gone: the first packets still wait.
        let (again, moved) = change(&after, &limit(5, 7), moved.unwrap(), NOW);
        assert_eq!(moved, Some(clock(NOW + 400, NOW + 500, NOW + 2)));
        assert_eq!(again.held, NOW + 8_000);
        let (packets, moved) = change(&limit(100, 8), &limit(100, 2), before, NOW);
        assert_eq!(moved, Some(clock(NOW + 8_000, NOW + 125, NOW + 40)));
        assert_eq!(packets.held, NOW + 8_000);
        // No limit any more.
        let (_, moved) = change(&limit(100, 7), &limit(0, 0), before, NOW);
        assert_eq!(moved, Some(clock(NOW, NOW, NOW)));
    }

    #[test]
    fn otherwise_the_clock_stays() {
        let waits = clock(NOW + 8_000, NOW + 500, NOW + 40);
        let idle = clock(NOW - 8_000, 0, 0);
        for (before, wanted, clock) in [
            (limit(100, 7), limit(400, 9), waits),
            (limit(100, 7), limit(100, 7), waits),
            (limit(0, 0), limit(400, 9), waits),
            (limit(100, 7), limit(1, 1), idle),
        ] {
            let (after, moved) = change(&before, &wanted, clock, NOW);
            assert_eq!((after, moved), (wanted, None));
        }
    }
}
