//! Claims of which the store and this node say different things.

use super::{Agent, block::Used, claims::put_claim, outcome::Purpose, saved};
use crate::{
    ClaimName, PoolName, Uid, UnixSeconds,
    keys::Key,
    record::{Claim, Kind},
};
use fairway_kv::{Revision, Txn, Write};
use std::net::IpAddr;

impl Agent {
    /// Forgets claims that are not this node's any more, and with `tell` lets the store know of those
    /// whose holder on this node has gone.
    pub(super) fn end_vacant(&mut self, tell: bool) {
        if !self.view.connected {
            return;
        }
        let uids: Vec<_> = self.vacant.keys().cloned().collect();
        for uid in uids {
            if self.held.contains_key(&uid) {
                self.drop_vacant(&uid);
                continue;
            }
            let Some((pool, name, claim, modified)) = self.view.claim_by_uid(&uid) else {
                if self.view.is_gone(&uid) {
                    self.drop_vacant(&uid);
                }
                continue;
            };
            // Also of this node's former life, whose journal was lost.
            let holder = claim.holder.as_ref();
            let held = holder.is_some_and(|holder| holder.node == self.settings.node);
            let at = (pool.clone(), name.clone(), claim.clone());
            if !held {
                self.drop_vacant(&uid);
            } else if tell && !self.is_wanted(&uid) && self.may_write() {
                let Some(vacant) = self.vacant.get_mut(&uid) else {
                    continue;
                };
                let ended = vacant.ended;
                let key = Key::Claim(at.0.clone(), at.1.clone()).path();
                if self.busy.contains(&key) {
                    continue;
                }
                vacant.releasing = true;
                let change = saved::vacant(vacant);
                self.note(change);
                self.let_go(at.0, at.1, at.2, modified, ended);
            }
        }
    }

    /// Claims that the store says are this node's, and that nothing here has or wants.
    pub(super) fn end_strays(&mut self) {
        for at in std::mem::take(&mut self.suspects) {
            if !self.end_stray(&at.0, &at.1) {
                self.suspects.insert(at);
            }
        }
    }

    /// `false`: it is to be looked at again.
    fn end_stray(&mut self, pool: &PoolName, name: &ClaimName) -> bool {
        let Some((claim, modified)) = self.view.claim(pool, name) else {
            return true;
        };
        let claim = claim.clone();
        let uid = &claim.uid;
        let made_here = uid
            .as_str()
            .starts_with(&format!("{}:", self.settings.journal));
        let unfinished = made_here && claim.addresses().is_none();
        let holder = claim.holder.as_ref();
        let held = holder.is_some_and(|holder| holder.node == self.settings.node);
        let known = self.held.contains_key(uid) || self.vacant.contains_key(uid);
        if known || !(held || unfinished && claim.holder.is_none()) {
            return true;
        }
        let key = Key::Claim(pool.clone(), name.clone()).path();
        if self.is_wanted(uid) || self.busy.contains(&key) || !self.may_write() {
            return false;
        }
        let ended = self.clock.wall;
        self.let_go(pool.clone(), name.clone(), claim, modified, ended);
        false
    }

    /// Nobody holds the claim any more; one that was borrowed, or never came to be, goes.
    fn let_go(
        &mut self,
        pool: PoolName,
        name: ClaimName,
        claim: Claim,
        modified: Revision,
        ended: UnixSeconds,
    ) {
        let key = Key::Claim(pool, name).path();
        let whole = claim.kind == Kind::Sticky && claim.addresses().is_some();
        let write = match whole {
            true => put_claim(
                key.clone(),
                Claim {
                    holder: None,
                    ended: Some(ended),
                    ..claim
                },
            ),
            false => Write::Delete { key: key.clone() },
        };
        let txn = Txn::if_unchanged(modified, write);
        self.commit(txn, Purpose::Other);
    }

    /// Claims that attachments hold: the store is to say so, and where it says that another one has them,
    /// the attachment is cut off.
    pub(super) fn settle_doubts(&mut self) {
        for uid in std::mem::take(&mut self.doubts) {
            if !self.settle_doubt(&uid) {
                self.doubts.insert(uid);
            }
        }
    }

    /// `false`: it is to be looked at again.
    fn settle_doubt(&mut self, uid: &Uid) -> bool {
        let Some(attachment) = self.held.get(uid).cloned() else {
            return true;
        };
        let Some(seq) = self.live.get(&attachment).map(|live| live.seq) else {
            return true;
        };
        if !self.view.connected {
            return false;
        }
        let Some((pool, name, claim, modified)) = self.view.claim_by_uid(uid) else {
            if self.view.is_gone(uid) {
                self.cut_off(&attachment, "its claim was removed");
            }
            return self.view.is_gone(uid);
        };
        let (pool, name, claim) = (pool.clone(), name.clone(), claim.clone());
        let live = self.live.get(&attachment);
        let confirmed = live.is_some_and(|live| live.hold.as_ref().is_some_and(|h| h.confirmed));
        let old = self.is_old(modified) && confirmed;
        let elsewhere = claim
            .only
            .as_ref()
            .filter(|node| **node != self.settings.node);
        match &claim.holder {
            Some(holder) if self.holds(holder) && holder.seq == seq => {
                self.confirm_hold(&attachment, &pool, &name);
                return true;
            }
            // It says so of the container before, or of this node's former life.
            Some(holder) if holder.node == self.settings.node => {}
            // That one lets it go, since nobody there has it.
            Some(_) if old => return false,
            Some(holder) => {
                let reason = format!(
                    "its claim is held by {} on node {}",
                    holder.attachment, holder.node
                );
                self.cut_off(&attachment, &reason);
                return true;
            }
            None if old => {}
            None => {
                let ousted = claim.ousted.as_ref().is_some_and(|ousted| {
                    ousted.node == self.settings.node && ousted.attachment == attachment
                });
                let reason = match elsewhere {
                    Some(node) => Some(format!("its claim was moved to node {node}")),
                    None if ousted => Some("its claim was taken from it by hand".to_owned()),
                    None => None,
                };
                if let Some(reason) = reason {
                    self.cut_off(&attachment, &reason);
                    return true;
                }
            }
        }
        if !claim
            .holder
            .as_ref()
            .is_some_and(|holder| self.holds(holder))
        {
            self.doubt_hold(&attachment);
        }
        let key = Key::Claim(pool, name).path();
        if self.busy.contains(&key) || !self.may_write() {
            return false;
        }
        let held = Claim {
            holder: Some(self.holder(&attachment, seq)),
            ousted: None,
            ended: None,
            ..claim
        };
        let txn = Txn::if_unchanged(modified, put_claim(key, held));
        self.commit(txn, Purpose::Other);
        false
    }

    /// The store does not say so: until it does, the claim is not given on without it.
    fn doubt_hold(&mut self, attachment: &crate::AttachmentId) {
        let Some(live) = self.live.get_mut(attachment) else {
            return;
        };
        if let Some(hold) = live.hold.as_mut().filter(|hold| hold.confirmed) {
            hold.confirmed = false;
            let change = saved::live(live);
            self.note(change);
        }
    }

    /// The store says so too; it may be that an administrator gave the claim another name.
    fn confirm_hold(
        &mut self,
        attachment: &crate::AttachmentId,
        pool: &PoolName,
        name: &ClaimName,
    ) {
        let Some(live) = self.live.get_mut(attachment) else {
            return;
        };
        let hold = live.hold.as_mut();
        if let Some(hold) = hold.filter(|hold| hold.name != *name || !hold.confirmed) {
            (hold.pool, hold.name) = (pool.clone(), name.clone());
            hold.confirmed = true;
            let change = saved::live(live);
            self.note(change);
        }
    }

    /// What was set aside for claims: the store says so now, or it never will.
    pub(super) fn resolve_unsure(&mut self) {
        let all: Vec<_> = self.unsure.iter().map(|(ip, at)| (*ip, *at)).collect();
        for (ip, relied_on) in all {
            let Some(Used::Claimed { uid, granted: None }) =
                self.own_slot(ip).map(|slot| &slot.used)
            else {
                self.unsure.remove(&ip);
                continue;
            };
            let uid = uid.clone();
            if let Some(granted) = self.granted_at(&uid, ip) {
                self.grant_known(ip, uid, granted);
                continue;
            }
            let Some(block) = self.own_block(ip) else {
                continue;
            };
            let key = Key::Block(block.pool.clone(), block.cidr).path();
            let revision = self.own_revision(&block.pool, block.cidr);
            if !self.view.connected || self.busy.contains(&key) || self.is_wanted(&uid) {
                continue;
            }
            match (relied_on, revision) {
                // From the next publication on, no transaction of a former life can be carried out.
                (None, Some(now)) => drop(self.unsure.insert(ip, Some(now))),
                (Some(then), Some(now))
                    if now > then
                        && self.view.revision >= now
                        && (self.view.is_gone(&uid) || self.view.claim_by_uid(&uid).is_some()) =>
                {
                    // The claim may have come and gone meanwhile.
                    self.rest(ip);
                }
                _ => {}
            }
        }
    }

    /// Does a transaction under way speak of the address's block?
    fn is_block_busy(&self, ip: IpAddr) -> bool {
        self.own_block(ip).is_some_and(|block| {
            let key = Key::Block(block.pool.clone(), block.cidr).path();
            self.busy.contains(&key)
        })
    }

    /// The store said at that revision that the address is the claim's.
    pub(super) fn grant_known(&mut self, ip: IpAddr, uid: Uid, granted: Revision) {
        self.ending.insert(uid.clone());
        let granted = Some(granted);
        self.set_slot(ip, Some(Used::Claimed { uid, granted }));
    }

    fn granted_at(&self, uid: &Uid, ip: IpAddr) -> Option<Revision> {
        let (_, _, claim, modified) = self.view.claim_by_uid(uid)?;
        let granted = |part: &crate::record::Part| matches!(part, crate::record::Part::Granted { ip: of } if *of == ip);
        claim.parts.iter().any(granted).then_some(modified)
    }

    /// Addresses of claims that are no more rest, and are free then.
    pub(super) fn end_claimed(&mut self) {
        for uid in std::mem::take(&mut self.ending) {
            for ip in self.claimed.get(&uid).cloned().unwrap_or_default() {
                let slot = self.own_slot(ip).map(|slot| &slot.used);
                let Some(Used::Claimed {
                    granted: Some(granted),
                    ..
                }) = slot
                else {
                    continue;
                };
                if self.granted_at(&uid, ip).is_some() {
                    continue;
                }
                // It may be granted just now, to a claim that is made again.
                if self.is_wanted(&uid) || self.is_block_busy(ip) {
                    self.ending.insert(uid.clone());
                    continue;
                }
                let known = self.view.is_gone(&uid) || self.view.claim_by_uid(&uid).is_some();
                match self.view.revision >= *granted && known && self.view.connected {
                    true => self.rest(ip),
                    false => {
                        self.ending.insert(uid.clone());
                    }
                }
            }
        }
    }
}
