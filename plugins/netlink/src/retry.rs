//! Waiting for what the kernel does in its own time: duplicate detection, a
//! carrier, others that are done with their changes.

use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Calls `attempt` until it returns something, an error, or `limit` has passed
/// (then `None`). It is called at least once, and pauses grow from 0.1 ms to
/// 10 ms: what is ready soon costs little, what takes long does not burn a
/// processor.
pub fn until<T, E>(
    limit: Duration,
    mut attempt: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let start = Instant::now();
    let mut round = 0;
    loop {
        if let Some(found) = attempt()? {
            return Ok(Some(found));
        }
        if start.elapsed() >= limit {
            return Ok(None);
        }
        pause(round);
        round += 1;
    }
}

/// The pause before attempt number `round + 2`.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that pauses between attempts"
)]
pub(crate) fn pause(round: u32) {
    let factor = 1_u32.checked_shl(round).unwrap_or(u32::MAX);
    std::thread::sleep(FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE));
}
