//! The runtimes on the nodes: ADD, DEL, CHECK, GC, with clients that die, are too early, too late or
//! repeat themselves.

use crate::{
    event::{Event, NodeIx},
    node::{Asked, Container, Pending, Stage},
    oracle::Context,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{Answer, AttachmentId, Input, Netns, Refusal, Request, RequestId};
use std::net::IpAddr;

impl World {
    /// Sends a request; where no daemon is there to take it, none is sent.
    pub(crate) fn send(&mut self, at: NodeIx, asked: Asked, request: Request) -> Option<RequestId> {
        self.nodes[at].daemon.as_ref()?;
        let after = if self.storm {
            self.rng.delay(5)
        } else {
            self.rng.below(5)
        };
        let id = RequestId(self.number());
        let arrives = self.now + after;
        let node = &mut self.nodes[at];
        node.requests.insert(
            id,
            Pending {
                asked,
                client: true,
                arrives,
            },
        );
        let input = Box::new(Input::Request(id, request));
        self.queue
            .at(arrives, Event::Deliver(at, node.incarnation, input));
        Some(id)
    }

    /// A container's interface is to be had; what becomes of it is seen later.
    pub(crate) fn add_container(
        &mut self,
        at: NodeIx,
        attachment: AttachmentId,
        workload: Option<usize>,
    ) {
        let inode = self.number();
        let netns = Netns {
            path: format!("/run/netns/{}", attachment.container),
            device: 4,
            inode,
        };
        let container = Container {
            stage: Stage::Dying,
            netns,
            there: true,
            addresses: Vec::new(),
            cut: false,
            workload,
        };
        if let Some(work) = workload.and_then(|work| self.works.get_mut(work)) {
            work.running += 1;
        }
        self.nodes[at].containers.insert(attachment, container);
    }

    /// An answer arrives.
    pub(crate) fn answered(
        &mut self,
        at: NodeIx,
        id: RequestId,
        answer: Result<Answer, Refusal>,
        knew: u64,
    ) -> Checked {
        let Some(pending) = self.nodes[at].requests.remove(&id) else {
            if self.nodes[at].cancelled.remove(&id) {
                return Ok(());
            }
            let to = format!("{} request {}", self.nodes[at].name, id.0);
            let reason = "it was answered already, or never asked".to_owned();
            return Err(Violation::Answer { to, reason });
        };
        if !pending.client {
            self.nodes[at].cancelled.insert(id);
            return Ok(());
        }
        let wrong = |world: &World, asked: &str, answer: &dyn std::fmt::Debug| {
            let to = format!("{} {asked}", world.nodes[at].name);
            Err(Violation::Answer {
                to,
                reason: format!("{answer:?}"),
            })
        };
        match (pending.asked, answer) {
            (Asked::Add(asked), Ok(Answer::Allocated(given))) => {
                let who = (at, asked.attachment.clone());
                let ips: Vec<_> = given.addresses.iter().map(|address| address.ip).collect();
                self.note(|world| {
                    format!(
                        "ack {} {} has {ips:?} seq {}",
                        world.nodes[at].name, who.1, given.seq
                    )
                });
                self.count(if given.temporary {
                    "temporary"
                } else {
                    "allocated"
                });
                self.sort_of(&given);
                let (now, asked) = (self.now, &*asked);
                self.oracle
                    .acknowledged(Context { now, asked, knew }, &who, &given)?;
                if let Some(container) = self.nodes[at].containers.get_mut(&who.1) {
                    container.stage = Stage::Live;
                    container.addresses = ips;
                }
                Ok(())
            }
            (Asked::Add(asked), Err(refusal)) => {
                self.count(refused(&refusal));
                self.refused(at, &asked.attachment, &refusal)
            }
            (Asked::Del(attachment), Ok(Answer::Released(_))) => {
                if let Some(container) = self.nodes[at].containers.get_mut(&attachment) {
                    container.there = false;
                    self.finish(at, &attachment);
                }
                Ok(())
            }
            (Asked::Gone { attachment, record }, Ok(Answer::Released(_))) => {
                if record {
                    self.nodes[at]
                        .released
                        .retain(|released| *released != attachment);
                }
                Ok(())
            }
            (Asked::Check(attachment, ips), Ok(Answer::Checked) | Err(_))
                if !self.must_check(at, &attachment, &ips) =>
            {
                Ok(())
            }
            (Asked::Check(_, _), Ok(Answer::Checked)) => Ok(()),
            (Asked::Collect, Ok(Answer::Collected(_)))
            | (Asked::Status, Ok(Answer::Status(_)) | Err(_)) => Ok(()),
            (Asked::Claim(asked), Ok(Answer::Claimed(ips))) => {
                self.count("claims by hand");
                let has = self
                    .oracle
                    .truth
                    .claim_named(&asked.pool, &asked.name)
                    .and_then(|claim| claim.addresses());
                let fits = asked.addresses.iter().all(|ip| ips.contains(ip));
                match fits && has.as_ref().is_none_or(|has| *has == ips) {
                    true => Ok(()),
                    false => Err(Violation::Claim {
                        claim: format!("{}/{}", asked.pool, asked.name),
                        reason: format!(
                            "asked for {:?}, answered {ips:?}, has {has:?}",
                            asked.addresses
                        ),
                    }),
                }
            }
            (Asked::Again(attachment), answer) => {
                let container = self.nodes[at].containers.get(&attachment);
                let lives = container
                    .is_some_and(|container| container.stage == Stage::Live && !container.cut);
                match answer {
                    Ok(answer) if lives => self.answered_again(at, &attachment, &answer),
                    _ => Ok(()),
                }
            }
            (Asked::Claim(_), Err(_)) => {
                self.count("claims by hand refused");
                Ok(())
            }
            (Asked::Add(asked), answer) => {
                wrong(self, &format!("ADD {}", asked.attachment), &answer)
            }
            (asked, answer) => wrong(self, &format!("{asked:?}"), &answer),
        }
    }

    fn sort_of(&mut self, given: &fairway_ipam::Allocated) {
        let claim = given
            .addresses
            .first()
            .and_then(|address| address.claim.as_ref());
        match claim {
            Some(name) if name.as_str().contains('#') => self.count("of a set"),
            Some(_) => self.count("of a claim"),
            None => {}
        }
    }

    /// An ADD failed: the runtime gets rid of what is there.
    fn refused(&mut self, at: NodeIx, attachment: &AttachmentId, refusal: &Refusal) -> Checked {
        self.note(|world| format!("refused {} {attachment}: {refusal}", world.nodes[at].name));
        if self.must.as_ref() == Some(attachment) {
            self.must = None;
            return Err(Violation::NotServed {
                holder: format!("{} {attachment}", self.nodes[at].name),
                pool: String::new(),
                free: 0,
                reason: refusal.to_string(),
            });
        }
        self.doom(at, attachment);
        Ok(())
    }

    /// A container that lives and lost nothing passes its CHECK.
    fn must_check(&self, at: NodeIx, attachment: &AttachmentId, ips: &[IpAddr]) -> bool {
        let container = self.nodes[at].containers.get(attachment);
        let lives = container
            .is_some_and(|container| container.stage == Stage::Live && container.addresses == ips);
        lives && self.oracle.is_good(&(at, attachment.clone()))
    }

    /// The runtime wants to be rid of a container: from now on it uses no address.
    pub(crate) fn doom(&mut self, at: NodeIx, attachment: &AttachmentId) {
        let Some(container) = self.nodes[at].containers.get_mut(attachment) else {
            return;
        };
        container.stage = Stage::Dying;
        self.oracle.dead(self.now, &(at, attachment.clone()));
        let after = self.rng.delay(20);
        self.queue
            .at(self.now + after, Event::Runtime(at, attachment.clone()));
    }

    /// The runtime goes on with a container that it wants to be rid of.
    pub(crate) fn runtime(&mut self, at: NodeIx, attachment: &AttachmentId) -> Checked {
        let node = &self.nodes[at];
        let deleting =
            |pending: &Pending| matches!(&pending.asked, Asked::Del(of) if of == attachment);
        let waits = node.requests.values().any(deleting);
        let stage = node
            .containers
            .get(attachment)
            .map(|container| container.stage);
        if stage != Some(Stage::Dying) || waits || node.dead {
            return Ok(());
        }
        let luck = if self.storm { self.rng.below(100) } else { 50 };
        if luck < 10 {
            // All of it was killed by something else than the runtime; no DEL ever comes.
            self.count("DELs lost");
            self.finish(at, attachment);
        } else if self.nodes[at].daemon.is_none() {
            self.count("DELs without the daemon");
            self.note(|world| {
                format!(
                    "{} DEL {attachment} without the daemon",
                    world.nodes[at].name
                )
            });
            self.nodes[at].released.push(attachment.clone());
            self.finish(at, attachment);
        } else {
            if let Some(container) = self.nodes[at].containers.get_mut(attachment) {
                container.there = luck >= 20;
            }
            self.count("DELs");
            for _ in 0..if luck > 90 { 2 } else { 1 } {
                let asked = Asked::Del(attachment.clone());
                self.send(at, asked, Request::Release(attachment.clone()));
            }
        }
        Ok(())
    }

    /// A container is over; its name may be used again.
    pub(crate) fn finish(&mut self, at: NodeIx, attachment: &AttachmentId) {
        let Some(container) = self.nodes[at].containers.remove(attachment) else {
            return;
        };
        if let Some(work) = container.workload.and_then(|work| self.works.get_mut(work)) {
            work.running = work.running.saturating_sub(1);
        }
        let retired = &mut self.nodes[at].retired;
        retired.push(attachment.clone());
        if retired.len() > 20 {
            retired.remove(0);
        }
    }

    /// Whoever asked has no daemon any more that could answer.
    pub(crate) fn broken(&mut self, at: NodeIx, pending: Pending) {
        let attachment = match pending.asked {
            Asked::Add(asked) if pending.client => {
                self.doom(at, &asked.attachment);
                return;
            }
            Asked::Del(attachment) => attachment,
            _ => return,
        };
        let after = self.rng.span(10, 2_000);
        self.queue
            .at(self.now + after, Event::Runtime(at, attachment));
    }

    /// A client that waits for its ADD dies; its connection closes some time after.
    pub(crate) fn die(&mut self, at: NodeIx, id: RequestId) {
        let Some(pending) = self.nodes[at].requests.get_mut(&id) else {
            return;
        };
        let Asked::Add(asked) = &pending.asked else {
            return;
        };
        if !pending.client {
            return;
        }
        pending.client = false;
        let attachment = asked.attachment.clone();
        let closes = pending.arrives.max(self.now) + self.rng.delay(5);
        let incarnation = self.nodes[at].incarnation;
        self.queue.at(
            closes,
            Event::Deliver(at, incarnation, Box::new(Input::Cancel(id))),
        );
        self.count("clients that died");
        self.note(|world| format!("client of {} {attachment} dies", world.nodes[at].name));
        self.doom(at, &attachment);
    }

    /// An agent says that a container must not use its addresses any more.
    pub(crate) fn cut_off(
        &mut self,
        at: NodeIx,
        attachment: &AttachmentId,
        addresses: &[IpAddr],
        then: bool,
    ) -> Checked {
        if let Some(container) = self.nodes[at].containers.get_mut(attachment) {
            container.cut = true;
        }
        self.oracle.cut(&(at, attachment.clone()), addresses, then)
    }

    /// Works off the records of DELs that were done without the daemon: all of them, or an attachment's.
    pub(crate) fn work_off(&mut self, at: NodeIx, only: Option<&AttachmentId>) {
        let node = &self.nodes[at];
        let Some(daemon) = &node.daemon else { return };
        if node.released.is_empty() || only.is_some_and(|only| !node.released.contains(only)) {
            return;
        }
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        let leases = daemon.brain.leases();
        for attachment in &node.released {
            if only.is_some_and(|only| only != attachment) {
                kept.push(attachment.clone());
                continue;
            }
            // What is there is older than the record: an ADD for the same one waits for the record.
            if let Some(lease) = leases.iter().find(|lease| lease.attachment == *attachment) {
                kept.push(attachment.clone());
                gone.push((attachment.clone(), lease.seq));
            }
        }
        self.nodes[at].released = kept;
        for (attachment, seq) in gone {
            let id = RequestId(self.number());
            let asked = Asked::Gone {
                attachment: attachment.clone(),
                record: true,
            };
            let pending = Pending {
                asked,
                client: true,
                arrives: self.now,
            };
            self.nodes[at].requests.insert(id, pending);
            self.input(at, Input::Request(id, Request::Gone(attachment, seq)));
        }
    }
}

/// A refusal's kind.
fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoPool { .. } => "refused: no such pool",
        Refusal::NotForYou { .. } | Refusal::NoPoolTakes => "refused: no pool takes it",
        Refusal::Draining { .. } => "refused: draining",
        Refusal::Exhausted { .. } => "refused: exhausted",
        Refusal::StoreAway { .. } => "refused: store away",
        Refusal::NotGiven { .. } => "refused: never given",
        Refusal::Taken { .. } => "refused: taken",
        Refusal::Resting { .. } => "refused: resting",
        Refusal::Held { .. } => "refused: held",
        Refusal::KeptFor { .. } => "refused: kept for another node",
        Refusal::Claim { .. } => "refused: claim",
        Refusal::NoWorkload { .. } => "refused: no workload",
        Refusal::AlreadyAttached { .. } => "refused: attached already",
        Refusal::TimedOut { .. } => "refused: no answer in time",
        Refusal::Again { .. } => "refused: again",
        _ => "refused: something else",
    }
}
