//! What is done without being asked.

use super::{Action, Agent, Notice, block::Phase, outcome::Purpose};
use crate::{
    ClaimName, PoolName, Release, admin,
    keys::Key,
    record::{Claim, ClaimRecord},
};
use fairway_kv::{Txn, Write};
use std::collections::{BTreeMap, BTreeSet};

/// How often the slow part is done, in milliseconds.
const EVERY: u64 = 1_000;

/// A claim with `after:` is kept at least so long after it was first seen without a holder, in
/// milliseconds, whatever the wall clock says: a clock that jumps must not give addresses away at once.
const SEEN: u64 = 60_000;

impl Agent {
    pub(super) fn housekeep(&mut self) {
        // What needs no transaction does not wait until one may be begun again.
        self.end_claimed();
        self.resolve_unsure();
        self.settle_doubts();
        self.end_vacant(true);
        if !self.may_write() {
            return;
        }
        self.end_strays();
        self.answer_asks();
        self.publish();
        if self.clock.now < self.housekeeping_at {
            return;
        }
        self.housekeeping_at = self.clock.now + EVERY;
        self.take_over_rest();
        self.end_rebuilding();
        self.retake_lost();
        self.keep_reserve();
        // First what was had at last, then what others ask for: else two that ask give theirs to each other
        // and take them again, for ever.
        self.end_wants();
        self.give_back_spare();
        self.end_expired();
        self.reclaim();
    }

    fn retake_lost(&mut self) {
        let lost = self
            .blocks
            .iter()
            .filter(|block| block.phase == Phase::Lost);
        let lost: Vec<_> = lost.map(|block| block.cidr).collect();
        for cidr in lost {
            self.review_block_at(cidr);
        }
    }

    /// Claims whose time is over go. The owner of the block of a claim's first address sees to it, and
    /// where there is none, the first of the nodes that are alive.
    fn end_expired(&mut self) {
        let first_alive = self.view.nodes.keys().next();
        let is_first = first_alive.is_none_or(|node| *node == self.settings.node);
        let mut over: Vec<(PoolName, ClaimName)> = Vec::new();
        let mut seen = BTreeMap::new();
        for ((pool, name), stored) in &self.view.claims {
            let ClaimRecord::Claim(claim) = &stored.value else {
                continue;
            };
            let orphan = claim.addresses().is_none() && !self.is_being_made(claim);
            let (seconds, None) = (claim.release, &claim.holder) else {
                continue;
            };
            let seconds = match seconds {
                _ if orphan => SEEN / 1000,
                Release::After(seconds) => seconds,
                _ => continue,
            };
            if !self.keeps(claim, is_first) {
                continue;
            }
            // Held again and let go unseen, it is counted anew.
            let known = self.idle_claims.get(&claim.uid);
            let known = known.filter(|(at, _)| *at == stored.modified);
            let since = known.map_or(self.clock.now, |(_, since)| *since);
            seen.insert(claim.uid.clone(), (stored.modified, since));
            let ended = claim.ended.map_or(0, |ended| ended.0);
            let wall = self.clock.wall.0 >= ended.saturating_add(seconds);
            let watched = self.clock.now.0 - since.0;
            // What was watched for the whole time needs no wall clock: the one that wrote when the claim ended
            // may have been ahead by years.
            let ends = watched >= seconds.saturating_mul(1000) || (wall && watched >= SEEN);
            if ends && !self.is_wanted(&claim.uid) && !self.vacant.contains_key(&claim.uid) {
                over.push((pool.clone(), name.clone()));
            }
        }
        self.idle_claims = seen;
        for (pool, name) in over {
            let key = Key::Claim(pool, name);
            let (path, modified) = (key.path(), self.view.modified(&key));
            if let Some(modified) = modified.filter(|_| !self.busy.contains(&path)) {
                let txn = Txn::if_unchanged(modified, Write::Delete { key: path });
                self.commit(txn, Purpose::Other);
            }
        }
    }

    /// Is the journal that began the claim that of a node that is alive?
    fn is_being_made(&self, claim: &Claim) -> bool {
        let mut nodes = self.view.nodes.values();
        let made = |journal: &crate::JournalId| {
            let rest = claim.uid.as_str().strip_prefix(journal.as_str());
            rest.is_some_and(|rest| rest.starts_with(':'))
        };
        nodes.any(|node| made(&node.value.journal))
    }

    fn keeps(&self, claim: &Claim, is_first: bool) -> bool {
        let first = claim.addresses().and_then(|ips| ips.first().copied());
        let Some(ip) = first else {
            return is_first;
        };
        let block = self
            .view
            .block_of(ip)
            .and_then(|(pool, cidr)| self.view.blocks.get(&(pool.name.clone(), cidr)));
        match block.and_then(|block| block.value.owner.as_ref()) {
            Some(owner) if self.view.nodes.contains_key(&owner.node) => self.is_me(owner),
            _ => is_first,
        }
    }

    /// Where the operator set a time, a node that has been away for so long loses what it owned.
    fn reclaim(&mut self) {
        let Some(after) = self.settings.reclaim else {
            return;
        };
        let owners = self
            .view
            .blocks
            .values()
            .filter_map(|block| block.value.owner.as_ref());
        let holders = self
            .view
            .claims
            .values()
            .filter_map(|stored| match &stored.value {
                ClaimRecord::Claim(claim) => claim.holder.as_ref().map(|holder| &holder.node),
                ClaimRecord::Set(_) => None,
            });
        let all = owners.map(|owner| &owner.node).chain(holders);
        let away = |node: &&crate::NodeName| {
            **node != self.settings.node && !self.view.nodes.contains_key(*node)
        };
        let away: BTreeSet<_> = all.filter(away).cloned().collect();
        self.absent.retain(|node, _| away.contains(node));
        let is_first = self
            .view
            .nodes
            .keys()
            .next()
            .is_none_or(|node| *node == self.settings.node);
        for node in away {
            let since = *self.absent.entry(node.clone()).or_insert(self.clock.now);
            if !is_first || self.clock.now < since + after {
                continue;
            }
            let Ok(plan) = admin::remove_node(&self.view, &node, false, false, self.clock) else {
                continue;
            };
            let mut begun = false;
            for txn in plan.txns {
                if !txn.keys().iter().any(|key| self.busy.contains(*key)) {
                    begun = true;
                    self.commit(txn, Purpose::Other);
                }
            }
            if !begun {
                continue;
            }
            let blocks = plan.summary.blocks;
            self.act(Action::Notify(Notice::Reclaimed { node, blocks }));
        }
    }
}
