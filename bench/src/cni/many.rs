//! The same call for many containers, so many of them at a time, as when a node starts.

use super::side::{Call, Side};
use anyhow::Result;
use fairway_lab::{Ns, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What each took and gave, in no order. The containers' names have `prefix` before a number.
pub(crate) fn all(
    side: &Side,
    (verb, prefix): (&str, &str),
    config: &Value,
    spaces: &[Ns],
    at_a_time: usize,
) -> Result<Vec<Call>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        while let Some((at, ns)) = spaces
            .iter()
            .enumerate()
            .nth(next.fetch_add(1, Ordering::Relaxed))
        {
            let name = format!("{prefix}{at}");
            calls.push(side.call_here(verb, config, (&name, ns))?);
        }
        Ok(calls)
    };
    let in_node = || side.lab.node().inside(worker);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(in_node)).collect();
        let mut calls = Vec::new();
        for worker in workers {
            let done = worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            calls.extend(done??);
        }
        Ok(calls)
    })
}
