//! One node's journal beside its kernel and beside the store.

use super::{FindingKind as Kind, Fix, Found, NodeFacts, store::has};
use crate::{
    AttachmentId, Lease, PoolName,
    record::{ClaimRecord, Use},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

const RESTART: &str = "end that container, so that it comes up anew";
const PUBLISHES: &str = "the daemon tells the store within a second; if it stays, restart it";

impl Found<'_> {
    /// What the kernel shows, and what it should.
    pub(super) fn kernel(&mut self, facts: &NodeFacts<'_>) {
        let (node, leases) = (facts.node, by_attachment(facts.leases));
        let mut seen: BTreeMap<&AttachmentId, BTreeSet<IpAddr>> = BTreeMap::new();
        for sighting in facts.sightings {
            let ips = seen.entry(&sighting.attachment).or_default();
            ips.extend(&sighting.addresses);
        }
        for (attachment, ips) in &seen {
            // Others have addresses of their own; ours are those of a pool.
            let ours = ips.iter().filter(|ip| self.view.block_of(**ip).is_some());
            for ip in ours.copied().collect::<Vec<_>>() {
                let lease = leases.get(attachment);
                if lease.is_some_and(|lease| lease.addresses.contains(&ip) && !lease.cut_off) {
                    continue;
                }
                // One that is being given right now.
                if lease.is_some_and(|lease| lease.seq > facts.before) {
                    continue;
                }
                let pool = self.pool_of(ip);
                match lease.filter(|lease| lease.cut_off && lease.addresses.contains(&ip)) {
                    Some(_) => {
                        let text = format!(
                            "{attachment} on node {node} still has {ip}, which was given on to another"
                        );
                        self.add(Kind::CutOff, pool.as_ref(), Some(ip), text, RESTART, None);
                    }
                    None => {
                        let text = format!(
                            "{attachment} on node {node} has {ip}, of which the journal knows nothing"
                        );
                        self.add(
                            Kind::NotInJournal,
                            pool.as_ref(),
                            Some(ip),
                            text,
                            RESTART,
                            None,
                        );
                    }
                }
            }
        }
        for lease in facts
            .leases
            .iter()
            .filter(|lease| lease.seq <= facts.before)
        {
            let attachment = &lease.attachment;
            match seen.get(attachment) {
                Some(ips) if !lease.cut_off => {
                    for ip in lease.addresses.iter().filter(|ip| !ips.contains(ip)) {
                        let pool = self.pool_of(*ip);
                        let text = format!("{attachment} on node {node} does not have its {ip}");
                        self.add(
                            Kind::KernelDiffers,
                            pool.as_ref(),
                            Some(*ip),
                            text,
                            RESTART,
                            None,
                        );
                    }
                }
                None if facts.gone.contains(attachment) => {
                    let ip = lease.addresses.first().copied();
                    let pool = ip.and_then(|ip| self.pool_of(ip));
                    let text = format!(
                        "{attachment} on node {node} is gone and has {} still",
                        shown(&lease.addresses)
                    );
                    let fix = Fix::Gone(attachment.clone(), lease.seq);
                    let remedy = "the next sweep frees it";
                    self.add(Kind::Leaked, pool.as_ref(), ip, text, remedy, Some(fix));
                }
                _ => {}
            }
        }
    }

    /// What the journal says, and what the store shows of it.
    pub(super) fn journal(&mut self, facts: &NodeFacts<'_>) {
        let leases = by_attachment(facts.leases);
        for lease in facts.leases.iter().filter(|lease| !lease.cut_off) {
            for ip in &lease.addresses {
                self.lease(facts, lease, *ip);
            }
        }
        let view = self.view;
        for ((pool, cidr), stored) in &view.blocks {
            let owner = stored.value.owner.as_ref();
            if !owner.is_some_and(|o| o.node == *facts.node && o.journal == *facts.journal) {
                continue;
            }
            for entry in &stored.value.entries {
                let Use::Live { attachment, .. } = &entry.used else {
                    continue;
                };
                let lease = leases.get(attachment);
                if lease.is_none_or(|lease| !lease.addresses.contains(&entry.ip)) {
                    let text = format!(
                        "block {cidr} says that {attachment} has {}; the journal of node {} does not",
                        entry.ip, facts.node
                    );
                    let ip = Some(entry.ip);
                    self.add(Kind::NotPublished, Some(pool), ip, text, PUBLISHES, None);
                }
            }
        }
        for ((pool, name), stored) in &view.claims {
            let ClaimRecord::Claim(claim) = &stored.value else {
                continue;
            };
            let holder = claim.holder.as_ref();
            let here =
                |h: &&crate::record::Holder| h.node == *facts.node && h.journal == *facts.journal;
            let Some(holder) = holder.filter(here) else {
                continue;
            };
            let lease = leases.get(&holder.attachment);
            if lease.is_none_or(|lease| lease.claim.as_ref() != Some(name)) {
                let text = format!(
                    "claim {name} is held by {}; the journal of node {} does not say so",
                    holder.attachment, facts.node
                );
                self.add(
                    Kind::HolderMismatch,
                    Some(pool),
                    None,
                    text,
                    PUBLISHES,
                    None,
                );
            }
        }
    }

    fn lease(&mut self, facts: &NodeFacts<'_>, lease: &Lease, ip: IpAddr) {
        let (view, attachment, node) = (self.view, &lease.attachment, facts.node);
        let Some((pool, cidr)) = view.block_of(ip) else {
            let text = format!("{attachment} on node {node} has {ip}, which is in no pool");
            self.add(Kind::NotPublished, None, Some(ip), text, RESTART, None);
            return;
        };
        let pool = pool.name.clone();
        let claim = lease
            .claim
            .as_ref()
            .and_then(|name| view.claim(&pool, name).zip(Some(name)));
        if let Some(((claim, _), name)) = claim.filter(|((claim, _), _)| has(claim, ip)) {
            let holder = claim.holder.as_ref();
            let ours = |h: &&crate::record::Holder| h.node == *node && h.attachment == *attachment;
            if holder.filter(ours).is_none() {
                let by = holder.map_or("nobody".to_owned(), |holder| {
                    format!("{} on node {}", holder.attachment, holder.node)
                });
                let text = format!(
                    "{attachment} on node {node} has claim {name}, which the store says is held by {by}"
                );
                self.add(
                    Kind::HolderMismatch,
                    Some(&pool),
                    Some(ip),
                    text,
                    PUBLISHES,
                    None,
                );
            }
            return;
        }
        let stored = view.blocks.get(&(pool.clone(), cidr));
        let entry = stored.and_then(|stored| {
            let mut entries = stored.value.entries.iter();
            entries.find(|entry| entry.ip == ip)
        });
        let live = entry.is_some_and(|entry| match &entry.used {
            Use::Live { attachment: of, .. } => of == attachment,
            _ => false,
        });
        if !live {
            let text = format!(
                "{attachment} on node {node} has {ip}; block {cidr} in the store does not say so"
            );
            self.add(
                Kind::NotPublished,
                Some(&pool),
                Some(ip),
                text,
                PUBLISHES,
                None,
            );
        }
    }

    fn pool_of(&self, ip: IpAddr) -> Option<PoolName> {
        self.view.block_of(ip).map(|(pool, _)| pool.name.clone())
    }
}

fn by_attachment(leases: &[Lease]) -> BTreeMap<&AttachmentId, &Lease> {
    leases
        .iter()
        .map(|lease| (&lease.attachment, lease))
        .collect()
}

fn shown(ips: &[IpAddr]) -> String {
    let ips: Vec<_> = ips.iter().map(ToString::to_string).collect();
    ips.join(", ")
}
