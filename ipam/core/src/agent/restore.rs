//! Taking up where the journal ends.
//!
//! What rests, rests anew, since how long it has rested cannot be told. What was set aside for a claim
//! and is not known to be granted stays so until the store has told. Each block is published once more: a
//! transaction of the former life that is carried out only now then finds the revision changed.

use super::{
    Agent,
    block::{Block, Phase, Slot, Used},
    saved::Saved,
};
use crate::{Cidr, Pool, view::Stored};
use fairway_kv::Revision;
use std::net::IpAddr;

impl Agent {
    pub(super) fn restore(&mut self, saved: Saved) {
        let now = self.clock.now;
        for (name, pool) in saved.pools {
            if let Ok(value) = Pool::new(name.clone(), pool.spec) {
                self.heard = self.heard.max(Revision(pool.modified));
                // Whatever the store says of it is newer, also where it is another store by now.
                let stored = Stored {
                    value,
                    created: Revision::default(),
                    modified: Revision::default(),
                };
                self.view.pools.insert(name, stored);
            }
        }
        for (pool, cidr, block) in saved.blocks {
            let phase = match (block.giving, block.ready) {
                (true, _) => Phase::Giving,
                (false, true) => Phase::Ready,
                (false, false) => Phase::From(Revision(u64::MAX)),
            };
            let mut block = Block::new(pool, cidr, block.epoch, phase, now);
            block.dirty = Some(now);
            self.blocks.insert(block);
        }
        for (ip, rest) in saved.rests {
            let until = now
                + self
                    .own_block(ip)
                    .map_or(0, |block| self.cooldown(&block.pool));
            if self.put_restored(ip, rest.seq, Used::Cooling { until }) {
                self.rests.insert((until, ip));
            }
        }
        for (ip, claimed) in saved.claimed {
            let granted = claimed.granted.map(Revision);
            self.heard = self.heard.max(granted.unwrap_or_default());
            let uid = claimed.uid.clone();
            let used = Used::Claimed {
                uid: claimed.uid,
                granted,
            };
            if self.put_restored(ip, claimed.seq, used) {
                self.claimed.entry(uid).or_default().insert(ip);
                if granted.is_none() {
                    self.unsure.insert(ip, None);
                }
            }
        }
        for live in saved.live {
            self.seq = self.seq.max(live.seq);
            for given in live.given.iter().filter(|given| !given.claim) {
                let used = Used::Live {
                    attachment: live.attachment.clone(),
                    label: live.label.clone(),
                };
                if live.cut_off.is_none() {
                    self.put_restored(given.ip, live.seq, used);
                }
            }
            if let Some(hold) = &live.hold
                && live.cut_off.is_none()
            {
                self.held.insert(hold.uid.clone(), live.attachment.clone());
            }
            self.live.insert(live.attachment.clone(), live);
        }
        for vacant in saved.vacant {
            self.vacant.insert(vacant.uid.clone(), vacant);
        }
    }

    fn put_restored(&mut self, ip: IpAddr, seq: u64, used: Used) -> bool {
        self.seq = self.seq.max(seq);
        let cidr: Option<Cidr> = self.own_block(ip).map(|block| block.cidr);
        let slot = Slot { seq, used };
        cidr.map(|cidr| self.blocks.put(cidr, ip, Some(slot)))
            .is_some()
    }
}
