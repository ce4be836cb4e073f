//! How a claim comes into being: in one transaction with the records of the blocks that its addresses
//! are of. What was tried with an outcome that is not known is tried again with the same uid and sequence
//! number, so that its success is recognised when it is found.

use super::{
    Agent, Refusal, RequestId,
    block::Used,
    claims::{Attempt, ClaimWish, Granted, granted, put_claim},
    outcome::Purpose,
    pick::{Pick, Stop},
    task::Task,
};
use crate::{
    Cidr, ClaimName, PoolName, Uid,
    keys::Key,
    record::{Claim, Kind, Part, Use},
};
use fairway_kv::{Condition, Txn};
use std::net::IpAddr;

impl Agent {
    /// Makes a claim, and gives its addresses once all of them are granted. To be called again and again.
    pub(super) fn made_claim(
        &mut self,
        id: RequestId,
        task: &mut Task,
        wish: &ClaimWish<'_>,
    ) -> Result<Vec<IpAddr>, Stop> {
        let parked = || Stop::Parked(format!("claim {}", wish.name));
        let key = Key::Claim(wish.pool.clone(), wish.name.clone());
        if self.busy.contains(&key.path()) {
            return Err(parked());
        }
        if let Some((claim, _)) = self.view.claim(wish.pool, &wish.name) {
            if task
                .attempt
                .as_ref()
                .is_none_or(|attempt| attempt.uid != claim.uid)
            {
                self.abandon(task);
                return Err(parked());
            }
            let answers = granted(claim);
            let asked = task
                .attempt
                .as_ref()
                .map_or(self.clock.now, |attempt| attempt.asked);
            return match answers {
                Granted::All(ips) => Ok(ips),
                Granted::Waiting(block) if self.clock.now >= asked + self.settings.ask => {
                    task.tried.insert(block);
                    let owner = self.owner_of(wish.pool, block);
                    let what = format!("{owner} does not answer");
                    Err(Refusal::Again { what }.into())
                }
                Granted::Waiting(block) => {
                    self.own_if_left(wish.pool, block);
                    Err(Stop::Parked(self.owner_of(wish.pool, block)))
                }
                Granted::No(ip, reason, block) => {
                    task.tried.insert(block);
                    Err(match ip {
                        Some(ip) if self.rests_elsewhere(wish.pool, block, ip) => Refusal::Again {
                            what: format!("address {ip} {reason}"),
                        },
                        Some(ip) => Refusal::Taken { ip, holder: reason },
                        None => Refusal::Again { what: reason },
                    }
                    .into())
                }
            };
        }
        self.must_be_absent(wish, &key)?;
        // It came to be, and an administrator gave it another name meanwhile.
        if let Some(attempt) = &task.attempt
            && (self.view.claim_by_uid(&attempt.uid).is_some() || self.view.is_moved(&attempt.uid))
        {
            let what = format!("claim {} has got another name meanwhile", wish.name);
            return Err(Refusal::Again { what }.into());
        }
        if !task
            .attempt
            .as_ref()
            .is_some_and(|attempt| self.stands(attempt, &wish.name))
        {
            if task.attempt.is_some() {
                self.abandon(task);
            }
            let picks = self.pick_all(wish.pool, wish.addresses, task, &[])?;
            self.settle_picks(&picks)?;
            if !self.may_write() {
                return Err(parked());
            }
            let attempt = self.plan(wish, &picks, Kind::Sticky);
            task.attempt = Some(attempt);
        }
        if let Some(attempt) = task.attempt.clone() {
            self.write_claim(id, task, &attempt);
        }
        Err(parked())
    }

    /// Can a claim that was begun to be made be gone on with? Not where a block of it was lost.
    fn stands(&self, attempt: &Attempt, name: &ClaimName) -> bool {
        let aside = |ip: IpAddr| {
            let slot = self.own_slot(ip).map(|slot| &slot.used);
            matches!(slot, Some(Used::Claimed { uid, .. }) if *uid == attempt.uid)
        };
        let parts = |new: &Claim| {
            new.parts.iter().all(|part| match part {
                Part::Granted { ip } => aside(*ip),
                _ => true,
            })
        };
        attempt.name == *name && attempt.new.as_ref().is_some_and(parts)
    }

    /// The owner of a block, for people: they will want to look at that node.
    pub(super) fn owner_of(&self, pool: &PoolName, block: Cidr) -> String {
        let stored = self.view.blocks.get(&(pool.clone(), block));
        match stored.and_then(|stored| stored.value.owner.as_ref()) {
            Some(owner) => format!("node {} (it owns block {block})", owner.node),
            None => format!("the next owner of block {block}"),
        }
    }

    /// Did the block's owner tell the store that the address rests?
    fn rests_elsewhere(&self, pool: &PoolName, block: Cidr, ip: IpAddr) -> bool {
        let stored = self.view.blocks.get(&(pool.clone(), block));
        let mut entries = stored.iter().flat_map(|stored| &stored.value.entries);
        entries.any(|entry| entry.ip == ip && entry.used == Use::Cooling)
    }

    fn must_be_absent(&self, wish: &ClaimWish<'_>, key: &Key) -> Result<(), Stop> {
        if let Some(unreadable) = self.view.unreadable.get(&key.path()) {
            let reason = unreadable.error.to_string();
            return Err(Refusal::Record {
                key: key.path(),
                reason,
            }
            .into());
        }
        let at = (wish.pool.clone(), wish.name.clone());
        if self.view.claims.contains_key(&at) {
            let reason = "is a set, and no single claim".to_owned();
            let claim = wish.name.clone();
            return Err(Refusal::Claim { claim, reason }.into());
        }
        if !self.view.connected {
            let what = format!("claim {}, which this node does not hold,", wish.name);
            return Err(Refusal::StoreAway { what }.into());
        }
        Ok(())
    }

    /// The blocks that addresses are picked from must not be spoken of by another transaction.
    fn settle_picks(&self, picks: &[Pick]) -> Result<(), Stop> {
        for pick in picks {
            let Pick::Own(ip) = pick else { continue };
            let Some(block) = self.own_block(*ip) else {
                continue;
            };
            let key = Key::Block(block.pool.clone(), block.cidr).path();
            if self.busy.contains(&key) || self.own_revision(&block.pool, block.cidr).is_none() {
                return Err(Stop::Parked(format!("block {}", block.cidr)));
            }
        }
        Ok(())
    }

    /// Sets addresses aside for a claim that is to be.
    pub(super) fn plan(&mut self, wish: &ClaimWish<'_>, picks: &[Pick], kind: Kind) -> Attempt {
        let seq = self.next_seq();
        let uid = Uid::made(&self.settings.journal, seq);
        let mut parts = Vec::new();
        for pick in picks {
            parts.push(match pick {
                Pick::Own(ip) => {
                    let revision = self
                        .own_block(*ip)
                        .and_then(|block| self.own_revision(&block.pool, block.cidr));
                    let granted = None;
                    let uid = uid.clone();
                    self.set_slot(*ip, Some(Used::Claimed { uid, granted }));
                    self.unsure.insert(*ip, revision);
                    Part::Granted { ip: *ip }
                }
                Pick::Ask(block, ip) => Part::Asked {
                    block: *block,
                    ip: *ip,
                },
            });
        }
        let new = Claim {
            uid: uid.clone(),
            kind,
            parts,
            holder: wish.holder.map(|attachment| self.holder(attachment, seq)),
            release: wish.release,
            handover: wish.handover,
            app: wish.app.clone(),
            ordinal: wish.ordinal,
            only: None,
            ousted: None,
            ended: wish.holder.is_none().then_some(self.clock.wall),
            created: self.clock.wall,
        };
        Attempt {
            pool: wish.pool.clone(),
            name: wish.name.clone(),
            uid,
            seq,
            new: Some(new),
            asked: self.clock.now,
        }
    }

    /// Writes a new claim and, at the same time, the records of the blocks that its addresses are of.
    pub(super) fn write_claim(&mut self, id: RequestId, task: &Task, attempt: &Attempt) {
        let Some(new) = attempt.new.clone().filter(|_| self.may_write()) else {
            return;
        };
        let key = Key::Claim(attempt.pool.clone(), attempt.name.clone()).path();
        let mut cidrs: Vec<_> = new
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Granted { ip } => self.own_block(*ip).map(|block| block.cidr),
                _ => None,
            })
            .collect();
        cidrs.dedup();
        let mut txn = Txn {
            conditions: vec![Condition::Absent { key: key.clone() }],
            writes: vec![put_claim(key, new)],
        };
        txn.conditions.extend_from_slice(task.only_while());
        for cidr in cidrs {
            let Some((condition, write)) = self.block_write(cidr) else {
                return;
            };
            if let Condition::Unchanged { modified, .. } = condition {
                self.now_rely_on(&attempt.uid, cidr, modified);
            }
            txn.conditions.push(condition);
            txn.writes.push(write);
        }
        self.commit(txn, Purpose::Task(id));
    }

    /// What was set aside for the claim in the block hangs on a transaction that holds this revision of it.
    fn now_rely_on(&mut self, uid: &Uid, cidr: Cidr, modified: fairway_kv::Revision) {
        let aside = self.claimed.get(uid).into_iter().flatten();
        for ip in aside.filter(|ip| cidr.contains(**ip)) {
            if let Some(revision) = self.unsure.get_mut(ip) {
                *revision = Some(modified);
            }
        }
    }
}
