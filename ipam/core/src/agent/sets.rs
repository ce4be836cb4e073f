//! Sets of claims: a Deployment's pods, of which each gets whatever member is free.
//!
//! There is always room for one member more than the set keeps, so that an update that starts a new pod
//! before it ends an old one goes on in each handover mode.

use super::{
    Agent, Allocate, Answer, Refusal, RequestId, claims::ClaimWish, pick::Stop, task::Task,
};
use crate::{ClaimName, Handover, PoolName, keys::Key, record::ClaimRecord};
use std::collections::BTreeSet;

/// A set that nobody limited ends here.
const MOST: u32 = 10_000;

/// What a newcomer finds.
enum Found {
    /// A member that it may have, or that can be made.
    Member(ClaimName),
    /// All there may be are held.
    Full(u32),
    /// One is being taken or given back right now.
    Soon,
}

impl Agent {
    /// An allocation by a member of a set. `None`: all are held, and it gets an ordinary address.
    pub(super) fn by_set(
        &mut self,
        id: RequestId,
        task: &mut Task,
        set: &ClaimWish<'_>,
        request: &Allocate,
    ) -> Result<Option<Answer>, Stop> {
        let at = (set.pool.clone(), set.name.clone());
        let spec = match self.view.claims.get(&at).map(|stored| &stored.value) {
            Some(ClaimRecord::Set(spec)) => Some(spec.clone()),
            Some(ClaimRecord::Claim(_)) => {
                let reason = "is a single claim, and no set".to_owned();
                let claim = set.name.clone();
                return Err(Refusal::Claim { claim, reason }.into());
            }
            None => None,
        };
        let limit = spec.as_ref().and_then(|spec| {
            let surge = spec.surge.max(1);
            spec.size.map(|size| size.saturating_add(surge))
        });
        let mut wish = ClaimWish {
            release: spec.as_ref().map_or(set.release, |spec| spec.release),
            handover: spec.as_ref().map_or(set.handover, |spec| spec.handover),
            app: spec.and_then(|spec| spec.app).or_else(|| set.app.clone()),
            ..set.clone()
        };
        let prefix = format!("{}#", set.name);
        let begun = task.attempt.as_ref().map(|attempt| attempt.name.clone());
        let found = match begun.filter(|name| name.as_str().starts_with(&prefix)) {
            Some(name) => Found::Member(name),
            None => self.member(set, &prefix, limit.unwrap_or(MOST).min(MOST)),
        };
        let mode = wish.handover;
        match found {
            Found::Member(name) => {
                wish.name = name;
                // Should it be held after all, another one is looked for.
                wish.handover = Handover::Temporary;
                let answer = self.by_claim(id, task, &wish, request)?;
                if answer.is_none() {
                    task.temporary = false;
                    self.abandon(task);
                    return Err(Stop::Parked(format!("a member of {}", set.name)));
                }
                Ok(answer)
            }
            Found::Soon => Err(Stop::Parked(format!("a member of {}", set.name))),
            Found::Full(count) => {
                let refuse = |again| Refusal::Held {
                    claim: set.name.clone(),
                    holder: format!("{count} containers, one for each member that it may have"),
                    again,
                };
                match mode {
                    Handover::Strict => Err(refuse(false).into()),
                    Handover::Temporary => {
                        task.temporary = true;
                        Ok(None)
                    }
                    Handover::Wait if self.clock.now >= task.started + self.settings.wait => {
                        Err(refuse(true).into())
                    }
                    Handover::Wait => Err(Stop::Parked(refuse(true).to_string())),
                }
            }
        }
    }

    /// A member for a newcomer: one that this node has still, else one that nobody holds, else a new one.
    fn member(&self, set: &ClaimWish<'_>, prefix: &str, limit: u32) -> Found {
        let begun: BTreeSet<_> = self
            .tasks
            .values()
            .filter_map(|task| task.attempt.as_ref())
            .map(|attempt| &attempt.name)
            .collect();
        let suits = |ips: &[std::net::IpAddr]| set.addresses.iter().all(|ip| ips.contains(ip));
        let vacant = self.vacant.values().find(|vacant| {
            let ips: Vec<_> = vacant.given.iter().map(|given| given.ip).collect();
            vacant.pool == *set.pool
                && vacant.name.as_str().starts_with(prefix)
                && !vacant.releasing
                && vacant.confirmed
                && suits(&ips)
        });
        if let Some(vacant) = vacant {
            return Found::Member(vacant.name.clone());
        }
        let (mut taken, mut soon, mut free) = (BTreeSet::new(), false, None);
        for (name, stored) in self.view.claims_from(set.pool, prefix) {
            let ClaimRecord::Claim(claim) = &stored.value else {
                continue;
            };
            let number = name.as_str()[prefix.len()..].parse::<u32>();
            taken.extend(number);
            let key = Key::Claim(set.pool.clone(), name.clone()).path();
            if self.busy.contains(&key) || begun.contains(name) {
                soon = true;
                continue;
            }
            let ours = claim
                .only
                .as_ref()
                .is_none_or(|node| *node == self.settings.node);
            let here = self.held.contains_key(&claim.uid);
            let left = !here
                && claim
                    .holder
                    .as_ref()
                    .is_none_or(|holder| self.holds(holder));
            if ours && left && claim.addresses().is_some_and(|ips| suits(&ips)) {
                free.get_or_insert_with(|| name.clone());
            }
        }
        if let Some(name) = free {
            return Found::Member(name);
        }
        let count = u32::try_from(taken.len()).unwrap_or(u32::MAX);
        let begun_new = |number: u32| self.is_begun(set.pool, &set.name, number, &begun);
        if count < limit {
            let number = (0..limit).find(|number| !taken.contains(number) && !begun_new(*number));
            if let Some(name) = number.and_then(|number| set.name.member(number)) {
                return Found::Member(name);
            }
        }
        match soon {
            true => Found::Soon,
            false => Found::Full(count),
        }
    }

    /// Another task of this node is about to make that member.
    fn is_begun(
        &self,
        pool: &PoolName,
        set: &ClaimName,
        number: u32,
        begun: &BTreeSet<&ClaimName>,
    ) -> bool {
        set.member(number).is_none_or(|name| {
            begun.contains(&name) || self.busy.contains(&Key::Claim(pool.clone(), name).path())
        })
    }
}
