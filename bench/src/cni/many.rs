//! The same for many containers, so many of them at a time, as when a node starts.

use super::side::{Call, Side};
use anyhow::Result;
use fairway_lab::{Ns, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The same call for all: what each took and gave, in no order. Their names have `prefix` before a number.
pub(crate) fn all(
    side: &Side,
    (verb, prefix): (&str, &str),
    config: &Value,
    spaces: &[Ns],
    at_a_time: usize,
) -> Result<Vec<Call>> {
    let call = |at, ns: &Ns| side.call_here(verb, config, (&format!("{prefix}{at}"), ns));
    each(side.lab.node(), spaces, at_a_time, call)
}

/// The same work for all, on threads in the node's namespace.
pub(crate) fn each<T: Send>(
    node: &Ns,
    spaces: &[Ns],
    at_a_time: usize,
    work: impl Fn(usize, &Ns) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<T>> {
        let mut done = Vec::new();
        while let Some((at, ns)) = spaces
            .iter()
            .enumerate()
            .nth(next.fetch_add(1, Ordering::Relaxed))
        {
            done.push(work(at, ns)?);
        }
        Ok(done)
    };
    let in_node = || node.inside(worker);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(in_node)).collect();
        let mut all = Vec::new();
        for worker in workers {
            let done = worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.extend(done??);
        }
        Ok(all)
    })
}
