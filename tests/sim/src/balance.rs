//! In a quiet cluster, store, nodes and containers agree; and `netctl ipam check` says so too.

use crate::{
    event::NodeIx,
    node::{Asked, Stage},
    oracle::Title,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{
    Cidr, ClaimName, PoolName, Release,
    audit::{self, NodeFacts},
    record::{BlockRecord, Claim, Kind, Part, Use},
};
use std::collections::BTreeSet;

impl World {
    /// Store, nodes and containers agree.
    pub(crate) fn balanced(&self) -> Checked {
        for at in 0..self.nodes.len() {
            self.leases_fit(at)?;
        }
        for (pool, cidr, record) in self.all_blocks() {
            self.block_fits(&pool, cidr, &record)?;
        }
        for (pool, name, claim) in self.all_claims() {
            if let Err(reason) = self.claim_fits(&pool, &claim) {
                return Err(claim_wrong(&pool, &name, reason));
            }
        }
        self.holders_fit()?;
        if let Some(want) = self.store.range("/fairway/v1/wants/").next() {
            let pool = want.key.split('/').nth(4).unwrap_or("?").to_owned();
            let (what, reason) = (want.key.clone(), "it is still wanted".to_owned());
            return Err(Violation::Balance { pool, what, reason });
        }
        self.audit_is_clean()
    }

    /// An agent knows of the containers that live, and of no others.
    fn leases_fit(&self, at: NodeIx) -> Checked {
        let node = &self.nodes[at];
        let Some(daemon) = &node.daemon else {
            return Ok(());
        };
        let leases = daemon.brain.leases();
        self.oracle.remembered(at, &leases, true)?;
        for lease in &leases {
            let container = node.containers.get(&lease.attachment);
            let fits = container.is_some_and(|container| {
                container.stage == Stage::Live && lease.cut_off == container.cut
            });
            if !fits {
                let container = container.map(|container| (container.stage, container.cut));
                return Err(Violation::Balance {
                    pool: "?".to_owned(),
                    what: format!("{:?}", lease.addresses),
                    reason: format!(
                        "{} has a lease of {} (cut off: {}); the container is {container:?}",
                        node.name, lease.attachment, lease.cut_off
                    ),
                });
            }
        }
        for (id, pending) in &node.requests {
            let millis = self.now - pending.arrives.min(self.now);
            if millis > 30_000 && !matches!(pending.asked, Asked::Status) {
                let what = format!("{} request {}", node.name, id.0);
                return Err(Violation::Unanswered { what, millis });
            }
        }
        Ok(())
    }

    fn block_fits(&self, pool: &PoolName, cidr: Cidr, record: &BlockRecord) -> Checked {
        let owner = record.owner.as_ref();
        let at = owner.and_then(|owner| self.names.get(&owner.node)).copied();
        let node = at.map(|at| &self.nodes[at]);
        let fits = |owner: &fairway_ipam::record::BlockOwner| {
            node.is_some_and(|node| !node.dead && node.journal_id == owner.journal)
        };
        if let Some(owner) = owner.filter(|owner| !fits(owner)) {
            let reason = format!("its owner is {} by journal {}", owner.node, owner.journal);
            return Err(unbalanced(pool, cidr, reason));
        }
        let range = self
            .oracle
            .truth
            .pools
            .get(pool)
            .and_then(|pool| pool.range_of_block(cidr));
        let used = record.entries.len() as u128;
        if let Some(gives) = range.map(|range| range.gives_in(cidr))
            && gives != used + u128::from(record.free)
        {
            let reason = format!("{} are free and {used} used, it gives {gives}", record.free);
            return Err(unbalanced(pool, cidr, reason));
        }
        for entry in &record.entries {
            let holders = self.oracle.holders(entry.ip);
            let fits = match &entry.used {
                Use::Live { attachment, .. } => {
                    at.is_some_and(|at| {
                        // One that was cut off keeps what it has until its DEL.
                        let container = self.nodes[at].containers.get(attachment);
                        let cut = container.is_some_and(|container| container.cut);
                        cut || holders.contains(&(at, attachment.clone()))
                    })
                }
                Use::Claimed { uid } => self.oracle.truth.granted.get(&entry.ip) == Some(uid),
                Use::Cooling => false,
            };
            if !fits {
                let holders: Vec<_> = holders.iter().map(|who| self.oracle.text(who)).collect();
                let owner = owner.map(|owner| owner.node.as_str());
                let reason = format!(
                    "{owner:?}'s block says {:?}; held by {holders:?}",
                    entry.used
                );
                return Err(unbalanced(pool, entry.ip, reason));
            }
        }
        Ok(())
    }

    /// A claim is whole, and held by whoever lives by it.
    fn claim_fits(&self, pool: &PoolName, claim: &Claim) -> Result<(), String> {
        match &claim.holder {
            Some(holder) => {
                let at = self.names.get(&holder.node).copied();
                let who = at.map(|at| (at, holder.attachment.clone()));
                if !who.is_some_and(|who| self.oracle.held.contains_key(&who)) {
                    return Err(format!(
                        "its holder {} on {} does not live",
                        holder.attachment, holder.node
                    ));
                }
            }
            None if claim.kind == Kind::Borrowed => {
                return Err("nobody borrows it any more".to_owned());
            }
            None => {}
        }
        let wall = self.nodes[0].clock(self.now).wall.0;
        let ended = claim.ended.unwrap_or(claim.created).0;
        if let (Release::After(after), None) = (claim.release, &claim.holder)
            && (ended..wall).contains(&(ended + after + 30))
        {
            return Err(format!(
                "it ended at {ended}, by now it is {wall}, and it is there still"
            ));
        }
        for part in &claim.parts {
            match part {
                Part::Granted { ip } => {
                    match self.oracle.truth.entry(pool, *ip).map(|entry| &entry.used) {
                        Some(Use::Claimed { uid }) if *uid == claim.uid => {}
                        other => {
                            return Err(format!("{ip} is its own, and its block says {other:?}"));
                        }
                    }
                }
                Part::Asked { .. } | Part::Refused { .. } if claim.holder.is_some() => {
                    return Err(format!("it is held, and has {part:?}"));
                }
                Part::Asked { .. } | Part::Refused { .. } => {}
            }
        }
        Ok(())
    }

    /// What containers have, the store has as theirs.
    fn holders_fit(&self) -> Checked {
        for (who, held) in &self.oracle.held {
            for (ip, title) in &held.addresses {
                let (Title::Block(pool, _) | Title::Claim(pool, _)) = title;
                let text = self.oracle.text(who);
                if self.oracle.truth.entry(pool, *ip).is_none() {
                    return Err(unbalanced(
                        pool,
                        ip,
                        format!("{text} has it, the store has it as free"),
                    ));
                }
                if !self.oracle.is_good(who) {
                    return Err(unbalanced(
                        pool,
                        ip,
                        format!("{text} has it without a right to it"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// `netctl ipam check` with every node's journal and kernel.
    fn audit_is_clean(&self) -> Checked {
        let view = self.view();
        let nodes = self
            .nodes
            .iter()
            .filter_map(|node| Some((node, node.daemon.as_ref()?)));
        let seen: Vec<_> = nodes
            .map(|(node, daemon)| {
                (
                    node,
                    daemon.brain.sequence(),
                    daemon.brain.leases(),
                    node.sightings(),
                )
            })
            .collect();
        let gone = BTreeSet::new();
        let facts: Vec<_> = seen
            .iter()
            .map(|(node, before, leases, sightings)| NodeFacts {
                node: &node.name,
                journal: &node.journal_id,
                before: *before,
                leases,
                sightings,
                gone: &gone,
            })
            .collect();
        let report = audit::check(&view, None, &facts);
        let finding = report.findings.iter().find(|finding| finding.kind.breaks());
        let unequal = report.pools.iter().find(|pool| !pool.holds);
        match (finding, unequal) {
            (None, None) => Ok(()),
            (Some(finding), _) => Err(Violation::Balance {
                pool: finding
                    .pool
                    .as_ref()
                    .map_or("?", PoolName::as_str)
                    .to_owned(),
                what: "the audit".to_owned(),
                reason: format!("{}: {}", finding.kind.as_str(), finding.text),
            }),
            (_, Some(pool)) => Err(unbalanced(&pool.pool, "the audit", format!("{pool:?}"))),
        }
    }
}

pub(crate) fn unbalanced(pool: &PoolName, what: impl ToString, reason: String) -> Violation {
    let (pool, what) = (pool.to_string(), what.to_string());
    Violation::Balance { pool, what, reason }
}

fn claim_wrong(pool: &PoolName, name: &ClaimName, reason: String) -> Violation {
    unbalanced(pool, format!("claim {pool}/{name}"), reason)
}
