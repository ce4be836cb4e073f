//! DEL, CHECK and GC.

use super::{
    Agent, Answer, Refusal,
    live::{Given, Live, Vacant},
    saved,
};
use crate::{AttachmentId, Uid};
use std::{collections::BTreeSet, net::IpAddr};

impl Agent {
    /// An attachment goes. What it had is freed at once, in the journal; the store is told after.
    pub(super) fn release(&mut self, attachment: &AttachmentId) -> Vec<IpAddr> {
        self.give_up_for(attachment);
        // What the kernel showed at the start is not so any more.
        self.sightings.remove(attachment);
        self.told_again.remove(attachment);
        // Nor is what the store will say of it when its block or claim is taken over.
        if self.rebuilding && self.ended.insert(attachment.clone()) {
            self.note(saved::ended(attachment));
        }
        let Some(live) = self.live.remove(attachment) else {
            return Vec::new();
        };
        self.note(saved::no_live(attachment));
        self.free_own(&live);
        let of_claim = live.given.iter().filter(|given| given.claim);
        let mut of_claim: Vec<_> = of_claim.cloned().collect();
        if !live.whole {
            self.part_from_others(&live, &mut of_claim);
        }
        if let Some(hold) = &live.hold
            && self.held.get(&hold.uid) == Some(attachment)
        {
            self.held.remove(&hold.uid);
            self.doubts.remove(&hold.uid);
            let vacant = Vacant {
                uid: hold.uid.clone(),
                pool: hold.pool.clone(),
                name: hold.name.clone(),
                borrowed: hold.borrowed,
                confirmed: hold.confirmed,
                given: of_claim,
                ended: self.clock.wall,
                releasing: false,
            };
            self.note(saved::vacant(&vacant));
            self.vacant.insert(vacant.uid.clone(), vacant);
        }
        self.stirred = true;
        live.ips()
    }

    /// The same, where what it has is what was given with that number.
    pub(super) fn release_given(&mut self, attachment: &AttachmentId, seq: u64) -> Vec<IpAddr> {
        match self
            .live
            .get(attachment)
            .is_some_and(|live| live.seq == seq)
        {
            true => self.release(attachment),
            false => Vec::new(),
        }
    }

    /// By what former lives wrote, it held more than one claim: its last one, and such as it had before and the
    /// store was not told the end of. Those end, too, and what it had of them is not the last one's.
    fn part_from_others(&mut self, live: &Live, of_claim: &mut Vec<Given>) {
        let last = live.hold.as_ref().map(|hold| &hold.uid);
        let held = self.held.iter();
        let others: Vec<_> = held
            .filter(|(uid, holder)| **holder == live.attachment && Some(*uid) != last)
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in others {
            self.held.remove(&uid);
            self.doubts.remove(&uid);
            if let Some((pool, name, claim, _)) = self.view.claim_by_uid(&uid) {
                let ips = claim.addresses().unwrap_or_default();
                of_claim.retain(|given| !ips.contains(&given.ip));
                self.suspects.insert((pool.clone(), name.clone()));
            }
        }
    }

    /// Addresses of blocks of this node that the attachment has still.
    fn free_own(&mut self, live: &Live) {
        for given in live.given.iter().filter(|given| !given.claim) {
            let has = self.own_slot(given.ip).is_some_and(|slot| {
                matches!(&slot.used, super::block::Used::Live { attachment, .. } if *attachment == live.attachment)
            });
            if has {
                self.rest(given.ip);
            }
        }
    }

    /// The store need not be told of a claim any more.
    pub(super) fn drop_vacant(&mut self, uid: &Uid) {
        if self.vacant.remove(uid).is_some() {
            self.note(saved::no_vacant(uid));
        }
    }

    pub(super) fn check(
        &self,
        attachment: AttachmentId,
        wanted: &[IpAddr],
    ) -> Result<Answer, Refusal> {
        let Some(live) = self.live.get(&attachment) else {
            return Err(Refusal::Unknown { attachment });
        };
        let list = |ips: &[IpAddr]| {
            let list: Vec<_> = ips.iter().map(IpAddr::to_string).collect();
            list.join(", ")
        };
        let has = live.ips();
        if let Some(reason) = &live.cut_off {
            let (addresses, reason) = (list(&has), reason.clone());
            return Err(Refusal::CutOff {
                attachment,
                addresses,
                reason,
            });
        }
        let same: BTreeSet<_> = has.iter().collect();
        match same == wanted.iter().collect() {
            true => Ok(Answer::Checked),
            false => Err(Refusal::Differs {
                attachment,
                found: list(&has),
                wanted: list(wanted),
            }),
        }
    }

    /// What the list does not name goes, unless it is younger than the list.
    pub(super) fn collect(
        &mut self,
        network: &str,
        keep: &BTreeSet<(String, String)>,
        before: u64,
    ) -> Vec<AttachmentId> {
        let kept = |at: &AttachmentId| keep.contains(&(at.container.clone(), at.ifname.clone()));
        let of = self.live.values().filter(|live| live.seq <= before);
        let gone: Vec<_> = of
            .map(|live| live.attachment.clone())
            .filter(|at| at.network == network && !kept(at))
            .collect();
        for attachment in &gone {
            self.release(attachment);
        }
        gone
    }
}
