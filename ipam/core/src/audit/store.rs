//! What the store alone shows: pools, blocks, claims, wants.

use super::{Finding, FindingKind as Kind, Fix, Found};
use crate::{
    Cidr, ClaimName, PoolName,
    admin::{as_seen, delete, delete_if_empty, knows_claims, nodes, set_of},
    keys::Key,
    record::{self, BlockEntry, Claim, ClaimRecord, Part, Use},
};
use fairway_kv::{Condition, Txn};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

const HEALS: &str =
    "the block's owner puts it right within seconds; if it stays, restart that daemon";
const LEAVE: &str =
    "neither pool gives out what both have: drain one of them and remove the prefix";

impl Found<'_> {
    pub(super) fn pools(&mut self) {
        let all = &self.view.pools;
        for (name, pool) in all {
            let later = all.range(name..).skip(1).map(|(_, other)| &other.value);
            if let Err(error) = pool.value.must_not_overlap(later) {
                let text = format!("pool {name}: {error}");
                self.add(Kind::Overlap, Some(name), None, text, LEAVE, None);
            }
        }
    }

    pub(super) fn blocks(&mut self) {
        let view = self.view;
        let mut order: Vec<_> = view.blocks.keys().collect();
        order.sort_by_key(|(_, cidr)| (cidr.first(), cidr.last()));
        for pair in order.windows(2) {
            let ((pool, cidr), (other, second)) = (pair[0], pair[1]);
            if cidr.overlaps(*second) {
                let text = format!("block {cidr} of pool {pool} overlaps {second} of pool {other}");
                let remedy = "the addresses in both may be given twice: remove the one that its pool does not have";
                self.add(Kind::Overlap, Some(pool), None, text, remedy, None);
            }
        }
        let mut seen: BTreeMap<IpAddr, (&PoolName, Cidr)> = BTreeMap::new();
        for ((pool, cidr), stored) in &view.blocks {
            self.block(pool, *cidr);
            for entry in &stored.value.entries {
                if !cidr.contains(entry.ip) {
                    let text = format!("block {cidr} speaks of {}, which is not in it", entry.ip);
                    self.add(
                        Kind::BadEntry,
                        Some(pool),
                        Some(entry.ip),
                        text,
                        HEALS,
                        None,
                    );
                }
                if let Some((of, block)) = seen.insert(entry.ip, (pool, *cidr)) {
                    let text = format!(
                        "{} stands in block {block} of pool {of} and in {cidr} of pool {pool}",
                        entry.ip
                    );
                    let remedy = "look for its containers by `netctl ipam ls --address`, and end one of them";
                    self.add(
                        Kind::Duplicate,
                        Some(pool),
                        Some(entry.ip),
                        text,
                        remedy,
                        None,
                    );
                }
                self.entry(pool, *cidr, entry);
            }
        }
    }

    fn block(&mut self, pool: &PoolName, cidr: Cidr) {
        let why = match self.view.pools.get(pool) {
            Some(known) if known.value.range_of_block(cidr).is_some() => return,
            Some(_) => format!("block {cidr} is none of pool {pool}"),
            None if self.view.modified(&Key::Pool(pool.clone())).is_some() => return,
            None => format!("block {cidr} is of pool {pool}, which does not exist"),
        };
        let fix = delete_if_empty(self.view, pool, cidr).map(Fix::Txn);
        let remedy = "it goes when its owner has given it back and nothing is left in it; `netctl node rm`, if its owner never returns";
        self.add(Kind::StaleBlock, Some(pool), None, why, remedy, fix);
    }

    fn entry(&mut self, pool: &PoolName, cidr: Cidr, entry: &BlockEntry) {
        let view = self.view;
        let ip = entry.ip;
        let stored = &view.blocks[&(pool.clone(), cidr)];
        match &entry.used {
            Use::Claimed { uid } => {
                let text = match view.claim_by_uid(uid) {
                    Some((_, name, claim, _)) if !has(claim, ip) => {
                        format!("{ip} is set aside for claim {name}, which does not have it")
                    }
                    None if view.is_gone(uid) && knows_claims(view, pool, stored.modified) => {
                        format!("{ip} is set aside for claim {uid}, which does not exist")
                    }
                    _ => return,
                };
                let fix = self.regrant(pool, cidr);
                self.add(Kind::UnknownClaim, Some(pool), Some(ip), text, HEALS, fix);
            }
            Use::Live { attachment, .. } => {
                let range = view.pools.get(pool).and_then(|p| p.value.range_of(ip));
                if range.is_some_and(|range| range.gateway == Some(ip)) {
                    let text = format!("{attachment} has {ip}, the gateway of its prefix");
                    let remedy = "restart that container, or give the prefix another gateway";
                    self.add(Kind::GatewayTaken, Some(pool), Some(ip), text, remedy, None);
                }
            }
            Use::Cooling => {}
        }
    }

    pub(super) fn claims(&mut self) {
        let view = self.view;
        let mut granted: BTreeMap<IpAddr, &ClaimName> = BTreeMap::new();
        for ((pool, name), stored) in &view.claims {
            let ClaimRecord::Claim(claim) = &stored.value else {
                continue;
            };
            for part in &claim.parts {
                if let Part::Granted { ip } = part
                    && let Some(other) = granted.insert(*ip, name)
                {
                    let text = format!("{ip} is claim {other}'s and claim {name}'s");
                    let remedy = "remove one of the two by `netctl claim rm`";
                    self.add(Kind::Duplicate, Some(pool), Some(*ip), text, remedy, None);
                }
            }
            if let Some((text, removable)) = self.stale(pool, name, claim) {
                let key = Key::Claim(pool.clone(), name.clone());
                let fix = (removable && claim.holder.is_none()).then(|| {
                    Fix::Txn(Txn {
                        conditions: vec![as_seen(view, &key)],
                        writes: vec![delete(&key)],
                    })
                });
                let remedy = "remove it by `netctl claim rm`";
                self.add(Kind::StaleClaim, Some(pool), None, text, remedy, fix);
            } else {
                self.granted(pool, name, claim);
            }
            let holder = claim.holder.as_ref();
            let alive = holder.and_then(|holder| view.nodes.get(&holder.node).zip(Some(holder)));
            if let Some((node, holder)) = alive.filter(|(n, h)| n.value.journal != h.journal) {
                let text = format!(
                    "claim {name} is held by {} on node {}, by a journal that is no more (now {})",
                    holder.attachment, holder.node, node.value.journal
                );
                self.add(Kind::OldJournal, Some(pool), None, text, HEALS, None);
            }
        }
    }

    /// Why a claim cannot be used, and whether that alone is enough to remove it.
    fn stale(&self, pool: &PoolName, name: &ClaimName, claim: &Claim) -> Option<(String, bool)> {
        let Some(known) = self.view.pools.get(pool) else {
            let unreadable = self.view.modified(&Key::Pool(pool.clone())).is_some();
            let text = format!("claim {name} is of pool {pool}, which does not exist");
            return (!unreadable).then_some((text, true));
        };
        if claim.kind == record::Kind::Borrowed && claim.holder.is_none() {
            let text = format!("claim {name} is one container's, and nobody holds it");
            return Some((text, true));
        }
        claim.parts.iter().find_map(|part| match part {
            Part::Granted { ip } => known.value.range_of(*ip).is_none().then(|| {
                let text = format!("claim {name} has {ip}, which is not in pool {pool}");
                (text, false)
            }),
            Part::Refused { reason, .. } => {
                let text = format!("claim {name} was refused an address: {reason}");
                Some((text, true))
            }
            Part::Asked { .. } => None,
        })
    }

    pub(super) fn sets(&mut self) {
        let view = self.view;
        let mut members: BTreeMap<(&PoolName, &str), Vec<(&ClaimName, &Claim)>> = BTreeMap::new();
        for ((pool, name), stored) in &view.claims {
            if let (ClaimRecord::Claim(claim), Some(set)) = (&stored.value, set_of(name)) {
                members.entry((pool, set)).or_default().push((name, claim));
            }
        }
        for ((pool, name), stored) in &view.claims {
            let ClaimRecord::Set(spec) = &stored.value else {
                continue;
            };
            let Some(size) = spec.size else { continue };
            let limit = size.saturating_add(spec.surge.max(1)) as usize;
            let all = members
                .get(&(pool, name.as_str()))
                .map_or(&[][..], Vec::as_slice);
            let surplus = all.len().saturating_sub(limit);
            let free = all.iter().rev().filter(|(_, claim)| claim.holder.is_none());
            for (member, _) in free.take(surplus) {
                let key = Key::Claim(pool.clone(), (*member).clone());
                let set = Key::Claim(pool.clone(), name.clone());
                let fix = Fix::Txn(Txn {
                    conditions: vec![as_seen(view, &key), as_seen(view, &set)],
                    writes: vec![delete(&key)],
                });
                let text = format!(
                    "set {name} has {} members, may have {limit}; nobody holds {member}",
                    all.len()
                );
                let remedy = "remove it by `netctl claim rm`";
                self.add(
                    Kind::SurplusMember,
                    Some(pool),
                    None,
                    text,
                    remedy,
                    Some(fix),
                );
            }
        }
    }

    pub(super) fn nodes(&mut self) {
        let view = self.view;
        for (name, row) in nodes(view).iter().filter(|(_, row)| !row.alive) {
            let text = format!(
                "node {name} is away: {} blocks, {} addresses of containers, {} claims held",
                row.blocks, row.live, row.claims
            );
            let remedy = format!("`netctl node rm {name}`, if it never returns");
            let mut pools = view.blocks.iter().filter(|(_, block)| {
                let owner = block.value.owner.as_ref();
                owner.is_some_and(|owner| owner.node == *name)
            });
            let concerned = self
                .only
                .is_none_or(|only| pools.any(|((pool, _), _)| pool == only));
            if concerned {
                self.add(Kind::NodeAway, None, None, text, &remedy, None);
            }
        }
        for ((pool, cidr), stored) in &view.blocks {
            let owner = stored.value.owner.as_ref();
            let alive = owner.and_then(|owner| view.nodes.get(&owner.node).zip(Some(owner)));
            if let Some((node, owner)) = alive.filter(|(n, o)| n.value.journal != o.journal) {
                let text = format!(
                    "block {cidr} is node {}'s by a journal that is no more (now {})",
                    owner.node, node.value.journal
                );
                self.add(Kind::OldJournal, Some(pool), None, text, HEALS, None);
            }
        }
    }

    pub(super) fn wants(&mut self) {
        let view = self.view;
        for (pool, node, family) in view.wants.keys() {
            let mut conditions = Vec::new();
            let why = if view.modified(&Key::Pool(pool.clone())).is_none() {
                conditions.push(as_seen(view, &Key::Pool(pool.clone())));
                "the pool does not exist"
            } else if !view.nodes.contains_key(node) {
                let key = Key::Node(node.clone()).path();
                conditions.push(Condition::Absent { key });
                "the node is away"
            } else {
                continue;
            };
            let key = Key::Want(pool.clone(), node.clone(), *family);
            conditions.push(as_seen(view, &key));
            let writes = vec![delete(&key)];
            let fix = Fix::Txn(Txn { conditions, writes });
            let text = format!("node {node} asks for an {family} block of pool {pool}: {why}");
            self.add(Kind::StaleWant, Some(pool), None, text, "", Some(fix));
        }
    }

    pub(super) fn unreadable(&mut self) {
        let view = self.view;
        let mut known = BTreeSet::new();
        for (key, unreadable) in &view.unreadable {
            let pool = match Key::parse(key) {
                Some(Key::Pool(pool) | Key::Block(pool, _) | Key::Claim(pool, _)) => Some(pool),
                Some(Key::Want(pool, ..)) => Some(pool),
                _ => None,
            };
            if !known.insert(key) {
                continue;
            }
            let text = format!("{key} {}", unreadable.error);
            let remedy = "a newer Fairway may have written it: update this node; else put the key right by hand";
            self.add(Kind::Unreadable, pool.as_ref(), None, text, remedy, None);
        }
    }
}

pub(super) fn has(claim: &Claim, ip: IpAddr) -> bool {
    let granted = Part::Granted { ip };
    claim.parts.contains(&granted)
}

impl Finding {
    /// One line: kind, text and, where there is one, the remedy.
    pub fn line(&self) -> String {
        match self.remedy.is_empty() {
            true => format!("{}: {}", self.kind, self.text),
            false => format!("{}: {} ({})", self.kind, self.text, self.remedy),
        }
    }
}
