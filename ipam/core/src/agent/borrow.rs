//! An ordinary or an explicit allocation: out of blocks of this node, else by asking another node.

use super::{
    Agent, Allocate, Answer, Refusal, RequestId,
    claims::{Attempt, ClaimWish},
    pick::{Pick, Stop},
    task::Task,
};
use crate::{
    ClaimKind, ClaimName, Family, Handover, PoolName, Release, Uid,
    record::{ClaimRecord, Kind},
};
use std::net::IpAddr;

/// How many nodes are asked for an address before the pool counts as exhausted.
const LENDERS: usize = 3;

impl Agent {
    pub(super) fn allocate(
        &mut self,
        id: RequestId,
        task: &mut Task,
        wish: &Allocate,
    ) -> Result<Answer, Stop> {
        // It may have come back to life meanwhile, out of what a former life left.
        if let Some(live) = self.live.get(&wish.attachment) {
            return Err(Refusal::already(&wish.attachment, &live.ips()).into());
        }
        let named = wish.pool.as_ref();
        let mut pools = self.pools_for(named, wish.namespace.as_deref(), &wish.addresses)?;
        // What was begun in a pool is gone on with there.
        if let Some(attempt) = &task.attempt {
            pools.sort_by_key(|pool| *pool != attempt.pool);
        } else if let Some(workload) = &wish.workload {
            let has = |pool: &PoolName| self.has_claim(pool, &workload.claim);
            pools.sort_by_key(|pool| !has(pool));
        }
        let mut last = None;
        for pool in pools {
            match self.allocate_from(id, task, wish, &pool) {
                Err(Stop::Refused(refusal)) if matches!(*refusal, Refusal::Exhausted { .. }) => {
                    last.get_or_insert(*refusal);
                }
                other => return other,
            }
        }
        Err(last.unwrap_or(Refusal::NoPoolTakes).into())
    }

    fn has_claim(&self, pool: &PoolName, name: &ClaimName) -> bool {
        let at = (pool.clone(), name.clone());
        let member = || name.member(0).map(|member| (pool.clone(), member));
        let vacant = |v: &super::live::Vacant| v.pool == *pool && v.name == *name;
        self.view.claims.contains_key(&at)
            || member().is_some_and(|at| self.view.claims.contains_key(&at))
            || self.vacant.values().any(vacant)
    }

    fn allocate_from(
        &mut self,
        id: RequestId,
        task: &mut Task,
        wish: &Allocate,
        name: &PoolName,
    ) -> Result<Answer, Stop> {
        let spec = &self.pool(name)?.spec;
        let by_hand = wish
            .workload
            .as_ref()
            .is_some_and(|workload| workload.by_hand);
        let own = wish.release.or(by_hand.then_some(Release::Never));
        let (release, handover) = (own.unwrap_or(spec.release), spec.handover);
        if release != Release::OnDelete && !task.temporary {
            match &wish.workload {
                Some(workload) => {
                    let known = self.view.claim(name, &workload.claim);
                    let known = known.map(|(claim, _)| claim.handover);
                    let claim = ClaimWish {
                        pool: name,
                        name: workload.claim.clone(),
                        release,
                        handover: wish.handover.or(known).unwrap_or(handover),
                        app: workload.app.clone(),
                        ordinal: workload.ordinal,
                        addresses: &wish.addresses,
                        holder: Some(&wish.attachment),
                    };
                    let at = (name.clone(), workload.claim.clone());
                    let set = match self.view.claims.get(&at).map(|stored| &stored.value) {
                        Some(ClaimRecord::Set(_)) => true,
                        Some(ClaimRecord::Claim(_)) => false,
                        None => workload.kind == ClaimKind::Set,
                    };
                    let answer = match set {
                        true => self.by_set(id, task, &claim, wish)?,
                        false => self.by_claim(id, task, &claim, wish)?,
                    };
                    if let Some(answer) = answer {
                        return Ok(answer);
                    }
                }
                None if wish.release.is_some() => {
                    return Err(Refusal::NoWorkload { release }.into());
                }
                None => {}
            }
        }
        self.plain(id, task, wish, name)
    }

    fn plain(
        &mut self,
        id: RequestId,
        task: &mut Task,
        wish: &Allocate,
        pool: &PoolName,
    ) -> Result<Answer, Stop> {
        // An explicit address is the claim's, which somebody holds; a temporary one is another.
        let wanted: &[IpAddr] = if task.temporary { &[] } else { &wish.addresses };
        let borrowed = |attempt: &Attempt| {
            attempt
                .new
                .as_ref()
                .is_some_and(|new| new.kind == Kind::Borrowed)
        };
        if task
            .attempt
            .as_ref()
            .is_some_and(|attempt| !borrowed(attempt))
        {
            self.abandon(task);
        }
        if let Some(attempt) = task.attempt.clone() {
            let claim = borrowing(pool, attempt.name.clone(), wish, wanted);
            let ips = match self.made_claim(id, task, &claim) {
                Err(Stop::Refused(refusal)) if wanted.is_empty() && task.tried.len() < LENDERS => {
                    self.abandon(task);
                    return Err(Stop::Parked(refusal.to_string()));
                }
                other => other?,
            };
            let families: Vec<_> = ips.iter().map(|ip| Family::of(*ip)).collect();
            let picks = self.pick_all(pool, wanted, task, &families)?;
            let own = own_only(&picks)
                .ok_or_else(|| Stop::Parked(format!("an address of pool {pool}")))?;
            let hold = self.hold(&claim, attempt.uid, Kind::Borrowed, &ips)?;
            task.attempt = None;
            let temporary = task.temporary;
            return Ok(self.make_live(wish, &own, Some(hold), Some(attempt.seq), temporary));
        }
        if task.tried.len() >= LENDERS {
            let family = task.tried.last().map_or(Family::V4, |cidr| cidr.family());
            return Err(self.exhausted(pool, family).into());
        }
        let picks = self.pick_all(pool, wanted, task, &[])?;
        if let Some(own) = own_only(&picks) {
            return Ok(self.make_live(wish, &own, None, None, task.temporary));
        }
        if !self.view.connected {
            let what = "an address in another node's block".to_owned();
            return Err(Refusal::StoreAway { what }.into());
        }
        let asked: Vec<_> = picks
            .into_iter()
            .filter(|pick| matches!(pick, Pick::Ask(..)))
            .collect();
        let nameless = ClaimName::borrowed(&Uid::made(&self.settings.journal, 0));
        let nameless = borrowing(pool, nameless, wish, wanted);
        let mut attempt = self.plan(&nameless, &asked, Kind::Borrowed);
        attempt.name = ClaimName::borrowed(&attempt.uid);
        self.write_claim(id, task, &attempt);
        task.attempt = Some(attempt);
        Err(Stop::Parked("the owner of another block".to_owned()))
    }

    /// A block that an address was asked of has no owner any more: this node may as well take it.
    pub(super) fn own_if_left(&mut self, pool: &PoolName, cidr: crate::Cidr) {
        let stored = self.view.blocks.get(&(pool.clone(), cidr));
        if stored.is_none_or(|stored| stored.value.owner.is_none()) {
            self.demand(pool, cidr.family(), Some(cidr));
        }
    }
}

fn borrowing<'a>(
    pool: &'a PoolName,
    name: ClaimName,
    wish: &'a Allocate,
    wanted: &'a [IpAddr],
) -> ClaimWish<'a> {
    ClaimWish {
        pool,
        name,
        release: Release::OnDelete,
        handover: Handover::Strict,
        app: None,
        ordinal: None,
        addresses: wanted,
        holder: Some(&wish.attachment),
    }
}

fn own_only(picks: &[Pick]) -> Option<Vec<IpAddr>> {
    let own = |pick: &Pick| match pick {
        Pick::Own(ip) => Some(*ip),
        Pick::Ask(..) => None,
    };
    picks.iter().map(own).collect()
}
