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
        let after = if self.storm {
            self.rng.delay(5)
        } else {
            self.rng.below(5)
        };
        self.send_late(at, asked, request, after)
    }

    /// Sends a request that arrives after so many milliseconds.
    pub(crate) fn send_late(
        &mut self,
        at: NodeIx,
        asked: Asked,
        request: Request,
        after: u64,
    ) -> Option<RequestId> {
        self.nodes[at].daemon.as_ref()?;
        let id = RequestId(self.number());
        let arrives = self.now + after;
        let node = &mut self.nodes[at];
        let pending = Pending {
            asked,
            client: true,
            arrives,
        };
        node.requests.insert(id, pending);
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
        let who = (at, attachment.clone());
        lives && self.oracle.is_good(&who) && self.oracle.is_of_journal(&who)
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
