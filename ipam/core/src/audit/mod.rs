//! The proof that `allocated = live + claimed + cooling`, across store, journals and kernels.
//!
//! The store is looked at whole; of a node, its journal and kernel, where they are handed in. What is
//! found may be a change that is under way: an owner tells the store what it did 200 ms later. So an audit
//! is made twice, a few seconds apart, and only what stands in both counts ([`Report::confirmed`]).
//!
//! A repair never acts on more than was seen: a transaction holds only while every key is as it was, and
//! [`Fix::Gone`] names the sequence number, so that an address that was given anew meanwhile stays.

mod finding;
mod grants;
mod node;
mod store;
#[cfg(test)]
mod tests;

pub use finding::{Finding, FindingKind, Fix};

use crate::{
    AttachmentId, JournalId, Lease, NodeName, PoolName, Sighting, View,
    admin::{Tally, tallies},
};
use std::{collections::BTreeSet, net::IpAddr};

/// What is known of one node besides the store.
#[derive(Debug, Clone)]
pub struct NodeFacts<'a> {
    /// Its name.
    pub node: &'a NodeName,
    /// Its journal.
    pub journal: &'a JournalId,
    /// [`crate::Agent::sequence`] when the kernel was looked at. What is younger is left alone.
    pub before: u64,
    /// [`crate::Agent::leases`], taken after that.
    pub leases: &'a [Lease],
    /// What the kernel shows.
    pub sightings: &'a [Sighting],
    /// Attachments that were looked for and are not there: neither their link nor their namespace. One
    /// that is neither here nor sighted is not judged, since not every kind of link can be seen.
    pub gone: &'a BTreeSet<AttachmentId>,
}

/// The equation for one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The pool.
    pub pool: PoolName,
    /// Addresses that are not free, over all blocks.
    pub allocated: u64,
    /// Those that a container has.
    pub live: u64,
    /// Those of claims that nobody holds.
    pub claimed: u64,
    /// Those that rest.
    pub cooling: u64,
    /// Those that are set aside for a claim that is no more. In a confirmed report they count as resting,
    /// which they do next, unless a finding says that they stay so.
    pub orphaned: u64,
    /// The two sides are equal and no finding stands against it.
    pub holds: bool,
}

/// What an audit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Each pool's equation.
    pub pools: Vec<Balance>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// Nodes whose journal and kernel were looked at.
    pub nodes: Vec<NodeName>,
}

/// Looks at everything; of `pool` only, where one is named.
pub fn check(view: &View, pool: Option<&PoolName>, nodes: &[NodeFacts<'_>]) -> Report {
    let mut found = Found {
        view,
        only: pool,
        findings: Vec::new(),
    };
    found.pools();
    found.blocks();
    found.claims();
    found.sets();
    found.nodes();
    found.wants();
    found.unreadable();
    for facts in nodes {
        found.kernel(facts);
        found.journal(facts);
    }
    let names = view
        .pools
        .keys()
        .filter(|name| pool.is_none_or(|of| of == *name));
    let tallies = tallies(view);
    let tally = |name| tallies.get(name).copied().unwrap_or_default();
    let pools = names.map(|name| balance(name, tally(name))).collect();
    let mut report = Report {
        pools,
        findings: found.findings,
        nodes: nodes.iter().map(|facts| facts.node.clone()).collect(),
    };
    report.judge();
    report
}

impl Report {
    /// What stood in an earlier report too. The equations are this report's.
    pub fn confirmed(mut self, earlier: &Report) -> Report {
        let before: BTreeSet<_> = earlier.findings.iter().map(Finding::what).collect();
        self.findings
            .retain(|finding| before.contains(&finding.what()));
        for pool in &mut self.pools {
            let stays = |finding: &Finding| {
                finding.kind == FindingKind::UnknownClaim
                    && finding.pool.as_ref() == Some(&pool.pool)
            };
            if !self.findings.iter().any(stays) {
                pool.cooling += std::mem::take(&mut pool.orphaned);
            }
        }
        self.judge();
        self
    }

    /// Nothing stands against any pool.
    pub fn is_clean(&self) -> bool {
        self.pools.iter().all(|pool| pool.holds) && !self.findings.iter().any(|f| f.kind.breaks())
    }

    /// What can be repaired: each repair once, and the findings that it is for.
    pub fn fixes(&self) -> Vec<(Fix, Vec<usize>)> {
        let mut all: Vec<(Fix, Vec<usize>)> = Vec::new();
        for (index, finding) in self.findings.iter().enumerate() {
            let Some(fix) = &finding.fix else { continue };
            match all.iter_mut().find(|(known, _)| known == fix) {
                Some((_, findings)) => findings.push(index),
                None => all.push((fix.clone(), vec![index])),
            }
        }
        all
    }

    fn judge(&mut self) {
        for pool in &mut self.pools {
            let against = |finding: &Finding| {
                finding.kind.breaks() && finding.pool.as_ref().is_none_or(|of| *of == pool.pool)
            };
            let equal = pool.allocated == pool.live + pool.claimed + pool.cooling;
            pool.holds = equal && !self.findings.iter().any(against);
        }
    }
}

fn balance(pool: &PoolName, tally: Tally) -> Balance {
    Balance {
        pool: pool.clone(),
        allocated: tally.allocated,
        live: tally.live,
        claimed: tally.claimed,
        cooling: tally.cooling,
        orphaned: tally.orphaned,
        holds: false,
    }
}

/// Collects what is found.
struct Found<'a> {
    view: &'a View,
    only: Option<&'a PoolName>,
    findings: Vec<Finding>,
}

impl Found<'_> {
    fn add(
        &mut self,
        kind: FindingKind,
        pool: Option<&PoolName>,
        ip: Option<IpAddr>,
        text: String,
        remedy: &str,
        fix: Option<Fix>,
    ) {
        if pool.zip(self.only).is_some_and(|(of, only)| of != only) {
            return;
        }
        self.findings.push(Finding {
            kind,
            pool: pool.cloned(),
            ip,
            text,
            remedy: remedy.to_owned(),
            fix,
        });
    }
}
