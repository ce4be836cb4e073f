//! Clients that never rest: what runtimes of many nodes ask of the daemons, in any order.
//!
//! Each does what a runtime does: one call at a time for a container; after an ADD that failed or was not
//! answered, DEL; DEL again until it is answered. Only where the daemon itself said no, some leave the DEL
//! out: a refusal leaves nothing behind.

use crate::history::{Ask, Outcome, Recorder};
use crate::rest::{Dice, Stop};
use crate::{Door, attachment};
use fairway_api::ipam::{Allocated, Attachment, Facts, Sourced};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// What the clients have in common.
#[derive(Debug)]
pub struct Hammer<'a> {
    /// The daemons.
    pub doors: Vec<Door>,
    /// Where all is written down.
    pub recorder: &'a Recorder,
    /// When to end.
    pub stop: &'a Stop,
    /// Addresses that are asked for by name.
    pub wanted: Vec<IpAddr>,
}

/// A container that has addresses, or may have.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its interface.
    pub who: Attachment,
    /// Index of its node.
    pub node: usize,
    /// What it was given; none where nobody knows.
    pub given: Option<Allocated>,
}

/// A container that one client holds at once, at most.
const HELD: usize = 6;
/// Between two calls of a client.
const PAUSE: (u64, u64) = (2, 30);
/// Between two tries of a DEL.
const AGAIN: Duration = Duration::from_millis(300);

fn by_hand<T>(value: T) -> Sourced<T> {
    let field = "args.cni".to_owned();
    Sourced { value, field }
}

impl Hammer<'_> {
    /// One client, until told to end; gives what its containers hold then.
    ///
    /// # Errors
    /// Where the history cannot be written.
    pub fn client(&self, number: usize, mut dice: Dice) -> io::Result<Vec<Container>> {
        let mut held: Vec<Container> = Vec::new();
        let mut made = 0;
        while !self.stop.pause(dice.millis(PAUSE.0, PAUSE.1)) {
            if held.len() < HELD && dice.percent(50) {
                made += 1;
                let who = attachment(&format!("c{number}-{made}"));
                held.extend(self.add(number, made, who, &mut dice)?);
            } else if !held.is_empty() && dice.percent(25) {
                self.check(dice.one(&held))?;
            } else if !held.is_empty() {
                let index = dice.below(held.len());
                if self.del(&held[index])? {
                    held.swap_remove(index);
                }
            }
        }
        Ok(held)
    }

    fn add(
        &self,
        client: usize,
        made: usize,
        who: Attachment,
        dice: &mut Dice,
    ) -> io::Result<Option<Container>> {
        let node = dice.below(self.doors.len());
        let facts = Box::new(self.facts(client, made, dice));
        let attachment = who.clone();
        let outcome = self.call(node, Ask::Add { attachment, facts })?;
        let container = |given| Container { who, node, given };
        Ok(match outcome {
            Outcome::Given(given) => Some(container(Some(given))),
            Outcome::Refused { .. } if dice.percent(50) => None,
            _ => {
                // It stays in the client's hands until its DEL is answered.
                let open = container(None);
                (!self.del(&open)?).then_some(open)
            }
        })
    }

    /// Who asks, and what for.
    fn facts(&self, client: usize, made: usize, dice: &mut Dice) -> Facts {
        let pod = |namespace: &str, name: String| Facts {
            namespace: Some(namespace.to_owned()),
            pod: Some(name),
            ..Facts::default()
        };
        let release = |facts, text: &str| Facts {
            release: Some(by_hand(text.to_owned())),
            ..facts
        };
        match dice.below(100) {
            0..50 => pod("plain", format!("job-{client}-{made}")),
            // A StatefulSet per client, its pods on any node.
            50..65 => release(
                pod("prod", format!("db{client}-{}", dice.below(2))),
                "never",
            ),
            // Claims that clients fight for.
            65..78 => Facts {
                claim: Some(by_hand(format!("fought-{}", dice.below(6)))),
                handover: Some(by_hand(
                    (*dice.one(&["strict", "temporary", "wait"])).to_owned(),
                )),
                ..release(pod("prod", format!("x{client}-{made}x")), "never")
            },
            // Claims that end by themselves.
            78..84 => release(
                pod("brief", format!("b{client}-{}", dice.below(2))),
                "after:4s",
            ),
            84..92 => Facts {
                owner: Some(by_hand("Deployment/front".to_owned())),
                ..release(
                    pod("web", format!("front-{client}-{made}")),
                    "on-app-delete",
                )
            },
            _ => Facts {
                addresses: vec![by_hand(*dice.one(&self.wanted))],
                ..pod("plain", format!("fixed-{client}-{made}"))
            },
        }
    }

    fn check(&self, container: &Container) -> io::Result<()> {
        let Some(given) = &container.given else {
            return Ok(());
        };
        let (attachment, addresses) = (
            container.who.clone(),
            given.addresses.iter().map(|a| a.ip).collect(),
        );
        self.call(
            container.node,
            Ask::Check {
                attachment,
                addresses,
            },
        )
        .map(drop)
    }

    /// One DEL; tells whether it was answered well.
    fn del(&self, container: &Container) -> io::Result<bool> {
        let attachment = container.who.clone();
        let outcome = self.call(container.node, Ask::Del { attachment })?;
        Ok(matches!(outcome, Outcome::Freed(_)))
    }

    fn call(&self, node: usize, ask: Ask) -> io::Result<Outcome> {
        let door = &self.doors[node];
        self.recorder.call(&door.node, ask, |ask| door.make(ask))
    }

    /// DELs until each was answered, at most for `limit`; gives those that were not.
    ///
    /// # Errors
    /// As [`Hammer::client`].
    pub fn all_go(&self, mut held: Vec<Container>, limit: Duration) -> io::Result<Vec<Container>> {
        let (never, end) = (Stop::default(), std::time::Instant::now() + limit);
        while !held.is_empty() && std::time::Instant::now() < end {
            let mut left = Vec::new();
            for container in held {
                if !self.del(&container)? {
                    left.push(container);
                }
            }
            held = left;
            if !held.is_empty() {
                never.pause(AGAIN);
            }
        }
        Ok(held)
    }
}
