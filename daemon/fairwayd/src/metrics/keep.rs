//! What parts of the daemon count by, where it happens; a scrape reads it.

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};
use std::borrow::Cow;

/// Names and values.
pub(crate) type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
/// Counters by labels.
pub(crate) type Counters<const N: usize> = Family<Labels<N>, Counter>;
/// Times by labels.
pub(crate) type Timings<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// In seconds. What a node does by itself takes less than a millisecond, what a disk does some, what waits for somebody up to
/// half a minute; 15 ms are the goal for an ADD.
const BOUNDS: [f64; 17] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];

/// A histogram of times.
pub(crate) fn timing() -> Histogram {
    Histogram::new(BOUNDS)
}

/// Histograms of times.
pub(crate) fn timings<const N: usize>() -> Timings<N> {
    Family::new_with_constructor(timing)
}
