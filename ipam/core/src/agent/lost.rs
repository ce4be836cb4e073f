//! What is learned from the store: blocks that came and blocks that went, claims that changed.

use super::{
    Action, Agent, Notice,
    block::{Phase, Used},
    live::Live,
    saved,
};
use crate::{
    AttachmentId, Cidr, ClaimName, PoolName,
    keys::Key,
    record::{BlockOwner, ClaimRecord, Part},
    view::Touched,
};
use fairway_kv::Update;

impl Agent {
    pub(super) fn learn(&mut self, update: Update) {
        let reset = match &update {
            Update::Reset { revision, .. } => Some(*revision),
            _ => None,
        };
        if matches!(update, Update::Lost) {
            // Who comes and goes meanwhile is not seen: absence is counted anew.
            self.absent.clear();
        }
        let rewound = match &update {
            Update::Reset { revision, entries }
                if *revision < self.heard || self.view.contradicts(entries, *revision) =>
            {
                Some(*revision)
            }
            _ => None,
        };
        if let Some(to) = rewound {
            self.rewind(to);
        }
        let touched = self.view.apply(update);
        self.heard = self.heard.max(self.view.revision);
        if rewound.is_some() {
            self.keep_without_claims();
        }
        self.stirred = true;
        let waiting: Vec<_> = self.blocks.waiting().map(|block| block.cidr).collect();
        self.review(touched);
        for cidr in waiting {
            self.make_ready(cidr);
        }
        if reset.is_some() {
            self.review_all();
        }
    }

    /// After a gap everything that hangs on the store is compared with it.
    fn review_all(&mut self) {
        for cidr in self.blocks.cidrs() {
            self.review_block_at(cidr);
        }
        self.absent.clear();
        self.doubts.extend(self.held.keys().cloned());
        self.ending.extend(self.claimed.keys().cloned());
        if std::mem::take(&mut self.fresh) {
            self.review_sightings();
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
        let asks =
            |part: &Part| matches!(part, Part::Asked { block, .. } if self.blocks.contains(*block));
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
        if let Some(pool) = self.blocks.get(cidr).map(|block| block.pool.clone()) {
            self.review_block(&pool, cidr);
        }
    }

    /// Compares what this node thinks of a block with what the store says.
    pub(super) fn review_block(&mut self, pool: &PoolName, cidr: Cidr) {
        let stored = self.view.blocks.get(&(pool.clone(), cidr));
        let owner = stored.and_then(|stored| stored.value.owner.clone());
        let epoch = stored.map_or(0, |stored| stored.value.epoch);
        let old = stored.is_some_and(|stored| self.is_old(stored.modified));
        let mine = owner.as_ref().is_some_and(|owner| self.is_me(owner));
        let own = self.blocks.get(cidr).filter(|block| block.pool == *pool);
        let Some(own) = own else {
            match owner {
                Some(_) if mine && old && !self.rebuilding => self.disown(pool, cidr),
                Some(_) if mine => self.adopt(pool, cidr),
                Some(owner) if owner.node == self.settings.node => self.take_over(pool, cidr),
                _ => {}
            }
            return;
        };
        if mine && own.epoch >= epoch && own.phase != Phase::Lost {
            if own.epoch > epoch {
                // The store is an older copy of itself.
                self.blocks.tell(cidr, Some(self.clock.now));
            }
            let Some(own) = self.blocks.get(cidr) else {
                return;
            };
            let epoch = own.epoch;
            if own.phase == Phase::From(fairway_kv::Revision(u64::MAX)) {
                let revision = self.own_revision(pool, cidr).unwrap_or_default();
                self.set_phase(cidr, epoch, Phase::From(revision));
                self.make_ready(cidr);
            }
            return;
        }
        if mine {
            return self.adopt(pool, cidr);
        }
        let unreadable = Key::Block(pool.clone(), cidr).path();
        if !self.view.connected || self.view.unreadable.contains_key(&unreadable) {
            return;
        }
        match owner {
            _ if own.phase == Phase::Giving => self.drop_block(cidr),
            None => self.lose(pool, cidr),
            // That one gives it back if it does not have it.
            Some(_) if old => {}
            Some(owner) => self.give_up_block(pool, cidr, &owner),
        }
    }

    /// Nobody owns the block any more: what containers have of it is to be had again.
    fn lose(&mut self, pool: &PoolName, cidr: Cidr) {
        let Some(block) = self.blocks.get(cidr) else {
            return;
        };
        let epoch = block.epoch;
        let slots = block.slots.iter();
        let slots: Vec<_> = slots.map(|(ip, slot)| (*ip, slot.used.clone())).collect();
        let stored = self.view.blocks.get(&(pool.clone(), cidr));
        // Nobody else has had it then, and what rests here rests on.
        let forgotten = match stored {
            Some(stored) => self.is_old(stored.modified),
            None => self.rewound.is_some(),
        };
        self.set_phase(cidr, epoch, Phase::Lost);
        for (ip, used) in slots {
            match used {
                Used::Live { .. } => {}
                Used::Cooling { .. } if forgotten => {}
                Used::Claimed { .. } if forgotten => self.rest(ip),
                _ => self.set_slot(ip, None),
            }
        }
        self.yield_to_claims(cidr);
        if self
            .blocks
            .get(cidr)
            .is_none_or(|block| block.slots.is_empty())
        {
            self.drop_block(cidr);
        } else if !self.view.pools.contains_key(pool) && self.rewound.is_some() {
            // The copy may be older than the pool: it is had again when the pool is made again.
        } else if !self.view.pools.contains_key(pool) {
            self.cut_off_block(cidr, "its pool was removed");
            self.drop_block(cidr);
        } else if !self.busy.contains(&Key::Block(pool.clone(), cidr).path()) && self.may_write() {
            self.take(pool, cidr);
        }
    }

    /// Who owned the block meanwhile may have granted addresses of it to claims: those are theirs.
    fn yield_to_claims(&mut self, cidr: Cidr) {
        for (ip, uid, _) in self.view.granted_in(cidr) {
            let Some(Used::Live { attachment, .. }) = self.own_slot(ip).map(|slot| &slot.used)
            else {
                continue;
            };
            let attachment = attachment.clone();
            let reason = format!("{ip} was given to claim {uid} while this node was thought dead");
            self.cut_off(&attachment, &reason);
            self.set_slot(ip, None);
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
}
