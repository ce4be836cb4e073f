//! Places at which a test can end an operation, as SIGKILL would.
//!
//! Each change that an operation makes on disk is followed by a call of [`point`]. In the unit tests the
//! n-th of them unwinds without any clean-up of ours, so that "killed after every step in turn" is a loop;
//! in the plugin it is nothing.

/// A change has just been made.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn point() {}

#[cfg(test)]
pub(crate) use armed::{crash_after, point};

#[cfg(test)]
mod armed {
    use std::{cell::Cell, panic};

    struct Killed;

    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub(crate) fn point() {
        match LEFT.get() {
            Some(0) => panic::resume_unwind(Box::new(Killed)),
            Some(left) => LEFT.set(Some(left - 1)),
            None => {}
        }
    }

    /// Runs `operation`, ended after its `nth` change (from 0); `None` where it was ended.
    pub(crate) fn crash_after<T>(nth: u32, operation: impl FnOnce() -> T) -> Option<T> {
        LEFT.set(Some(nth));
        let outcome = panic::catch_unwind(panic::AssertUnwindSafe(operation));
        LEFT.set(None);
        match outcome {
            Ok(value) => Some(value),
            Err(payload) if payload.is::<Killed>() => None,
            Err(payload) => panic::resume_unwind(payload),
        }
    }
}
