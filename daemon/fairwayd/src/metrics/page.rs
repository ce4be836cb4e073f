//! What one scrape shows: values by metric and labels, written in one of two formats.

use super::names::{ALL, Kind, Metric};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};
use std::{collections::HashMap, fmt};

/// `Content-Type` of [`Page::open_metrics`].
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// `Content-Type` of [`classic`].
pub(crate) const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Real(value)
    }
}

type Sample = (Vec<(&'static str, String)>, Value);

enum Filled {
    Samples(Vec<Sample>),
    /// What counts by itself.
    Kept(Box<dyn EncodeMetric + Send + Sync>),
}

/// See the module's head.
#[derive(Default)]
pub(crate) struct Page {
    filled: HashMap<&'static str, Filled>,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

impl Page {
    /// Shows a value; labels in the order of the metric's.
    pub(crate) fn put(
        &mut self,
        metric: &'static Metric,
        labels: &[&str],
        value: impl Into<Value>,
    ) {
        debug_assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
        let given = labels.iter().map(ToString::to_string);
        let sample = (
            metric.labels.iter().copied().zip(given).collect(),
            value.into(),
        );
        let filled = self.filled.entry(metric.name);
        match filled.or_insert_with(|| Filled::Samples(Vec::new())) {
            Filled::Samples(samples) => samples.push(sample),
            Filled::Kept(_) => {}
        }
    }

    /// Shows what counts by itself.
    pub(crate) fn keep(
        &mut self,
        metric: &'static Metric,
        kept: impl EncodeMetric + Send + Sync + 'static,
    ) {
        self.filled
            .insert(metric.name, Filled::Kept(Box::new(kept)));
    }

    /// As OpenMetrics has it.
    pub(crate) fn open_metrics(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut page = String::with_capacity(32 * 1024);
        // Writing into memory does not fail.
        let _ = text::encode(&mut page, &registry);
        page
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in ALL {
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            // One without values is there as well: whoever looks for it sees what it would be.
            let mut encoder = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
            match self.filled.get(metric.name) {
                None => {}
                Some(Filled::Kept(kept)) => kept.encode(encoder)?,
                Some(Filled::Samples(samples)) => {
                    for (labels, value) in samples {
                        match labels.is_empty() {
                            true => write(metric, &mut encoder, *value)?,
                            false => write(metric, &mut encoder.encode_family(labels)?, *value)?,
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn write(metric: &Metric, encoder: &mut MetricEncoder<'_>, value: Value) -> fmt::Result {
    match (metric.kind, value) {
        (Kind::Counter, Value::Whole(value)) => {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        }
        (Kind::Counter, Value::Real(value)) => {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        }
        (_, Value::Whole(value)) => encoder.encode_gauge(&value),
        (_, Value::Real(value)) => encoder.encode_gauge(&value),
    }
}

/// The same in the format that was before OpenMetrics, for those who ask for no other: there a counter's own name ends with
/// `_total`.
pub(crate) fn classic(page: &str) -> String {
    let mut classic = String::with_capacity(page.len() + 1024);
    for line in page.lines() {
        let mut words = line.splitn(4, ' ');
        let head = (words.next(), words.next(), words.next(), words.next());
        match head {
            (Some("#"), Some("EOF" | "UNIT"), ..) => continue,
            (Some("#"), Some(word), Some(name), Some(rest)) if is_counter(name) => {
                classic.extend(["# ", word, " ", name, "_total ", rest]);
            }
            _ => classic.push_str(line),
        }
        classic.push('\n');
    }
    classic
}

fn is_counter(name: &str) -> bool {
    Metric::named(name).is_some_and(|metric| metric.kind == Kind::Counter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        keep::{Counters, timings},
        names,
    };

    #[test]
    fn values_are_written_with_their_labels() {
        let mut page = Page::default();
        page.put(names::STORE_UP, &[], true);
        page.put(names::NODES, &["alive"], 3_usize);
        page.put(names::BGP_FLAPS, &[], 7_u64);
        page.put(names::POOL_SIZE, &["we\"b\\", "ipv6"], 2f64.powi(40));
        let counted = Counters::<1>::default();
        counted
            .get_or_create(&[("operation", "get".into())])
            .inc_by(5);
        page.keep(names::STORE_FAILURES, counted);
        let took = timings::<1>();
        took.get_or_create(&[("operation", "get".into())])
            .observe(0.003);
        page.keep(names::STORE_SECONDS, took);
        let text = page.open_metrics();
        for line in [
            "fairway_store_up 1",
            "fairway_nodes{state=\"alive\"} 3",
            "# TYPE fairway_bgp_session_flaps counter",
            "fairway_bgp_session_flaps_total 7",
            "fairway_pool_size{pool=\"we\\\"b\\\\\",family=\"ipv6\"} 1099511627776.0",
            "fairway_store_request_failures_total{operation=\"get\"} 5",
            "fairway_store_request_duration_seconds_bucket{le=\"0.002\",operation=\"get\"} 0",
            "fairway_store_request_duration_seconds_bucket{le=\"0.004\",operation=\"get\"} 1",
            "fairway_store_request_duration_seconds_bucket{le=\"+Inf\",operation=\"get\"} 1",
            "fairway_store_request_duration_seconds_count{operation=\"get\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        let types = text.lines().filter(|line| line.starts_with("# TYPE "));
        assert_eq!(types.count(), ALL.len());

        let text = classic(&text);
        for line in [
            "# TYPE fairway_bgp_session_flaps_total counter",
            "fairway_bgp_session_flaps_total 7",
            "# TYPE fairway_store_up gauge",
            "# TYPE fairway_store_request_duration_seconds histogram",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("EOF"));
    }
}
