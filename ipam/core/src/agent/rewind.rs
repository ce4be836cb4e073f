//! A store that is at a lower revision than it was: restored from a backup, or another store altogether.
//!
//! All that hangs on revisions begins anew. This node's journal is the younger of the two: its blocks are told
//! to the store again as they are, and nothing that was written before counts against it. Who is said to have
//! something of which its own journal does not know gives it back, so that whoever has it can take it again.

use super::{
    Action, Agent, Notice,
    block::{Phase, Used},
    outcome::Purpose,
    saved,
};
use crate::{AttachmentId, Cidr, PoolName, Uid, keys::Key, record::Record, view::View};
use fairway_kv::{Revision, Txn, Write};

impl Agent {
    /// Forgets what was heard of the store, and which revisions of it things stand at.
    pub(super) fn rewind(&mut self, to: Revision) {
        let from = self.heard;
        self.act(Action::Notify(Notice::Rewound { from, to }));
        self.heard = to;
        self.rewound = Some(to);
        self.note(saved::rewound(to));
        self.view = View::default();
        let claimed: Vec<_> = self.claimed.values().flatten().copied().collect();
        for ip in claimed {
            if let Some(Used::Claimed { uid, granted }) = self.own_slot(ip).map(|slot| &slot.used)
                && granted.is_some_and(|granted| granted > to)
            {
                let (uid, granted) = (uid.clone(), Some(to));
                self.set_slot(ip, Some(Used::Claimed { uid, granted }));
            }
        }
        for relied_on in self.unsure.values_mut() {
            *relied_on = None;
        }
        for cidr in self.blocks.cidrs() {
            if let Some(block) = self.blocks.get(cidr)
                && matches!(block.phase, Phase::From(_))
            {
                let epoch = block.epoch;
                self.set_phase(cidr, epoch, Phase::From(Revision(u64::MAX)));
            }
            self.blocks.tell(cidr, Some(self.clock.now));
        }
    }

    /// Was it written before the store was found to have gone back?
    pub(super) fn is_old(&self, modified: Revision) -> bool {
        self.rewound.is_some_and(|at| modified <= at)
    }

    /// A block that an older copy of the store says is this node's, and that its journal knows nothing of: it
    /// was given back since. Another node may have it by now, and waits for the word.
    pub(super) fn disown(&mut self, pool: &PoolName, cidr: Cidr) {
        let key = Key::Block(pool.clone(), cidr).path();
        let Some(stored) = self.view.blocks.get(&(pool.clone(), cidr)) else {
            return;
        };
        if self.busy.contains(&key) || !self.may_write() {
            self.former_blocks.insert((pool.clone(), cidr));
            return;
        }
        let (record, modified) = (stored.value.disowned(), stored.modified);
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

    /// Claims that the store does not know any more and whose addresses are of this node's blocks: whoever
    /// held them keeps the addresses, as ordinary ones.
    pub(super) fn keep_without_claims(&mut self) {
        let held: Vec<(Uid, AttachmentId)> = self
            .held
            .iter()
            .filter(|(uid, _)| self.view.is_gone(uid))
            .map(|(uid, attachment)| (uid.clone(), attachment.clone()))
            .collect();
        for (uid, attachment) in held {
            let Some(live) = self.live.get(&attachment) else {
                continue;
            };
            let of_claim = live.given.iter().filter(|given| given.claim);
            let ips: Vec<_> = of_claim.map(|given| given.ip).collect();
            let is_ours = |ip| {
                let slot = self.own_slot(ip).map(|slot| &slot.used);
                matches!(slot, Some(Used::Claimed { uid: of, .. }) if *of == uid)
            };
            if !ips.iter().copied().all(is_ours) {
                continue;
            }
            let label = live.label.clone();
            for ip in ips {
                let (attachment, label) = (attachment.clone(), label.clone());
                self.set_slot(ip, Some(Used::Live { attachment, label }));
            }
            self.held.remove(&uid);
            self.doubts.remove(&uid);
            if let Some(live) = self.live.get_mut(&attachment) {
                live.hold = None;
                for given in &mut live.given {
                    given.claim = false;
                }
                let change = saved::live(live);
                self.note(change);
            }
        }
    }
}
