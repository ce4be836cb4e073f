//! What does not hold on a node, and why.

use crate::object::Kind;
use std::fmt;

/// Something in an object that does not hold on a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The object's kind.
    pub kind: Kind,
    /// The object's name.
    pub name: String,
    /// The field, as `spec.localAsn`.
    pub field: &'static str,
    /// What is wrong, and what comes of it.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem {
            kind,
            name,
            field,
            text,
        } = self;
        write!(f, "{kind}/{name}: {field}: {text}")
    }
}

/// Those that were found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(
        &mut self,
        (kind, name): (Kind, &str),
        field: &'static str,
        text: impl Into<String>,
    ) {
        let (name, text) = (name.to_owned(), text.into());
        self.0.push(Problem {
            kind,
            name,
            field,
            text,
        });
    }

    /// By object, so that they do not depend on the order in which objects came.
    pub(super) fn end(mut self) -> Vec<Problem> {
        self.0.sort();
        self.0
    }
}
