//! Numbers for the dataplane. One that is given back is given out again only when the dataplane no longer
//! has it: else what is left of its former bearer would be taken for the new one's.

use crate::input::Number;
use std::collections::VecDeque;

/// Numbers of one kind.
#[derive(Debug)]
pub(crate) struct Numbers {
    next: Number,
    free: VecDeque<Number>,
    retired: Vec<Number>,
}

impl Numbers {
    /// From `first` on.
    pub(crate) fn from(first: Number) -> Self {
        Self {
            next: first,
            free: VecDeque::new(),
            retired: Vec::new(),
        }
    }

    /// One that nobody has. The one that has been free the longest, so that late events and counters of
    /// the former bearer have had the most time to be told.
    pub(crate) fn take(&mut self) -> Number {
        self.free.pop_front().unwrap_or_else(|| {
            let number = self.next;
            self.next = self.next.saturating_add(1);
            number
        })
    }

    /// Nobody wants it any more, but the dataplane may still have it.
    pub(crate) fn retire(&mut self, number: Number) {
        self.retired.push(number);
    }

    /// The dataplane has none of the retired ones any more.
    pub(crate) fn settle(&mut self) {
        self.free.extend(self.retired.drain(..));
    }
}
