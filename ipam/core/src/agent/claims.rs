//! Claims: a workload's addresses, and who has them now.
//!
//! The holder is written by compare-and-swap. As long as the store was not asked to note that the holder
//! has gone, the claim is still this node's, which then needs no store to give it on.

use super::{
    Agent, Allocate, Answer, CreateClaim, Refusal, RequestId,
    live::{Given, Hold},
    outcome::Purpose,
    pick::Stop,
    task::Task,
};
use crate::{
    AttachmentId, ClaimName, Handover, Millis, PoolName, Release, Uid,
    keys::Key,
    record::{Claim, ClaimRecord, Holder, Kind, Part, Record},
    workload,
};
use fairway_kv::{Txn, Write};
use std::net::IpAddr;

/// A claim that is being made or taken.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) pool: PoolName,
    pub(super) name: ClaimName,
    pub(super) uid: Uid,
    pub(super) seq: u64,
    /// The claim as it is to be written, where it is made.
    pub(super) new: Option<Claim>,
    /// When the owners of other blocks were asked.
    pub(super) asked: Millis,
}

/// Which claim, and what it is to be like.
#[derive(Debug, Clone)]
pub(super) struct ClaimWish<'a> {
    pub(super) pool: &'a PoolName,
    pub(super) name: ClaimName,
    pub(super) release: Release,
    pub(super) handover: Handover,
    pub(super) app: Option<crate::AppName>,
    pub(super) ordinal: Option<u32>,
    pub(super) addresses: &'a [IpAddr],
    /// None: nobody is to hold it.
    pub(super) holder: Option<&'a AttachmentId>,
}

/// How the owners of the blocks have answered.
pub(super) enum Granted {
    All(Vec<IpAddr>),
    Waiting(crate::Cidr),
    No(Option<IpAddr>, String, crate::Cidr),
}

pub(super) fn granted(claim: &Claim) -> Granted {
    let mut ips = Vec::new();
    let mut waiting = None;
    for part in &claim.parts {
        match part {
            Part::Granted { ip } => ips.push(*ip),
            Part::Asked { block, .. } => waiting = Some(*block),
            Part::Refused { block, ip, reason } => {
                return Granted::No(*ip, reason.clone(), *block);
            }
        }
    }
    waiting.map_or(Granted::All(ips), Granted::Waiting)
}

impl Agent {
    /// [`super::Request::CreateClaim`].
    pub(super) fn create_claim(
        &mut self,
        id: RequestId,
        task: &mut Task,
        wish: &CreateClaim,
    ) -> Result<Answer, Stop> {
        self.pool(&wish.pool)?;
        let (known, ordinal) = workload::app_of(&wish.name);
        // The number is one of that application, and of no other that somebody names.
        let ordinal = ordinal.filter(|_| wish.app.is_none() || wish.app == known);
        let wish = ClaimWish {
            pool: &wish.pool,
            name: wish.name.clone(),
            release: wish.release,
            handover: wish.handover,
            app: wish.app.clone().or(known),
            ordinal,
            addresses: &wish.addresses,
            holder: None,
        };
        let mine = |task: &Task, claim: &Claim| {
            task.attempt
                .as_ref()
                .is_some_and(|attempt| attempt.uid == claim.uid)
        };
        if let Some((claim, _)) = self.view.claim(wish.pool, &wish.name)
            && !mine(task, claim)
        {
            let reason = "exists already".to_owned();
            return Err(Refusal::Claim {
                claim: wish.name,
                reason,
            }
            .into());
        }
        let ips = self.made_claim(id, task, &wish)?;
        Ok(Answer::Claimed(ips))
    }

    /// An allocation by a workload's claim. `None`: it is held, and the newcomer gets an ordinary address.
    pub(super) fn by_claim(
        &mut self,
        id: RequestId,
        task: &mut Task,
        wish: &ClaimWish<'_>,
        request: &Allocate,
    ) -> Result<Option<Answer>, Stop> {
        if let Some(answer) = self.take_vacant(wish, request)? {
            return Ok(Some(answer));
        }
        let key = Key::Claim(wish.pool.clone(), wish.name.clone()).path();
        if self.busy.contains(&key) {
            return Err(Stop::Parked(format!("claim {}", wish.name)));
        }
        let Some((claim, modified)) = self.view.claim(wish.pool, &wish.name) else {
            self.made_claim(id, task, wish)?;
            return Err(Stop::Parked(format!("claim {}", wish.name)));
        };
        let (claim, uid) = (claim.clone(), claim.uid.clone());
        if let Some(other) = self.held.get(&uid) {
            // Whatever the store says of it just now.
            let holder = self.holder(other, 0);
            self.doubts.insert(uid);
            return self.handover(task, wish, &holder);
        }
        let attempt = task.attempt.as_ref().filter(|attempt| attempt.uid == uid);
        let seq = attempt.map(|attempt| attempt.seq);
        if let Some(holder) = &claim.holder {
            if self.holds(holder)
                && Some(holder.seq) == seq
                && holder.attachment == request.attachment
            {
                let ips = self.made_claim(id, task, wish)?;
                let hold = self.hold(wish, uid, Kind::Sticky, &ips)?;
                task.attempt = None;
                return Ok(Some(self.make_live(request, &[], Some(hold), seq, false)));
            }
            let free = self.holds(holder) && !self.is_wanted(&uid);
            if !free {
                return self.handover(task, wish, holder);
            }
        }
        self.may_hold(wish, &claim)?;
        if !self.view.connected {
            let what = format!("claim {}", wish.name);
            return Err(Refusal::StoreAway { what }.into());
        }
        let seq = seq.unwrap_or_else(|| self.next_seq());
        task.attempt = Some(Attempt {
            pool: wish.pool.clone(),
            name: wish.name.clone(),
            uid,
            seq,
            new: None,
            asked: self.clock.now,
        });
        if self.may_write() {
            // Made by hand, under a name that says nothing: what it belongs to is known only now.
            let (app, ordinal) = match claim.app {
                Some(app) => (Some(app), claim.ordinal),
                None => (wish.app.clone(), wish.ordinal),
            };
            let held = Claim {
                holder: Some(self.holder(&request.attachment, seq)),
                ousted: None,
                ended: None,
                app,
                ordinal,
                ..claim
            };
            let txn = Txn::if_unchanged(modified, put_claim(key, held));
            self.commit(txn, Purpose::Task(id));
        }
        Err(Stop::Parked(format!("claim {}", wish.name)))
    }

    /// A claim of this node whose holder has gone, before anybody else was told: it needs no store.
    fn take_vacant(
        &mut self,
        wish: &ClaimWish<'_>,
        request: &Allocate,
    ) -> Result<Option<Answer>, Stop> {
        // What was learned just now may be that somebody else has it.
        self.end_vacant(false);
        let mut vacant = self.vacant.values();
        let found = vacant.find(|vacant| {
            !vacant.releasing
                && !vacant.borrowed
                && vacant.confirmed
                && vacant.pool == *wish.pool
                && vacant.name == wish.name
        });
        let Some(vacant) = found.cloned() else {
            return Ok(None);
        };
        // Also what was learned before the store went away.
        let known = self.view.claim_by_uid(&vacant.uid);
        if known
            .is_some_and(|(_, _, claim, _)| !claim.holder.as_ref().is_some_and(|h| self.holds(h)))
        {
            return Ok(None);
        }
        let ips: Vec<_> = vacant.given.iter().map(|given| given.ip).collect();
        must_be(wish, &ips)?;
        self.drop_vacant(&vacant.uid);
        self.doubts.insert(vacant.uid.clone());
        let hold = Hold {
            pool: vacant.pool,
            name: vacant.name,
            uid: vacant.uid,
            borrowed: false,
            confirmed: true,
        };
        let answer = self.make_live(request, &[], Some((hold, vacant.given)), None, false);
        Ok(Some(answer))
    }

    /// May this node take a claim that nobody holds?
    fn may_hold(&self, wish: &ClaimWish<'_>, claim: &Claim) -> Result<(), Stop> {
        if let Some(node) = claim
            .only
            .as_ref()
            .filter(|node| **node != self.settings.node)
        {
            let (claim, node) = (wish.name.clone(), node.clone());
            return Err(Refusal::KeptFor { claim, node }.into());
        }
        match granted(claim) {
            Granted::All(ips) => Ok(must_be(wish, &ips)?),
            Granted::Waiting(block) => Err(Stop::Parked(format!(
                "{}, for claim {}",
                self.owner_of(wish.pool, block),
                wish.name
            ))),
            Granted::No(_, reason, _) => Err(Refusal::Claim {
                claim: wish.name.clone(),
                reason,
            }
            .into()),
        }
    }

    /// The claim is held by somebody else.
    fn handover(
        &mut self,
        task: &mut Task,
        wish: &ClaimWish<'_>,
        holder: &Holder,
    ) -> Result<Option<Answer>, Stop> {
        let refuse = |again| Refusal::Held {
            claim: wish.name.clone(),
            holder: format!("{} on node {}", holder.attachment, holder.node),
            again,
        };
        match wish.handover {
            Handover::Strict => Err(refuse(false).into()),
            Handover::Temporary => {
                self.abandon(task);
                task.temporary = true;
                Ok(None)
            }
            Handover::Wait if self.clock.now >= task.started + self.settings.wait => {
                Err(refuse(true).into())
            }
            Handover::Wait => Err(Stop::Parked(refuse(true).to_string())),
        }
    }

    pub(super) fn holder(&self, attachment: &AttachmentId, seq: u64) -> Holder {
        Holder {
            node: self.settings.node.clone(),
            journal: self.settings.journal.clone(),
            attachment: attachment.clone(),
            seq,
            since: self.clock.wall,
            boot: self.settings.boot.clone(),
        }
    }

    /// What an attachment has of a claim.
    pub(super) fn hold(
        &self,
        wish: &ClaimWish<'_>,
        uid: Uid,
        kind: Kind,
        ips: &[IpAddr],
    ) -> Result<(Hold, Vec<Given>), Refusal> {
        let given: Option<Vec<_>> = ips.iter().map(|ip| self.given(*ip, true)).collect();
        let given = given.ok_or_else(|| Refusal::Claim {
            claim: wish.name.clone(),
            reason: "has an address that is in no pool any more".to_owned(),
        })?;
        let hold = Hold {
            pool: wish.pool.clone(),
            name: wish.name.clone(),
            uid,
            borrowed: kind == Kind::Borrowed,
            confirmed: true,
        };
        Ok((hold, given))
    }

    /// Is a task of this node about to have that claim?
    pub(super) fn is_wanted(&self, uid: &Uid) -> bool {
        let mut tasks = self.tasks.values();
        tasks.any(|task| {
            task.attempt
                .as_ref()
                .is_some_and(|attempt| attempt.uid == *uid)
        })
    }

    /// A task ends without success: what it began is looked at as a stray.
    pub(super) fn abandon(&mut self, task: &mut Task) {
        if let Some(attempt) = task.attempt.take() {
            self.suspects.insert((attempt.pool, attempt.name));
            self.stirred = true;
        }
    }
}

/// Explicit addresses must be the claim's own.
fn must_be(wish: &ClaimWish<'_>, ips: &[IpAddr]) -> Result<(), Refusal> {
    match wish.addresses.iter().find(|ip| !ips.contains(ip)) {
        None => Ok(()),
        Some(ip) => {
            let list: Vec<_> = ips.iter().map(IpAddr::to_string).collect();
            Err(Refusal::Claim {
                claim: wish.name.clone(),
                reason: format!("has {}, and not {ip}", list.join(", ")),
            })
        }
    }
}

pub(super) fn put_claim(key: String, claim: Claim) -> Write {
    Write::Put {
        key,
        value: ClaimRecord::Claim(claim).encode(),
        lease: None,
    }
}
