//! What a transaction may make of a claim, and which incarnation a name means.

use super::truth::{Author, ClaimTruth, Ended, Title, Truth};
use crate::violation::Violation;
use fairway_ipam::{
    ClaimName, NodeName, PoolName, Uid,
    record::{Claim, Holder, Part, Use},
};
use std::net::IpAddr;

impl Truth {
    pub(super) fn claim(
        &mut self,
        revision: u64,
        author: &Author,
        uid: &Uid,
        at: (PoolName, ClaimName),
        claim: Option<Claim>,
    ) -> Result<Option<Ended>, Violation> {
        let text = format!("{}/{}", at.0, at.1);
        let wrong = |reason: String| {
            Err(Violation::Claim {
                claim: text.clone(),
                reason,
            })
        };
        let before = self.claims.get(uid);
        let old = before.and_then(|truth| truth.claim.as_ref());
        let had = old.map(granted).unwrap_or_default();
        let has = claim.as_ref().map(granted).unwrap_or_default();
        if claim.is_some()
            && let Some(lost) = had.iter().find(|ip| !has.contains(ip))
        {
            return wrong(format!("{} takes {lost} out of it", author.text()));
        }
        let old_holder = old.and_then(|old| old.holder.clone());
        let new_holder = claim.as_ref().and_then(|claim| claim.holder.clone());
        // Among its own containers a node hands a claim over by itself, and tells the store after.
        let who = |holder: &Holder| holder.node.clone();
        let changed =
            claim.is_none() || old_holder.as_ref().map(who) != new_holder.as_ref().map(who);
        if let (Author::Node(node), Some(holder)) = (author, &new_holder)
            && changed
            && holder.node != *node
        {
            return wrong(format!("{node} makes {} its holder", holder.node));
        }
        let ended = old_holder.filter(|_| changed).map(|holder| Ended {
            title: Title::Claim(at.0.clone(), uid.clone()),
            forced: *author == Author::Operator
                || !author.is(&holder.node) && self.may_reclaim(&holder.node),
            node: holder.node,
            published: had.clone(),
        });
        let kept = before.filter(|_| !changed).map(|truth| truth.since);
        let since = kept.unwrap_or(revision);
        self.granted
            .retain(|ip, theirs| theirs != uid || has.contains(ip));
        for ip in &has {
            let other = self.granted.insert(*ip, uid.clone());
            if let Some(other) = other.filter(|other| other != uid) {
                return wrong(format!("{ip} is granted to it, and to {other} too"));
            }
            if !had.contains(ip) && matches!(author, Author::Node(_)) {
                self.grant_is_in_its_block(*ip, &at.0, &at.1, uid)?;
            }
        }
        let (pool, name) = at;
        self.claims.insert(
            uid.clone(),
            ClaimTruth {
                pool,
                name,
                claim,
                since,
            },
        );
        Ok(ended)
    }

    pub(super) fn last_named(&self, pool: &PoolName, name: &ClaimName) -> Option<&Uid> {
        self.named.get(&(pool.clone(), name.clone()))?.last()
    }

    /// Which incarnation of a claim a node speaks of: the last one that it ever held.
    pub(crate) fn meant(&self, pool: &PoolName, name: &ClaimName, node: &NodeName) -> Option<&Uid> {
        let all = self.named.get(&(pool.clone(), name.clone()))?;
        let held = |uid: &&Uid| {
            let truth = self.claims.get(*uid).and_then(|truth| truth.claim.as_ref());
            let holder = truth.and_then(|claim| claim.holder.as_ref());
            let title = Title::Claim(pool.clone(), (*uid).clone());
            holder.is_some_and(|holder| holder.node == *node)
                || self.ceased.contains_key(&(title, node.clone()))
        };
        all.iter().rev().find(held).or(all.last())
    }

    /// A claim by its name, as it is now.
    pub(crate) fn claim_named(&self, pool: &PoolName, name: &ClaimName) -> Option<&Claim> {
        let uid = self.last_named(pool, name)?;
        let truth = self
            .claims
            .get(uid)
            .filter(|truth| truth.pool == *pool && truth.name == *name);
        truth?.claim.as_ref()
    }

    /// A claim gets an address in one transaction with the block's record that says so.
    fn grant_is_in_its_block(
        &self,
        ip: IpAddr,
        pool: &PoolName,
        name: &ClaimName,
        uid: &Uid,
    ) -> Result<(), Violation> {
        let entry = self.entry(pool, ip).map(|entry| &entry.used);
        match entry {
            Some(Use::Claimed { uid: theirs }) if theirs == uid => Ok(()),
            other => Err(Violation::Claim {
                claim: format!("{pool}/{name}"),
                reason: format!("{ip} was granted to {uid}, and its block says {other:?}"),
            }),
        }
    }
}

/// The addresses that a claim was granted.
pub(crate) fn granted(claim: &Claim) -> Vec<IpAddr> {
    let granted = |part: &Part| match part {
        Part::Granted { ip } => Some(*ip),
        _ => None,
    };
    claim.parts.iter().filter_map(granted).collect()
}
