//! A store that is at a lower revision than it was: restored from a backup, or another store altogether.
//!
//! All that hangs on revisions begins anew. This node's journal is the younger of the two, so its blocks are
//! told to the store again as they are, and nobody is cut off for what the store has forgotten; only where it
//! says that a block is another node's it must be believed, since that one believes it too.

use super::{
    Action, Agent, Notice,
    block::{Phase, Used},
    saved,
};
use crate::{AttachmentId, Uid, view::View};
use fairway_kv::Revision;

impl Agent {
    /// Forgets what was heard of the store, and which revisions of it things stand at.
    pub(super) fn rewind(&mut self, to: Revision) {
        let from = self.heard;
        self.act(Action::Notify(Notice::Rewound { from, to }));
        self.heard = to;
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
