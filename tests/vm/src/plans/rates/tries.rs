//! What is over a limit is so whatever else the machine does. What is below it may be for want of a processor, so
//! that one of three tries counts.

use anyhow::{Result, anyhow};

/// Tries until the inner result is good, three times at most; the outer one's error is final.
pub(super) fn one_of_three(mut attempt: impl FnMut() -> Result<Result<()>>) -> Result<()> {
    let mut missed = Ok(());
    for _ in 0..3 {
        missed = attempt()?;
        if missed.is_ok() {
            break;
        }
    }
    missed
}

/// A try that is good, or is not, as told.
pub(super) fn tried(good: bool, told: String) -> Result<()> {
    match good {
        true => Ok(()),
        false => Err(anyhow!(told)),
    }
}
