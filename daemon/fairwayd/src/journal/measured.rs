//! A journal that measures its commits.

use super::{Boot, Contents, Journal, JournalFault};
use crate::metrics::keep::timing;
use fairway_ipam::{JournalChange, NodeName};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use std::time::Instant;

/// How the disk did.
#[derive(Debug, Clone)]
pub struct JournalMeter {
    pub(crate) took: Histogram,
    pub(crate) failed: Counter,
}

impl Default for JournalMeter {
    fn default() -> Self {
        JournalMeter {
            took: timing(),
            failed: Counter::default(),
        }
    }
}

/// See the module's head.
pub struct Measured<J> {
    journal: J,
    meter: JournalMeter,
}

impl<J> Measured<J> {
    /// Measures one.
    pub fn new(journal: J, meter: JournalMeter) -> Measured<J> {
        Measured { journal, meter }
    }
}

impl<J: Journal> Journal for Measured<J> {
    fn load(&mut self) -> Result<Contents, JournalFault> {
        self.journal.load()
    }

    fn commit(&mut self, changes: &[JournalChange]) -> Result<(), JournalFault> {
        let begun = Instant::now();
        let done = self.journal.commit(changes);
        match done {
            Ok(()) => self.meter.took.observe(begun.elapsed().as_secs_f64()),
            Err(_) => {
                self.meter.failed.inc();
            }
        }
        done
    }

    fn note_node(&mut self, node: &NodeName) -> Result<(), JournalFault> {
        self.journal.note_node(node)
    }

    fn note_boot(&mut self, boot: &Boot) -> Result<(), JournalFault> {
        self.journal.note_boot(boot)
    }
}
