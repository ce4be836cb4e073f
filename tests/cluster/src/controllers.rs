//! Small models of what creates and deletes pods: a kubelet, a StatefulSet, a Deployment.
//!
//! They keep to the rules that make handovers hard. A kubelet tries again with a new sandbox after every
//! ADD that fails, for ever. A StatefulSet makes the new pod only when the old is gone, but the old node's
//! DEL may be late. A Deployment with `maxUnavailable: 0` deletes an old pod only when a new one is ready,
//! and does not count pods that are ending: those still hold their addresses for a while.

use crate::rest::{Dice, Stop, joined};
use crate::{Door, SOON, attachment};
use anyhow::{Result, bail};
use fairway_api::ipam::{Allocated, Attachment, Facts};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two tries of a kubelet.
const AGAIN: Duration = Duration::from_millis(200);

/// A pod that has its addresses.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its sandbox.
    pub who: Attachment,
    /// Index of its node.
    pub node: usize,
    /// What it has.
    pub given: Allocated,
}

impl Pod {
    /// Its addresses.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.given.addresses.iter().map(|a| a.ip).collect()
    }
}

/// All nodes' kubelets.
#[derive(Debug)]
pub struct Kubelets {
    doors: Vec<Door>,
    made: AtomicUsize,
}

impl Kubelets {
    /// One for each daemon.
    pub fn new(doors: Vec<Door>) -> Self {
        let made = AtomicUsize::new(0);
        Self { doors, made }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.doors.len()
    }

    /// Creates a pod: a new sandbox for each try, until one has addresses.
    ///
    /// # Errors
    /// Where none has within a minute; with the last refusal.
    pub fn create(&self, name: &str, node: usize, facts: &Facts) -> Result<Pod> {
        let (end, never) = (Instant::now() + SOON, Stop::default());
        let mut last = String::new();
        while Instant::now() < end {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            let who = attachment(&format!("s{number}"));
            let facts = Facts {
                pod: Some(name.to_owned()),
                ..facts.clone()
            };
            match self.doors[node].add(&who, facts) {
                Ok(given) => {
                    let name = name.to_owned();
                    return Ok(Pod {
                        name,
                        who,
                        node,
                        given,
                    });
                }
                Err(error) => last = error.to_string(),
            }
            self.end(&who, node)?;
            never.pause(AGAIN);
        }
        bail!(
            "pod {name} gets no addresses on {}: {last}",
            self.doors[node].node
        )
    }

    fn end(&self, who: &Attachment, node: usize) -> Result<()> {
        let (end, never) = (Instant::now() + SOON, Stop::default());
        loop {
            match self.doors[node].del(who) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= end => bail!("DEL of {who:?}: {error}"),
                Err(_) => _ = never.pause(AGAIN),
            }
        }
    }

    /// Deletes a pod: DEL until it is answered.
    ///
    /// # Errors
    /// Where it is not within a minute.
    pub fn delete(&self, pod: &Pod) -> Result<()> {
        self.end(&pod.who, pod.node)
    }

    /// Restarts a StatefulSet's pod on another node. `late`: the old node's DEL comes only when the new
    /// sandbox is being made already, as it does where the old node answers slowly.
    ///
    /// # Errors
    /// As [`Kubelets::create`] and [`Kubelets::delete`].
    pub fn move_pod(&self, pod: &Pod, facts: &Facts, late: bool, dice: &mut Dice) -> Result<Pod> {
        let step = 1 + dice.below(self.nodes() - 1);
        let node = (pod.node + step) % self.nodes();
        if !late {
            self.delete(pod)?;
            return self.create(&pod.name, node, facts);
        }
        thread::scope(|scope| {
            let made = scope.spawn(|| self.create(&pod.name, node, facts));
            let never = Stop::default();
            never.pause(dice.millis(1, 50));
            self.delete(pod)?;
            joined(made)
        })
    }
}

/// A Deployment.
#[derive(Debug)]
pub struct Deployment {
    /// How many pods it should have.
    pub replicas: usize,
    /// How many more there may be during an update (`maxSurge`).
    pub surge: usize,
    /// How many fewer (`maxUnavailable`).
    pub unavailable: usize,
    /// How long a pod takes to end after it was deleted.
    pub grace: Duration,
    /// What its pods say; the name is each pod's own.
    pub facts: Facts,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Goes up with each update.
    pub revision: usize,
}

impl Deployment {
    /// Replaces all pods, by the rules of a rolling update; also how the first ones come to be.
    ///
    /// # Errors
    /// Where a pod does not get ready in a minute, which here is a deadlock.
    pub fn roll(&mut self, kubelets: &Kubelets, dice: &mut Dice) -> Result<()> {
        self.revision += 1;
        let (mut old, mut fresh) = (std::mem::take(&mut self.pods), Vec::new());
        let done = thread::scope(|scope| {
            let mut ending = Vec::new();
            while fresh.len() < self.replicas || !old.is_empty() {
                let room = (self.replicas + self.surge).saturating_sub(old.len() + fresh.len());
                let due = room.min(self.replicas - fresh.len());
                let mut starting = Vec::new();
                for number in fresh.len()..fresh.len() + due {
                    let name = format!("front-{:010x}-{number:05x}", self.revision);
                    let (node, facts) = (dice.below(kubelets.nodes()), &self.facts);
                    starting.push(scope.spawn(move || kubelets.create(&name, node, facts)));
                }
                for pod in starting {
                    fresh.push(joined(pod)?);
                }
                let ready = old.len() + fresh.len();
                let spare = ready.saturating_sub(self.replicas - self.unavailable);
                for pod in old.drain(..spare.min(old.len())) {
                    let grace = self.grace;
                    ending.push(scope.spawn(move || {
                        let never = Stop::default();
                        never.pause(grace);
                        kubelets.delete(&pod)
                    }));
                }
            }
            for pod in ending {
                joined(pod)?;
            }
            Ok(())
        });
        self.pods = fresh;
        done
    }
}
