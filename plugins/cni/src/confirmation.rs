//! What must still come true before a result may be answered.
//!
//! An IPAM daemon makes an allocation durable in milliseconds, and links take milliseconds to make. So that
//! one is done while the other is, an IPAM plugin in the same process hands out its result with a
//! confirmation, and the plugin that makes the links waits for it last, before it answers.

use crate::Failure;
use std::fmt;

/// To be waited for before a result is answered. Where it fails, or is never waited for, the result is
/// void, and whoever has it says DEL to the plugin that it came from.
#[derive(Default)]
#[must_use = "the result is not final before this was waited for"]
pub struct Confirmation(Option<Box<dyn FnOnce() -> Result<(), Failure>>>);

impl Confirmation {
    /// The result is final as it is.
    pub fn none() -> Self {
        Confirmation(None)
    }

    /// It is final once this has succeeded.
    pub fn after(wait: impl FnOnce() -> Result<(), Failure> + 'static) -> Self {
        Confirmation(Some(Box::new(wait)))
    }

    /// Waits.
    ///
    /// # Errors
    /// Where the result is void.
    pub fn wait(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), |wait| wait())
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_some() { "after" } else { "none" };
        write!(f, "Confirmation::{state}")
    }
}
