//! What `fairway-bench-front` noted of a runtime's calls.

use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::Path;

/// One container's ADDs.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// From begin to end, in ms, by type.
    times: BTreeMap<String, f64>,
    /// When calls began and ended, in µs.
    spans: Vec<(f64, f64)>,
    /// CPU time of all of them, in ms.
    pub(super) cpu: f64,
}

impl Attached {
    /// The plugins of the network's list, one after the other; the runtime calls the one for `lo` by itself.
    pub(super) fn network(&self) -> f64 {
        let network = self.times.iter().filter(|(kind, _)| *kind != "loopback");
        network.map(|(_, time)| time).sum()
    }

    /// The time in which any of them ran, in ms.
    pub(super) fn any(&self) -> f64 {
        let mut spans = self.spans.clone();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut sum, mut until) = (0.0, f64::MIN);
        for (begin, end) in spans {
            sum += (end - begin.max(until)).max(0.0);
            until = until.max(end);
        }
        sum / 1e3
    }
}

/// Forgets what was noted before.
pub(super) fn forget(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Each container's ADDs; one that failed ends the run.
pub(super) fn attached(file: &Path) -> Result<HashMap<String, Attached>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    parse(&text)
}

fn parse(text: &str) -> Result<HashMap<String, Attached>> {
    let mut all: HashMap<String, Attached> = HashMap::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [_, verb, kind, container, begin, took, cpu, code] = words[..] else {
            anyhow::bail!("{line:?}");
        };
        if verb != "ADD" {
            continue;
        }
        ensure!(code == "0", "{line:?}");
        let number = |text: &str| text.parse::<f64>().with_context(|| line.to_owned());
        let (begin, took) = (number(begin)?, number(took)?);
        let one = all.entry(container.to_owned()).or_default();
        *one.times.entry(kind.to_owned()).or_default() += took / 1e3;
        one.spans.push((begin, begin + took));
        one.cpu += number(cpu)? / 1e3;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_overlap_count_once() {
        let text = "a ADD loopback c1 1000 2000 500 0\n\
                    a ADD bridge c1 2000 4000 1500 0\n\
                    a ADD portmap c1 8000 1000 1000 0\n\
                    a DEL bridge c1 9000 1000 1000 1\n\
                    a ADD bridge c2 0 10 10 0\n";
        let all = parse(text).unwrap();
        let one = &all["c1"];
        assert_eq!((one.network(), one.any(), one.cpu), (5.0, 6.0, 3.0));
        assert_eq!(all["c2"].network(), 0.01);
    }

    #[test]
    fn what_failed_is_no_sample() {
        assert!(parse("a ADD bridge c1 0 10 10 1\n").is_err());
        assert!(parse("a ADD bridge\n").is_err() && parse("").unwrap().is_empty());
    }
}
