//! What is valid and may not be what was meant.

use std::fmt;

/// Something that may not be meant so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The field, as `spec.export`.
    pub field: String,
    /// What comes of it.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.text)
    }
}
