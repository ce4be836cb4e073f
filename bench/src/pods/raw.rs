//! Samples on their way from the private host, by part, side and name, in the order in which they were taken.

use crate::stats::Samples;
use fairway_lab::{json, serde_json};
use std::collections::BTreeMap;

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Raw(BTreeMap<String, Vec<f64>>);

fn key(part: &str, side: &str, what: &str) -> String {
    format!("{part}/{side}/{what}")
}

impl Raw {
    pub(super) fn note(&mut self, part: &str, side: &str, what: &str, value: f64) {
        self.0.entry(key(part, side, what)).or_default().push(value);
    }

    /// The median and the slowest of a hundred, of what one round took, in ms.
    pub(super) fn spread(&mut self, part: &str, side: &str, what: &str, times: Vec<f64>) {
        let times = Samples(times);
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            let value = times.quantile(quantile);
            self.note(part, side, &format!("{what} {name}"), value);
        }
    }

    /// `None` where that was not measured.
    pub(super) fn get(&self, part: &str, side: &str, what: &str) -> Option<Vec<f64>> {
        self.0.get(&key(part, side, what)).cloned()
    }

    /// As one line.
    pub(super) fn line(&self) -> String {
        json!(self.0).to_string()
    }

    /// Out of such a line.
    pub(super) fn read(line: &str) -> serde_json::Result<Self> {
        Ok(Self(serde_json::from_str(line)?))
    }
}
