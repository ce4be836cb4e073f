//! Waiting for a condition: the only place in the tests that pauses.

use crate::{Error, Result};
use std::time::{Duration, Instant};

/// What a polled closure may answer: `bool`, or `Option` to hand a value out.
pub trait Condition {
    /// What [`poll`] returns once the condition holds.
    type Value;
    /// The value, if the condition holds.
    fn held(self) -> Option<Self::Value>;
}

impl Condition for bool {
    type Value = ();
    fn held(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Condition for Option<T> {
    type Value = T;
    fn held(self) -> Self {
        self
    }
}

/// Asks `condition` again and again (after 1 ms at first, 50 ms at most) until it holds.
///
/// # Errors
/// [`Error::Deadline`] with `what` after `limit`; the condition is asked at least once, and
/// once more after the time is up.
pub fn poll<C: Condition>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> C,
) -> Result<C::Value> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        let late = Instant::now() >= end;
        if let Some(value) = condition().held() {
            return Ok(value);
        }
        if late {
            let what = what.to_owned();
            return Err(Error::Deadline { what, limit });
        }
        #[expect(clippy::disallowed_methods, reason = "this is the poll helper")]
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
