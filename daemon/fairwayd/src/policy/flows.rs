//! Flows that the dataplane has told of: the last few thousand, for whoever asks or waits.

use fairway_api::admin::{Flow, Flows};
use std::{collections::VecDeque, sync::Mutex, time::Duration};
use tokio::{sync::watch, time::timeout};

/// So many are kept.
const KEPT: usize = 4096;
/// So many are told in one answer.
const AT_ONCE: usize = 1000;
/// A caller waits no longer than this.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct FlowLog {
    inner: Mutex<Inner>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Each with its number; they go up by one.
    flows: VecDeque<(u64, Flow)>,
    last: u64,
    /// Numbers of events that the dataplane could not tell, and how many, the oldest first.
    missed: VecDeque<(u64, u64)>,
    missed_in_all: u64,
}

impl Default for FlowLog {
    fn default() -> Self {
        FlowLog {
            inner: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }
}

impl FlowLog {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes flows; `missed` could not be told before them.
    pub(super) fn push(&self, flows: Vec<Flow>, missed: u64) {
        if flows.is_empty() && missed == 0 {
            return;
        }
        let mut inner = self.inner();
        inner.missed_in_all += missed;
        if missed > 0 {
            let at = inner.last + 1;
            inner.missed.push_back((at, missed));
            if inner.missed.len() > KEPT {
                inner.missed.pop_front();
            }
        }
        for flow in flows {
            inner.last += 1;
            let number = inner.last;
            inner.flows.push_back((number, flow));
            if inner.flows.len() > KEPT {
                inner.flows.pop_front();
            }
        }
        let last = inner.last;
        drop(inner);
        self.newest.send_replace(last);
    }

    /// How many could not be told, since the daemon began.
    pub(crate) fn missed(&self) -> u64 {
        self.inner().missed_in_all
    }

    /// Those after a number; waits for the first for a while.
    pub(crate) async fn after(&self, after: Option<u64>, drops: bool, wait: Duration) -> Flows {
        let mut newest = self.newest.subscribe();
        let wait = wait.min(LONGEST);
        let found = async {
            let mut from = after;
            loop {
                newest.borrow_and_update();
                let found = self.now(from, drops);
                if !found.flows.is_empty() || newest.changed().await.is_err() {
                    return found;
                }
                // What was passed over need not be looked at again.
                from = Some(found.next.max(from.unwrap_or_default()));
            }
        };
        match timeout(wait, found).await {
            Ok(found) => found,
            Err(_) => self.now(after, drops),
        }
    }

    fn now(&self, after: Option<u64>, drops: bool) -> Flows {
        let inner = self.inner();
        let after = after.filter(|after| *after <= inner.last);
        let first = inner
            .flows
            .front()
            .map_or(inner.last + 1, |(number, _)| *number);
        let from = after.map_or(first, |after| after + 1);
        let mut next = inner.last;
        let mut flows = Vec::new();
        for (number, flow) in inner.flows.iter().filter(|(number, _)| *number >= from) {
            if drops && flow.verdict == "allowed" {
                continue;
            }
            if flows.len() == AT_ONCE {
                next = number - 1;
                break;
            }
            flows.push(flow.clone());
        }
        let untold = inner.missed.iter();
        let untold = untold.filter(|(at, _)| *at >= from && *at <= next);
        let forgotten = match after {
            Some(after) => (first - 1).saturating_sub(after),
            None => 0,
        };
        Flows {
            flows,
            next,
            missed: untold.map(|(_, missed)| missed).sum::<u64>() + forgotten,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(verdict: &str, bytes: u32) -> Flow {
        Flow {
            at: 0,
            verdict: verdict.into(),
            reason: "forwarded".into(),
            direction: "egress".into(),
            endpoint: "a/b".into(),
            source: None,
            source_name: None,
            destination: None,
            destination_name: None,
            protocol: "tcp".into(),
            source_port: None,
            destination_port: None,
            bytes,
            rule: None,
        }
    }

    fn sizes(flows: &Flows) -> Vec<u32> {
        flows.flows.iter().map(|flow| flow.bytes).collect()
    }

    #[test]
    fn who_follows_misses_nothing_or_is_told_so() {
        let log = FlowLog::default();
        log.push((0..3).map(|n| flow("allowed", n)).collect(), 0);
        let first = log.now(None, false);
        assert_eq!(
            (sizes(&first), first.next, first.missed),
            (vec![0, 1, 2], 3, 0)
        );
        assert!(log.now(Some(first.next), false).flows.is_empty());
        log.push(vec![flow("dropped", 9)], 5);
        let second = log.now(Some(first.next), true);
        assert_eq!(
            (sizes(&second), second.next, second.missed),
            (vec![9], 4, 5)
        );

        log.push(
            (0..KEPT as u32 + 10).map(|n| flow("allowed", n)).collect(),
            0,
        );
        let third = log.now(Some(second.next), false);
        assert_eq!((sizes(&third)[0], third.missed), (10, 10));
        assert_eq!(third.flows.len(), AT_ONCE);
        let mut next = third.next;
        let mut count = third.flows.len();
        while next < 4 + KEPT as u64 + 10 {
            let more = log.now(Some(next), false);
            (next, count) = (more.next, count + more.flows.len());
            assert_eq!(more.missed, 0);
        }
        assert_eq!(count, KEPT);
        // A number of a daemon before this one says nothing.
        assert_eq!(log.now(Some(u64::MAX), true).missed, 0);
    }

    #[tokio::test]
    async fn who_waits_is_told_at_once() {
        let log = std::sync::Arc::new(FlowLog::default());
        let waiting = {
            let log = log.clone();
            tokio::spawn(async move { log.after(None, true, LONGEST).await })
        };
        tokio::task::yield_now().await;
        log.push(vec![flow("allowed", 1)], 0);
        log.push(vec![flow("dropped", 2)], 0);
        assert_eq!(sizes(&waiting.await.unwrap()), [2]);
        let none = log.after(Some(2), false, Duration::from_millis(10)).await;
        assert_eq!((none.flows.len(), none.next), (0, 2));
    }
}
