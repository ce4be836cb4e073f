//! Bounds on time, for whoever has a processor.
//!
//! What is to be so within a second is so where nobody is in the way. Other programs may have the processors for that
//! second, and a clock on the wall knows nothing of it; but whoever starves what is waited for starves who waits, too.

use crate::{Condition, Error, Result, poll};
use std::time::{Duration, Instant};

/// A look and the pause before it take half of this where nobody is in the way; what is longer counts as this.
const MOST: Duration = Duration::from_millis(100);

/// Waits until `condition` holds, for `limit` as it goes by for whoever has a processor: there are ten looks for each
/// second of it, however long each takes, but no more than twenty times `limit` for all.
///
/// # Errors
/// [`Error::Deadline`] with `what` where it does not hold by then.
pub fn promptly<C: Condition>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> C,
) -> Result<C::Value> {
    let (mut last, mut counted) = (Instant::now(), Duration::ZERO);
    let found = poll(limit * 20, what, || {
        let over = counted >= limit;
        let value = condition().held();
        counted += last.elapsed().min(MOST);
        last = Instant::now();
        (value.is_some() || over).then_some(value)
    })?;
    found.ok_or_else(|| Error::Deadline {
        what: what.to_owned(),
        limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    fn long(time: Duration) {
        let begun = Instant::now();
        poll(time * 10, "", || begun.elapsed() >= time).unwrap();
    }

    #[test]
    fn what_is_never_so_is_not_waited_for() {
        let begun = Instant::now();
        assert!(promptly(LIMIT, "never", || false).is_err());
        assert!(begun.elapsed() >= LIMIT);
    }

    #[test]
    fn looks_that_take_long_are_few_and_not_too_few() {
        let mut looks = 0;
        let seen = promptly(LIMIT, "at the third look", || {
            looks += 1;
            long(LIMIT);
            (looks == 3).then_some(looks)
        });
        assert_eq!(seen.unwrap(), 3);
        let mut looks = 0;
        let never = promptly(LIMIT, "never", || {
            looks += 1;
            long(LIMIT);
            false
        });
        assert!(never.is_err() && looks == 4, "{looks}");
    }
}
