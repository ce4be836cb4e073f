//! A quiet cluster: all that was broken is mended, everybody tidies up, and then store, nodes and
//! containers must agree, each address accounted for, and whoever asks must be served.

use crate::{
    event::{Event, NodeIx},
    node::{Asked, Stage},
    oracle::nobody,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{
    AttachmentId, ClaimName, NodeName, Pool, PoolName, RequestId,
    record::{Kind, Part, Use},
};
use std::{collections::BTreeMap, net::IpAddr};

/// Milliseconds after which every late transaction and every request has come to an end.
const LATE: u64 = 60_000;

impl World {
    /// Mends everything, waits until it is quiet, and checks that all fits.
    pub(crate) fn calm_down(&mut self) -> Checked {
        self.storm = false;
        self.full = false;
        self.must = None;
        self.note(|_| "all is mended".to_owned());
        let dead: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| node.dead)
            .map(|node| node.name.clone())
            .collect();
        for node in dead {
            self.remove_node(&node, false)?;
        }
        self.open_pools()?;
        for at in 0..self.nodes.len() {
            self.nodes[at].wrong = 0;
            self.mend(at);
            self.queue.at(self.now, Event::Start(at));
            self.plan_pump(at);
        }
        self.settle(LATE)?;
        // A sweep, and what follows from it: what was freed rests, blocks that are not needed go back.
        let rest = 1_000
            * self
                .profile
                .pools
                .iter()
                .map(|(_, pool)| pool.cooldown)
                .max()
                .unwrap_or(0);
        self.sweep_all();
        self.settle(rest + self.profile.idle_block + 15_000)?;
        self.balanced()
    }

    /// Goes on as before.
    pub(crate) fn storm(&mut self) {
        self.storm = true;
        self.queue.at(self.now, Event::Chance);
        self.note(|_| "the storm goes on".to_owned());
    }

    fn settle(&mut self, millis: u64) -> Checked {
        self.run_until(self.now + millis)
    }

    fn sweep_all(&mut self) {
        for at in 0..self.nodes.len() {
            self.sweep_now(at);
        }
    }

    /// Somebody asks on some nodes, one after the other, and is served as long as there is something.
    pub(crate) fn serves(&mut self, rounds: usize) -> Checked {
        for _ in 0..rounds {
            let at = self.rng.below(self.nodes.len() as u64) as usize;
            let pools: Vec<_> = self.oracle.truth.pools.values().cloned().collect();
            let Some(pool) = self.rng.pick(&pools).cloned() else {
                continue;
            };
            let free = self.free(&pool);
            if self.nodes[at].dead || free == 0 {
                continue;
            }
            self.must_serve(at, &pool, free)?;
        }
        self.sweep_all();
        let rest = 1_000
            * self
                .profile
                .pools
                .iter()
                .map(|(_, pool)| pool.cooldown)
                .max()
                .unwrap_or(0);
        self.settle(rest + 10_000)
    }

    fn must_serve(&mut self, at: NodeIx, pool: &Pool, free: u64) -> Checked {
        let container = format!("q{}", self.number());
        let attachment = AttachmentId {
            network: "net-q".to_owned(),
            container,
            ifname: "eth0".to_owned(),
        };
        let mut asked = self.asked(at, &attachment);
        asked.pool = Some(pool.name.clone());
        asked.release = Some(fairway_ipam::Release::OnDelete);
        asked.deadline = self.clock(at).now + 20_000;
        self.add_container(at, attachment.clone(), None);
        self.must = Some(attachment.clone());
        let sent: Option<RequestId> = self.request(at, asked);
        let until = self.now + 25_000;
        while self.now < until && self.is_adding(at, &attachment) {
            if !self.step()? {
                break;
            }
        }
        let served = self.nodes[at]
            .containers
            .get(&attachment)
            .is_some_and(|container| container.stage == Stage::Live);
        if sent.is_none() || !served {
            return Err(Violation::NotServed {
                holder: format!("{} {attachment}", self.nodes[at].name),
                pool: pool.name.to_string(),
                free,
                reason: "no answer".to_owned(),
            });
        }
        self.must = None;
        self.doom(at, &attachment);
        self.settle(200)
    }

    fn is_adding(&self, at: NodeIx, attachment: &AttachmentId) -> bool {
        let container = self.nodes[at].containers.get(attachment);
        container.is_some_and(|container| matches!(container.stage, Stage::Adding(_)))
    }

    /// How many addresses could be given, of the family that has fewest.
    fn free(&self, pool: &Pool) -> u64 {
        let used = |family| {
            let blocks = self.oracle.truth.blocks.iter();
            let of = blocks.filter(|((of, cidr), _)| *of == pool.name && cidr.family() == family);
            of.map(|(_, truth)| truth.record.entries.len() as u64)
                .sum::<u64>()
        };
        let all = |family| {
            let ranges = pool
                .ranges
                .iter()
                .filter(|range| range.cidr.family() == family);
            ranges.map(|range| range.gives_in(range.cidr)).sum::<u128>()
        };
        let free = pool.families().into_iter().map(|family| {
            let all = u64::try_from(all(family)).unwrap_or(u64::MAX);
            all.saturating_sub(used(family))
        });
        free.min().unwrap_or(0)
    }

    /// Everything ends: all containers, all claims. Then every address is free.
    pub(crate) fn tear_down(&mut self) -> Checked {
        for at in 0..self.nodes.len() {
            let all: Vec<_> = self.nodes[at].containers.keys().cloned().collect();
            for attachment in all {
                self.doom(at, &attachment);
            }
        }
        self.settle(20_000)?;
        self.remove_all_claims()?;
        self.sweep_all();
        let rest = 1_000
            * self
                .profile
                .pools
                .iter()
                .map(|(_, pool)| pool.cooldown)
                .max()
                .unwrap_or(0);
        self.settle(rest + self.profile.idle_block + 30_000)?;
        self.balanced()?;
        let owned = self
            .all_blocks()
            .into_iter()
            .filter(|(_, _, record, _)| record.owner.is_some());
        let left = owned.flat_map(|(pool, _, record, _)| {
            record
                .entries
                .into_iter()
                .map(move |entry| (pool.clone(), entry))
        });
        match left.into_iter().next() {
            Some((pool, entry)) => unbalanced(
                &pool,
                entry.ip,
                format!("nobody is there, and it is {:?}", entry.used),
            ),
            None => Ok(()),
        }
    }

    /// Store, nodes and containers agree.
    fn balanced(&self) -> Checked {
        for at in 0..self.nodes.len() {
            self.leases_fit(at)?;
        }
        let names: BTreeMap<NodeName, NodeIx> = self.names.clone();
        for (pool, cidr, record, _) in self.all_blocks() {
            if let Some(owner) = &record.owner {
                let node = names.get(&owner.node).map(|at| &self.nodes[*at]);
                if node.is_none_or(|node| node.dead || node.journal_id != owner.journal) {
                    return unbalanced(
                        &pool,
                        cidr,
                        format!("its owner is {} by journal {}", owner.node, owner.journal),
                    );
                }
            }
            let gives = self
                .oracle
                .truth
                .pools
                .get(&pool)
                .and_then(|pool| pool.range_of(cidr.first()))
                .map(|range| range.gives_in(cidr));
            let used = record.entries.len() as u128;
            if gives.is_some_and(|gives| gives != used + u128::from(record.free)) {
                return unbalanced(
                    &pool,
                    cidr,
                    format!(
                        "it says {} are free, {used} are used, it gives {gives:?}",
                        record.free
                    ),
                );
            }
            for entry in record.entries {
                let fits = match &entry.used {
                    Use::Live { attachment, .. } => {
                        let owner = record
                            .owner
                            .as_ref()
                            .and_then(|owner| names.get(&owner.node));
                        owner.is_some_and(|at| {
                            self.oracle
                                .holders(entry.ip)
                                .contains(&(*at, attachment.clone()))
                        })
                    }
                    Use::Claimed { uid } => self.oracle.truth.granted.get(&entry.ip) == Some(uid),
                    // Of a block that nobody owns, it ends when somebody takes the block.
                    Use::Cooling => record.owner.is_none(),
                };
                if !fits {
                    return unbalanced(
                        &pool,
                        entry.ip,
                        format!(
                            "the store has it as {:?} of {:?}; held by {:?}",
                            entry.used,
                            record.owner,
                            self.oracle.holders(entry.ip)
                        ),
                    );
                }
            }
        }
        for (who, held) in &self.oracle.held {
            for (ip, title) in &held.addresses {
                let (crate::oracle::Title::Block(pool, _) | crate::oracle::Title::Claim(pool, _)) =
                    title;
                if self.oracle.truth.entry(pool, *ip).is_none() {
                    return unbalanced(
                        pool,
                        *ip,
                        format!(
                            "{} has it, and the store has it as free",
                            self.oracle.text(who)
                        ),
                    );
                }
                if !self.oracle.is_good(who) {
                    return unbalanced(
                        pool,
                        *ip,
                        format!("{} has it without a right to it", self.oracle.text(who)),
                    );
                }
            }
        }
        self.claims_fit()?;
        match self.store.range("/fairway/v1/wants/").next() {
            Some(want) if self.profile.name != "tiny-pools" => {
                let pool = want.key.split('/').nth(4).unwrap_or("?").to_owned();
                let (what, reason) = (want.key.clone(), "it is still wanted".to_owned());
                Err(Violation::Balance { pool, what, reason })
            }
            _ => Ok(()),
        }
    }

    /// Each claim is whole, and held by whoever lives by it.
    fn claims_fit(&self) -> Checked {
        for (pool, name, claim, _) in self.all_claims() {
            let wrong = |reason: String| claim_wrong(&pool, &name, reason);
            if let Some(holder) = &claim.holder {
                let who = self
                    .names
                    .get(&holder.node)
                    .map(|at| (*at, holder.attachment.clone()));
                let lives = who.is_some_and(|who| self.oracle.held.contains_key(&who));
                if !lives {
                    return wrong(format!(
                        "its holder {} on {} does not live",
                        holder.attachment, holder.node
                    ));
                }
            } else if claim.kind == Kind::Borrowed {
                return wrong("nobody borrows it any more".to_owned());
            }
            for part in &claim.parts {
                match part {
                    Part::Granted { ip } => {
                        match self.oracle.truth.entry(&pool, *ip).map(|entry| &entry.used) {
                            Some(Use::Claimed { uid }) if *uid == claim.uid => {}
                            other => {
                                return wrong(format!(
                                    "{ip} is its own, and its block says {other:?}"
                                ));
                            }
                        }
                    }
                    part if claim.holder.is_some() => {
                        return wrong(format!("it is held, and has {part:?}"));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// An agent knows of the containers that live, and of no others.
    fn leases_fit(&self, at: NodeIx) -> Checked {
        let Some(daemon) = &self.nodes[at].daemon else {
            return Ok(());
        };
        let node = &self.nodes[at];
        let leases = daemon.brain.leases();
        self.oracle.remembered(at, &leases, true)?;
        for lease in &leases {
            let container = node.containers.get(&lease.attachment);
            let ip = lease.addresses.first().copied();
            let fits = match container {
                Some(container) => {
                    container.stage == Stage::Live && (lease.cut_off == container.cut)
                }
                None => false,
            };
            if !fits {
                let (holder, container) = (
                    &lease.attachment,
                    container.map(|container| (container.stage, container.cut)),
                );
                return Err(Violation::Balance {
                    pool: "?".to_owned(),
                    what: ip.map_or("nothing".to_owned(), |ip: IpAddr| ip.to_string()),
                    reason: format!(
                        "{} says that {holder} has it (cut off: {}); the container is {container:?}",
                        node.name, lease.cut_off
                    ),
                });
            }
        }
        if let Some((id, pending)) = node.requests.iter().next() {
            let waits = self.now - pending.arrives.min(self.now);
            if waits > 30_000 && !matches!(pending.asked, Asked::Status) {
                return Err(Violation::Unanswered {
                    what: format!("{} request {}", node.name, id.0),
                    millis: waits,
                });
            }
        }
        debug_assert!(nobody().container.is_empty());
        Ok(())
    }
}

fn unbalanced(pool: &PoolName, what: impl ToString, reason: String) -> Checked {
    let (pool, what) = (pool.to_string(), what.to_string());
    Err(Violation::Balance { pool, what, reason })
}

fn claim_wrong(pool: &PoolName, name: &ClaimName, reason: String) -> Checked {
    unbalanced(pool, format!("claim {pool}/{name}"), reason)
}
