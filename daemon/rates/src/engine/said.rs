//! What several say of one limit, put together: the least of each kind, and by whose word.

use crate::model::Allowance;
use std::fmt;

/// Whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'w> {
    /// A container's own configuration, at this field.
    Asked(&'w str),
    /// An administrator, who may have said why.
    Override(Option<&'w str>),
    /// The object of this name.
    RateLimit(&'w str),
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Asked(field) => f.write_str(field),
            Word::Override(None) => f.write_str("netctl rate set"),
            Word::Override(Some(why)) => write!(f, "netctl rate set: {why}"),
            Word::RateLimit(name) => write!(f, "RateLimit/{name}"),
        }
    }
}

/// A limit as far as it was heard.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'w> {
    pub(super) allowance: Allowance,
    /// Who decided the rate.
    pub(super) rate_by: Option<Word<'w>>,
    /// Who decided the number of packets.
    pub(super) packets_by: Option<Word<'w>>,
}

impl<'w> Said<'w> {
    /// One more speaks. Who says no less than was said before decides nothing.
    pub(super) fn hear(&mut self, allowance: Allowance, by: Word<'w>) {
        let both = self.allowance.and(allowance);
        if both.rate != self.allowance.rate {
            self.rate_by = Some(by);
        }
        if both.packets != self.allowance.packets {
            self.packets_by = Some(by);
        }
        self.allowance = both;
    }

    /// By whose word; none: nothing is limited.
    pub(super) fn by(&self) -> Option<Word<'w>> {
        self.rate_by.or(self.packets_by)
    }
}
