//! Requests, and those that cannot be answered at once: how far they are.

use super::{
    Action, Agent, Allocate, Allocated, Answer, CreateClaim, Refusal, Request, RequestId,
    claims::Attempt,
    live::{Given, Hold, Live},
    pick::Stop,
    saved,
};
use crate::{Address, AttachmentId, Cidr, Millis, agent::block::Used};
use fairway_kv::Condition;
use std::{collections::BTreeSet, net::IpAddr};

/// How often a task is looked at where nothing happened.
const LOOK_AGAIN: u64 = 100;

/// What a task is to get.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Allocate(Allocate),
    Claim(CreateClaim),
}

/// A request that was not answered yet.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) wish: Wish,
    pub(super) started: Millis,
    until: Millis,
    look_at: Millis,
    /// A claim that is being made or taken for it.
    pub(super) attempt: Option<Attempt>,
    /// Blocks whose owners had nothing to lend.
    pub(super) tried: BTreeSet<Cidr>,
    /// Its claim is held: it gets an ordinary address.
    pub(super) temporary: bool,
    waiting: String,
}

impl Task {
    fn new(wish: Wish, now: Millis) -> Task {
        let until = match &wish {
            Wish::Allocate(wish) => wish.deadline,
            Wish::Claim(wish) => wish.deadline,
        };
        Task {
            wish,
            started: now,
            until,
            look_at: now,
            attempt: None,
            tried: BTreeSet::new(),
            temporary: false,
            waiting: String::new(),
        }
    }

    /// When it is to be looked at.
    pub(super) fn due(&self) -> Millis {
        self.until.min(self.look_at)
    }

    fn attachment(&self) -> Option<&AttachmentId> {
        match &self.wish {
            Wish::Allocate(wish) => Some(&wish.attachment),
            Wish::Claim(_) => None,
        }
    }

    /// What must hold in the store where it makes a claim.
    pub(super) fn only_while(&self) -> &[Condition] {
        match &self.wish {
            Wish::Allocate(_) => &[],
            Wish::Claim(wish) => &wish.only_while,
        }
    }
}

impl Agent {
    pub(super) fn begin(&mut self, id: RequestId, request: Request) {
        let answer = match request {
            Request::Allocate(wish) => match self.again(id, &wish) {
                Some(answer) => answer,
                None => {
                    let task = Task::new(Wish::Allocate(*wish), self.clock.now);
                    return self.step(id, task);
                }
            },
            Request::CreateClaim(wish) => {
                let task = Task::new(Wish::Claim(*wish), self.clock.now);
                return self.step(id, task);
            }
            Request::Release(attachment) => Ok(Answer::Released(self.release(&attachment))),
            Request::Gone(attachment, seq) => {
                Ok(Answer::Released(self.release_given(&attachment, seq)))
            }
            Request::Unheard(attachment, seq) => {
                let others = self.told_again.contains(&attachment);
                Ok(Answer::Released(match others {
                    true => Vec::new(),
                    false => self.release_given(&attachment, seq),
                }))
            }
            Request::Check(attachment, addresses) => self.check(attachment, &addresses),
            Request::Collect {
                network,
                keep,
                before,
            } => Ok(Answer::Collected(self.collect(&network, &keep, before))),
            Request::Status { pool, namespace } => {
                let status = self.status(pool.as_ref(), namespace.as_deref());
                status.map(Answer::Status)
            }
        };
        self.act(Action::Answer(id, answer));
    }

    /// What is known of an attachment that asks for addresses already.
    fn again(&mut self, id: RequestId, wish: &Allocate) -> Option<Result<Answer, Refusal>> {
        // The former request's caller cannot be there any more.
        let mut tasks = self.tasks.iter();
        let other = tasks.find(|(_, task)| task.attachment() == Some(&wish.attachment));
        if let Some(other) = other.map(|(other, _)| *other).filter(|other| *other != id) {
            self.give_up(other, "another request for the same interface came");
        }
        let Some(live) = self.live.get(&wish.attachment) else {
            return self.shown(&wish.attachment).map(Err);
        };
        if live.netns.is_some() && live.netns == wish.netns && live.cut_off.is_none() {
            let allocated = Allocated {
                repeated: true,
                ..self.allocated(live)
            };
            self.told_again.insert(wish.attachment.clone());
            return Some(Ok(Answer::Allocated(allocated)));
        }
        Some(Err(Refusal::already(&wish.attachment, &live.ips())))
    }

    /// Its former life's block may not have been taken over yet, but the kernel shows what it has.
    fn shown(&self, attachment: &AttachmentId) -> Option<Refusal> {
        let sighting = self.sightings.get(attachment);
        let sighting = sighting.filter(|_| self.rebuilding)?;
        (!sighting.addresses.is_empty()).then(|| Refusal::already(attachment, &sighting.addresses))
    }

    /// Whoever asked has gone.
    pub(super) fn cancel(&mut self, id: RequestId) {
        if let Some(mut task) = self.tasks.remove(&id) {
            self.abandon(&mut task);
        }
    }

    /// Ends a task without success.
    pub(super) fn give_up(&mut self, id: RequestId, what: &str) {
        if let Some(mut task) = self.tasks.remove(&id) {
            self.abandon(&mut task);
            let what = what.to_owned();
            self.act(Action::Answer(id, Err(Refusal::Again { what })));
            self.stirred = true;
        }
    }

    /// A task of this attachment is given up: its DEL has come.
    pub(super) fn give_up_for(&mut self, attachment: &AttachmentId) {
        let mut tasks = self.tasks.iter();
        let found = tasks.find(|(_, task)| task.attachment() == Some(attachment));
        if let Some(id) = found.map(|(id, _)| *id) {
            self.give_up(id, "the interface was deleted meanwhile");
        }
    }

    /// Looks at all tasks that may get further.
    pub(super) fn drive(&mut self) {
        // Each round may free what another task waits for, but not without end.
        for _ in 0..4 {
            let (now, all) = (self.clock.now, std::mem::take(&mut self.stirred));
            let due = |(_, task): &(&RequestId, &Task)| all || task.due() <= now;
            let ids: Vec<_> = self.tasks.iter().filter(due).map(|(id, _)| *id).collect();
            if ids.is_empty() {
                break;
            }
            for id in ids {
                if let Some(task) = self.tasks.remove(&id) {
                    self.step(id, task);
                }
            }
            if !self.stirred {
                break;
            }
        }
    }

    /// Gets a task as far as it can be got now.
    fn step(&mut self, id: RequestId, mut task: Task) {
        let wish = task.wish.clone();
        let result = match &wish {
            Wish::Allocate(wish) => self.allocate(id, &mut task, wish),
            Wish::Claim(wish) => self.create_claim(id, &mut task, wish),
        };
        let result = match result {
            Err(Stop::Parked(what)) if self.clock.now >= task.until => {
                self.abandon(&mut task);
                let what = match &self.rejected {
                    Some(reason) => format!("{what}; the store refuses writes: {reason}"),
                    None => what,
                };
                Err(Refusal::TimedOut { what })
            }
            Err(Stop::Parked(what)) => {
                task.waiting = what;
                task.look_at = self.clock.now + LOOK_AGAIN;
                self.tasks.insert(id, task);
                return;
            }
            Err(Stop::Refused(refusal)) => {
                self.abandon(&mut task);
                Err(*refusal)
            }
            Ok(answer) => Ok(answer),
        };
        self.act(Action::Answer(id, result));
    }

    /// The attachment is live, with addresses of blocks of this node (`own`) and those of a claim.
    pub(super) fn make_live(
        &mut self,
        wish: &Allocate,
        own: &[IpAddr],
        claimed: Option<(Hold, Vec<Given>)>,
        seq: Option<u64>,
        temporary: bool,
    ) -> Answer {
        let mut given: Vec<_> = own.iter().filter_map(|ip| self.given(*ip, false)).collect();
        for ip in own {
            let used = Used::Live {
                attachment: wish.attachment.clone(),
                label: wish.label.clone(),
            };
            self.set_slot(*ip, Some(used));
        }
        let seq = seq.unwrap_or_else(|| self.next_seq());
        let (hold, of_claim) = claimed.unzip();
        given.extend(of_claim.into_iter().flatten());
        given.sort_by_key(|given| given.ip);
        if let Some(hold) = &hold {
            self.held.insert(hold.uid.clone(), wish.attachment.clone());
        }
        let live = Live {
            attachment: wish.attachment.clone(),
            netns: wish.netns.clone(),
            given,
            hold,
            label: wish.label.clone(),
            seq,
            since: self.clock.wall,
            temporary,
            cut_off: None,
            whole: true,
        };
        self.note(saved::live(&live));
        let answer = Answer::Allocated(self.allocated(&live));
        self.live.insert(wish.attachment.clone(), live);
        answer
    }

    /// What the pool says of an address. `None`: it is in no pool any more.
    pub(super) fn given(&self, ip: IpAddr, claim: bool) -> Option<Given> {
        let (pool, _) = self.view.block_of(ip)?;
        let range = pool.range_of(ip)?;
        Some(Given {
            ip,
            range: range.cidr,
            gateway: range.gateway,
            pool: pool.name.clone(),
            claim,
        })
    }

    pub(super) fn allocated(&self, live: &Live) -> Allocated {
        let name = live.hold.as_ref().filter(|hold| !hold.borrowed);
        let address = |given: &Given| Address {
            ip: given.ip,
            range: given.range,
            gateway: given.gateway,
            pool: given.pool.clone(),
            claim: name.filter(|_| given.claim).map(|hold| hold.name.clone()),
        };
        Allocated {
            attachment: live.attachment.clone(),
            addresses: live.given.iter().map(address).collect(),
            seq: live.seq,
            temporary: live.temporary,
            repeated: false,
        }
    }
}
