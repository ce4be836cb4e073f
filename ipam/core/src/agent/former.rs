//! This node's former life: its journal was lost, and what it owned and held stands in the store still.
//!
//! Nothing of it may be freed, since its containers may be there: what the store or the kernel shows is live
//! again, and all else rests.

use super::{
    Action, Agent, Sighting,
    block::{Block, Phase, Used},
    live::{Given, Hold, Live},
    outcome::Purpose,
    saved,
};
use crate::{
    AttachmentId, Cidr, ClaimName, JournalId, NodeName, PoolName,
    keys::Key,
    record::{BlockEntry, BlockRecord, ClaimRecord, Kind, Record, Use},
};
use fairway_kv::{Txn, Write};
use std::{collections::BTreeSet, net::IpAddr};

impl Agent {
    /// A block of this node's former life, whose journal was lost: with what the record and the kernel
    /// show. What neither shows rests first, since it may have been given without the store being told.
    pub(super) fn take_over(&mut self, pool: &PoolName, cidr: Cidr) {
        let key = Key::Block(pool.clone(), cidr).path();
        if self.busy.contains(&key) || !self.may_write() {
            self.former_blocks.insert((pool.clone(), cidr));
            return;
        }
        let Some(stored) = self.view.blocks.get(&(pool.clone(), cidr)) else {
            return;
        };
        let (mut entries, modified) = (stored.value.entries.clone(), stored.modified);
        let owner = stored.value.owner.as_ref();
        if owner.is_some_and(|owner| self.was_before_boot(owner.boot.as_ref())) {
            for entry in &mut entries {
                if matches!(entry.used, Use::Live { .. }) {
                    entry.used = Use::Cooling;
                }
            }
        }
        let epoch = stored.value.epoch + 1;
        for sighting in self.sightings.values() {
            for ip in sighting.addresses.iter().filter(|ip| cidr.contains(**ip)) {
                let claimed = |entry: &BlockEntry| {
                    entry.ip == *ip && matches!(entry.used, Use::Claimed { .. })
                };
                // One that has ended since gave the address back before the block could say so.
                if entries.iter().any(claimed) && self.view.claim_by_ip(*ip).is_some() {
                    continue;
                }
                entries.retain(|entry| entry.ip != *ip);
                let used = Use::Live {
                    attachment: sighting.attachment.clone(),
                    workload: None,
                };
                entries.push(BlockEntry {
                    ip: *ip,
                    seq: 0,
                    used,
                });
            }
        }
        let known: BTreeSet<_> = entries.iter().map(|entry| entry.ip).collect();
        let range = self
            .view
            .pools
            .get(pool)
            .and_then(|pool| pool.value.range_of(cidr.first()));
        let gives = |ip: &IpAddr| range.is_none_or(|range| range.gives(*ip));
        let all = (0..cidr.size())
            .filter_map(|index| cidr.nth(index))
            .filter(gives);
        let rest = |ip| BlockEntry {
            ip,
            seq: 0,
            used: Use::Cooling,
        };
        entries.extend(all.filter(|ip| !known.contains(ip)).map(rest));
        entries.sort_by_key(|entry| entry.ip);
        let owner = Some(self.owner());
        let record = BlockRecord {
            owner,
            epoch,
            free: 0,
            entries,
        };
        let txn = Txn::if_unchanged(
            modified,
            Write::Put {
                key,
                value: record.encode(),
                lease: None,
            },
        );
        self.former_blocks.insert((pool.clone(), cidr));
        self.commit(txn, Purpose::Other);
    }

    /// Containers that the kernel showed to an empty journal, with addresses that are not of a block or claim
    /// of this node's former life: it was removed meanwhile. What nobody has is had again, else they are cut
    /// off.
    pub(super) fn review_sightings(&mut self) {
        for sighting in std::mem::take(&mut self.sightings).into_values() {
            self.sightings
                .insert(sighting.attachment.clone(), sighting.clone());
            let live = self.live.get(&sighting.attachment);
            if live.is_some_and(|live| live.cut_off.is_some()) {
                continue;
            }
            for ip in &sighting.addresses {
                self.review_sighting(&sighting.attachment, *ip);
            }
        }
    }

    fn review_sighting(&mut self, attachment: &AttachmentId, ip: IpAddr) {
        let Some((pool, cidr)) = self.view.block_of(ip) else {
            return;
        };
        let (pool, me) = (pool.name.clone(), self.settings.node.clone());
        let claim = self.view.claim_by_ip(ip).and_then(|(pool, name)| {
            let (claim, _) = self.view.claim(pool, name)?;
            Some((pool.clone(), name.clone(), claim.clone()))
        });
        if let Some((pool, name, claim)) = claim {
            match claim.holder {
                Some(holder) if holder.node == me => {}
                Some(holder) => {
                    let reason = format!("claim {name} is held on node {}", holder.node);
                    self.cut_off_stranger(attachment, ip, &reason);
                }
                None => {
                    let hold = Hold {
                        pool,
                        name,
                        uid: claim.uid,
                        borrowed: claim.kind == Kind::Borrowed,
                        confirmed: false,
                    };
                    self.doubts.insert(hold.uid.clone());
                    let given = self.given(ip, true);
                    self.revive(attachment, None, given, Some(hold));
                }
            }
            return;
        }
        let stored = self.view.blocks.get(&(pool.clone(), cidr));
        let epoch = stored.map_or(0, |stored| stored.value.epoch);
        match stored.and_then(|stored| stored.value.owner.clone()) {
            Some(owner) if owner.node == me => {}
            Some(owner) => {
                let reason = format!("block {cidr} is node {}'s", owner.node);
                self.cut_off_stranger(attachment, ip, &reason);
            }
            None => {
                let now = self.clock.now;
                let block = Block::new(pool.clone(), cidr, epoch, Phase::Lost, now);
                if !self.blocks.contains(cidr) {
                    self.blocks.insert(block);
                }
                self.set_phase(cidr, epoch, Phase::Lost);
                self.keep_pool(&pool);
                let used = Used::Live {
                    attachment: attachment.clone(),
                    label: None,
                };
                self.set_slot(ip, Some(used));
                let given = self.given(ip, false);
                self.revive(attachment, None, given, None);
            }
        }
    }

    fn cut_off_stranger(&mut self, attachment: &AttachmentId, ip: IpAddr, reason: &str) {
        let given = self.given(ip, false);
        self.revive(attachment, None, given, None);
        match self.live.get(attachment) {
            // For another of its addresses, before this one was known.
            Some(live) if live.cut_off.is_some() => {
                let action = Action::CutOff {
                    attachment: attachment.clone(),
                    netns: live.netns.clone(),
                    addresses: live.ips(),
                };
                self.act(action);
            }
            _ => self.cut_off(attachment, reason),
        }
    }

    /// Was that written before the machine was booted? Its containers are gone then.
    fn was_before_boot(&self, boot: Option<&String>) -> bool {
        let now = self.settings.boot.as_ref();
        now.zip(boot).is_some_and(|(now, then)| now != then)
    }

    /// Once nothing in the store is the former life's, what the kernel showed is of no use any more.
    pub(super) fn end_rebuilding(&mut self) {
        if !self.rebuilding || self.fresh || !self.former_blocks.is_empty() {
            return;
        }
        let former = |node: &NodeName, journal: &JournalId| {
            *node == self.settings.node && *journal != self.settings.journal
        };
        let mut blocks = self.view.blocks.values();
        let mut claims = self.view.claims.values();
        let left = blocks.any(|stored| {
            let owner = stored.value.owner.as_ref();
            owner.is_some_and(|owner| former(&owner.node, &owner.journal))
        }) || claims.any(|stored| match &stored.value {
            ClaimRecord::Claim(claim) => {
                let holder = claim.holder.as_ref();
                holder.is_some_and(|holder| former(&holder.node, &holder.journal))
            }
            ClaimRecord::Set(_) => false,
        });
        if !left {
            self.rebuilding = false;
            self.note(saved::rebuilding(false));
            for attachment in std::mem::take(&mut self.ended) {
                self.note(saved::not_ended(&attachment));
            }
        }
    }

    /// Blocks of a former life that could not be taken over yet.
    pub(super) fn take_over_rest(&mut self) {
        for (pool, cidr) in std::mem::take(&mut self.former_blocks) {
            self.review_block(&pool, cidr);
        }
    }

    /// A claim that this node's former life held: its container may be there still. It is live in the
    /// journal before the store is told.
    pub(super) fn take_over_claim(&mut self, pool: &PoolName, name: &ClaimName) {
        let Some((claim, _)) = self.view.claim(pool, name) else {
            return;
        };
        let (Some(holder), Some(ips)) = (claim.holder.clone(), claim.addresses()) else {
            self.suspects.insert((pool.clone(), name.clone()));
            return;
        };
        let of_another_boot = self.was_before_boot(holder.boot.as_ref())
            && !self.sightings.contains_key(&holder.attachment);
        let ended = self.ended.contains(&holder.attachment);
        // The same container may have come again, with other addresses.
        let has_others = |ip: &IpAddr| self.has_others(&holder.attachment, *ip);
        // The claim may have been handed on here before the store was told.
        let mut sightings = self.sightings.values();
        let uses = |sighting: &&Sighting| sighting.addresses.iter().any(|ip| ips.contains(ip));
        let user = match sightings.find(uses) {
            Some(sighting) => sighting.attachment.clone(),
            None if of_another_boot || ended || ips.iter().all(has_others) => {
                self.suspects.insert((pool.clone(), name.clone()));
                return;
            }
            None => holder.attachment.clone(),
        };
        let hold = Hold {
            pool: pool.clone(),
            name: name.clone(),
            uid: claim.uid.clone(),
            borrowed: claim.kind == Kind::Borrowed,
            confirmed: false,
        };
        if self.held.contains_key(&hold.uid) || self.vacant.contains_key(&hold.uid) {
            return;
        }
        self.doubts.insert(hold.uid.clone());
        for ip in ips {
            let given = self.given(ip, true);
            self.revive(&user, None, given, Some(hold.clone()));
        }
    }

    /// An attachment of the former life has this address.
    pub(super) fn revive(
        &mut self,
        attachment: &AttachmentId,
        label: Option<String>,
        given: Option<Given>,
        hold: Option<Hold>,
    ) {
        let seq = self.next_seq();
        let netns = self
            .sightings
            .get(attachment)
            .and_then(|sighting| sighting.netns.clone());
        let since = self.clock.wall;
        let live = self.live.entry(attachment.clone()).or_insert_with(|| Live {
            attachment: attachment.clone(),
            netns,
            given: Vec::new(),
            hold: None,
            label,
            seq,
            since,
            temporary: false,
            cut_off: None,
            whole: false,
        });
        live.given.extend(given);
        live.given.sort_by_key(|given| given.ip);
        live.given.dedup_by_key(|given| given.ip);
        if let Some(hold) = hold {
            self.held.insert(hold.uid.clone(), attachment.clone());
            live.hold = Some(hold);
        }
        let change = saved::live(live);
        self.note(change);
    }
}
