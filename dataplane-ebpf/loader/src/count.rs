//! What the programs count, summed over processors.

use std::collections::BTreeMap;

use fairway_dataplane_abi::{Count, Direction, Reason, RuleKey};

use crate::dataplane::Dataplane;
use crate::error::Result;

/// One counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Why packets went no further, or [`Reason::Forwarded`].
    pub reason: Reason,
    /// Which way they went past a link.
    pub direction: Direction,
    /// How many.
    pub count: Count,
}

impl Dataplane {
    /// All counters, by reason and direction. They begin at zero with each generation.
    ///
    /// # Errors
    /// Where the map cannot be read.
    pub fn counters(&self) -> Result<Vec<Counter>> {
        let mut counters = Vec::with_capacity(Reason::COUNTERS as usize);
        for &reason in Reason::ALL {
            for direction in [Direction::Ingress, Direction::Egress] {
                let values = self.counters.values(&reason.counter(direction))?;
                counters.push(Counter {
                    reason,
                    direction,
                    count: sum(&values),
                });
            }
        }
        Ok(counters)
    }

    /// Flows by the rule that decided on them. Rules that decide seldom may have given way to others.
    ///
    /// # Errors
    /// Where the map cannot be read.
    pub fn rules(&self) -> Result<BTreeMap<RuleKey, Count>> {
        let mut rules = BTreeMap::new();
        self.rules.each_of_all(|key, values| {
            rules.insert(key, sum(values));
        })?;
        Ok(rules)
    }
}

fn sum(values: &[Count]) -> Count {
    values.iter().fold(Count::default(), |sum, value| Count {
        packets: sum.packets.wrapping_add(value.packets),
        bytes: sum.bytes.wrapping_add(value.bytes),
    })
}
