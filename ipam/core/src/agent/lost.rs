//! What is learned from the store: blocks that came and blocks that went, claims that changed.

use super::{
    Action, Agent, Notice,
    block::{Phase, Used},
    live::{Given, Hold, Live},
    outcome::Purpose,
    saved,
};
use crate::{
    AttachmentId, Cidr, ClaimName, PoolName,
    keys::Key,
    record::{BlockEntry, BlockOwner, BlockRecord, ClaimRecord, Part, Record, Use},
    view::Touched,
};
use fairway_kv::{Condition, Txn, Update, Write};
use std::{collections::BTreeSet, net::IpAddr};

impl Agent {
    pub(super) fn learn(&mut self, update: Update) {
        let reset = matches!(update, Update::Reset { .. });
        let touched = self.view.apply(update);
        self.stirred = true;
        let waiting: Vec<_> = self
            .blocks
            .values()
            .filter(|block| matches!(block.phase, Phase::From(_)))
            .map(|block| block.cidr)
            .collect();
        self.review(touched);
        for cidr in waiting {
            self.make_ready(cidr);
        }
        if reset {
            self.review_all();
        }
    }

    /// After a gap everything that hangs on the store is compared with it.
    fn review_all(&mut self) {
        let cidrs: Vec<_> = self.blocks.keys().copied().collect();
        for cidr in cidrs {
            self.review_block_at(cidr);
        }
        self.absent.clear();
        self.doubts.extend(self.held.keys().cloned());
        self.ending.extend(self.claimed.keys().cloned());
        if std::mem::take(&mut self.fresh) {
            self.cut_off_strangers();
        }
    }

    pub(super) fn review(&mut self, touched: Touched) {
        for path in touched.keys {
            if let Some(unreadable) = self.view.unreadable.get(&path) {
                let reason = unreadable.error.to_string();
                self.act(Action::Notify(Notice::Unreadable {
                    key: path.clone(),
                    reason,
                }));
            }
            match Key::parse(&path) {
                Some(Key::Block(pool, cidr)) => self.review_block(&pool, cidr),
                Some(Key::Claim(pool, name)) => self.review_claim(pool, name),
                Some(Key::Pool(pool)) => self.pool_changed(&pool),
                // It was there meanwhile, or is.
                Some(Key::Node(node)) => {
                    self.absent.remove(&node);
                }
                // Whoever asks for a block waits for the answer.
                Some(Key::Want(..)) => self.housekeeping_at = self.clock.now,
                _ => {}
            }
        }
        for uid in touched.uids {
            if self.held.contains_key(&uid) {
                self.doubts.insert(uid.clone());
            }
            self.ending.insert(uid);
        }
    }

    fn review_claim(&mut self, pool: PoolName, name: ClaimName) {
        let at = (pool, name);
        let Some(stored) = self.view.claims.get(&at) else {
            return;
        };
        let ClaimRecord::Claim(claim) = &stored.value else {
            return;
        };
        let uid = claim.uid.clone();
        let asks = |part: &Part| matches!(part, Part::Asked { block, .. } if self.blocks.contains_key(block));
        if claim.parts.iter().any(asks) {
            self.asks.insert(at.clone());
        }
        let holder = claim.holder.as_ref();
        let former = holder.is_some_and(|holder| {
            holder.node == self.settings.node && holder.journal != self.settings.journal
        });
        match former {
            true => self.take_over_claim(&at.0, &at.1),
            false => drop(self.suspects.insert(at)),
        }
        if self.held.contains_key(&uid) {
            self.doubts.insert(uid);
        }
    }

    pub(super) fn review_block_at(&mut self, cidr: Cidr) {
        if let Some(pool) = self.blocks.get(&cidr).map(|block| block.pool.clone()) {
            self.review_block(&pool, cidr);
        }
    }

    /// Compares what this node thinks of a block with what the store says.
    pub(super) fn review_block(&mut self, pool: &PoolName, cidr: Cidr) {
        let stored = self.view.blocks.get(&(pool.clone(), cidr));
        let owner = stored.and_then(|stored| stored.value.owner.clone());
        let epoch = stored.map_or(0, |stored| stored.value.epoch);
        let mine = owner.as_ref().is_some_and(|owner| self.is_me(owner));
        let own = self.blocks.get(&cidr).filter(|block| block.pool == *pool);
        let Some(own) = own else {
            match owner {
                Some(_) if mine => self.adopt(pool, cidr),
                Some(owner) if owner.node == self.settings.node => self.take_over(pool, cidr),
                _ => {}
            }
            return;
        };
        if mine && own.epoch == epoch {
            if own.phase == Phase::From(fairway_kv::Revision(u64::MAX)) {
                let revision = self.own_revision(pool, cidr).unwrap_or_default();
                self.set_phase(cidr, epoch, Phase::From(revision));
                self.make_ready(cidr);
            }
            return;
        }
        if mine && own.epoch < epoch {
            return self.adopt(pool, cidr);
        }
        let unreadable = Key::Block(pool.clone(), cidr).path();
        if !self.view.connected || self.view.unreadable.contains_key(&unreadable) {
            return;
        }
        match owner {
            _ if own.phase == Phase::Giving => self.drop_block(cidr),
            None => self.lose(pool, cidr),
            Some(owner) => self.give_up_block(pool, cidr, &owner),
        }
    }

    /// Nobody owns the block any more: what containers have of it is to be had again.
    fn lose(&mut self, pool: &PoolName, cidr: Cidr) {
        let Some(block) = self.blocks.get_mut(&cidr) else {
            return;
        };
        let not_live = block.slots.iter();
        let not_live: Vec<_> = not_live
            .filter(|(_, slot)| !matches!(slot.used, Used::Live { .. }))
            .map(|(ip, _)| *ip)
            .collect();
        let epoch = block.epoch;
        self.set_phase(cidr, epoch, Phase::Lost);
        for ip in not_live {
            self.set_slot(ip, None);
        }
        if self
            .blocks
            .get(&cidr)
            .is_none_or(|block| block.slots.is_empty())
        {
            self.drop_block(cidr);
        } else if !self.view.pools.contains_key(pool) {
            self.cut_off_block(cidr, "its pool was removed");
            self.drop_block(cidr);
        } else if !self.busy.contains(&Key::Block(pool.clone(), cidr).path()) && self.may_write() {
            self.take(pool, cidr);
        }
    }

    /// Another node has the block.
    fn give_up_block(&mut self, pool: &PoolName, cidr: Cidr, owner: &BlockOwner) {
        let to = format!("node {}", owner.node);
        let reason = format!("block {cidr} was given to {to} while this node was thought dead");
        self.cut_off_block(cidr, &reason);
        self.drop_block(cidr);
        let (pool, block) = (pool.clone(), cidr);
        self.act(Action::Notify(Notice::BlockLost { pool, block, to }));
    }

    fn cut_off_block(&mut self, cidr: Cidr, reason: &str) {
        let has = |live: &Live| {
            let mut given = live.given.iter();
            given.any(|given| !given.claim && cidr.contains(given.ip))
        };
        let all: Vec<_> = self
            .live
            .values()
            .filter(|live| live.cut_off.is_none() && has(live))
            .map(|live| live.attachment.clone())
            .collect();
        for attachment in all {
            self.cut_off(&attachment, reason);
        }
    }

    /// An attachment must not use its addresses any more.
    pub(super) fn cut_off(&mut self, attachment: &AttachmentId, reason: &str) {
        let Some(live) = self.live.get_mut(attachment) else {
            return;
        };
        if live.cut_off.is_some() {
            return;
        }
        live.cut_off = Some(reason.to_owned());
        if let Some(hold) = &live.hold
            && self.held.get(&hold.uid) == Some(attachment)
        {
            self.held.remove(&hold.uid);
            self.suspects.insert((hold.pool.clone(), hold.name.clone()));
        }
        let change = saved::live(live);
        let action = Action::CutOff {
            attachment: attachment.clone(),
            netns: live.netns.clone(),
            addresses: live.ips(),
        };
        self.note(change);
        self.act(action);
    }

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
        let epoch = stored.value.epoch + 1;
        for sighting in self.sightings.values() {
            for ip in sighting.addresses.iter().filter(|ip| cidr.contains(**ip)) {
                let claimed = |entry: &BlockEntry| {
                    entry.ip == *ip && matches!(entry.used, Use::Claimed { .. })
                };
                if entries.iter().any(claimed) {
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
        let owner = Some(BlockOwner {
            node: self.settings.node.clone(),
            journal: self.settings.journal.clone(),
        });
        let record = BlockRecord {
            owner,
            epoch,
            free: 0,
            entries,
        };
        let txn = Txn {
            conditions: vec![Condition::Unchanged {
                key: key.clone(),
                modified,
            }],
            writes: vec![Write::Put {
                key,
                value: record.encode(),
                lease: None,
            }],
        };
        self.former_blocks.insert((pool.clone(), cidr));
        self.commit(txn, Purpose::Other);
    }

    /// Containers that the kernel showed to an empty journal, with addresses of blocks that are another
    /// node's by now: this node's journal was lost, and it was removed meanwhile.
    fn cut_off_strangers(&mut self) {
        for sighting in std::mem::take(&mut self.sightings).into_values() {
            for ip in &sighting.addresses {
                let Some((pool, cidr)) = self.view.block_of(*ip) else {
                    continue;
                };
                let stored = self.view.blocks.get(&(pool.name.clone(), cidr));
                let owner = stored.and_then(|stored| stored.value.owner.clone());
                let held = self.view.claim_by_ip(*ip).and_then(|(pool, name)| {
                    let (claim, _) = self.view.claim(pool, name)?;
                    claim
                        .holder
                        .as_ref()
                        .map(|holder| holder.node == self.settings.node)
                });
                let Some(owner) = owner.filter(|owner| owner.node != self.settings.node) else {
                    continue;
                };
                if held != Some(true) {
                    let given = self.given(*ip, false);
                    self.revive(&sighting.attachment, None, given, None);
                    let reason = format!("block {cidr} is node {}'s", owner.node);
                    self.cut_off(&sighting.attachment, &reason);
                }
            }
            self.sightings.insert(sighting.attachment.clone(), sighting);
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
    fn take_over_claim(&mut self, pool: &PoolName, name: &ClaimName) {
        let Some((claim, _)) = self.view.claim(pool, name) else {
            return;
        };
        let (Some(holder), Some(ips)) = (claim.holder.clone(), claim.addresses()) else {
            self.suspects.insert((pool.clone(), name.clone()));
            return;
        };
        let hold = Hold {
            pool: pool.clone(),
            name: name.clone(),
            uid: claim.uid.clone(),
            borrowed: claim.kind == crate::record::Kind::Borrowed,
            confirmed: false,
        };
        if self.held.contains_key(&hold.uid) || self.vacant.contains_key(&hold.uid) {
            return;
        }
        self.doubts.insert(hold.uid.clone());
        for ip in ips {
            let given = self.given(ip, true);
            self.revive(&holder.attachment, None, given, Some(hold.clone()));
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
