//! Judges an answer that gives addresses: its form, its right, and who else has them.

use super::{Held, Oracle, Standing, Title, Who};
use crate::{event::Ms, violation::Violation};
use fairway_ipam::{
    Address, Allocate, Allocated, Cidr, ClaimName, Family, Handover, Release, record::Kind,
};
use std::net::IpAddr;

/// What was the case when an answer was made and when it arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) now: Ms,
    /// What was asked.
    pub(crate) asked: &'a Allocate,
    /// The revision that the agent knew when it answered.
    pub(crate) knew: u64,
}

impl Oracle {
    /// Somebody was told that it has these addresses.
    pub(crate) fn acknowledged(
        &mut self,
        context: Context<'_>,
        who: &Who,
        given: &Allocated,
    ) -> Result<(), Violation> {
        self.form(context, who, given)?;
        let mut addresses = Vec::new();
        for address in &given.addresses {
            let block = self.truth.block_of(&address.pool, address.ip);
            let Some(block) = block else {
                return self.answer(
                    who,
                    format!("{} is in no block of pool {}", address.ip, address.pool),
                );
            };
            let title = self.title(who, address, block)?;
            self.right(context, who, address.ip, &title)?;
            self.alone(who, address.ip, &title)?;
            self.rested(context, who, address.ip, &title)?;
            addresses.push((address.ip, title));
        }
        self.sticky(context, who, given)?;
        self.given += 1;
        let shaky = addresses
            .iter()
            .any(|(_, title)| self.standing(who, title) != Standing::Good);
        for (ip, _) in &addresses {
            self.live.entry(*ip).or_default().push(who.clone());
        }
        if shaky {
            self.shaken.push(who.clone());
        }
        let journal = self.journals[who.0].clone();
        let seq = given.seq;
        self.held.insert(
            who.clone(),
            Held {
                addresses,
                seq,
                journal,
            },
        );
        Ok(())
    }

    /// By what right it says to have it. An address out of another node's block is a claim's too, one that
    /// containers do not see.
    fn title(&self, who: &Who, address: &Address, block: Cidr) -> Result<Title, Violation> {
        let pool = address.pool.clone();
        if let Some(name) = &address.claim {
            // One that was removed meanwhile is judged by what it was.
            return match self.truth.meant(&pool, name, &self.names[who.0]) {
                Some(uid) => Ok(Title::Claim(pool, uid.clone())),
                None => Err(self.wrong(who, format!("there never was a claim {pool}/{name}"))),
            };
        }
        let borrowed = self.truth.granted.get(&address.ip).filter(|uid| {
            let claim = self
                .truth
                .claims
                .get(uid)
                .and_then(|truth| truth.claim.as_ref());
            let holder = claim.and_then(|claim| claim.holder.as_ref());
            claim.is_some_and(|claim| claim.kind == Kind::Borrowed)
                && holder.is_some_and(|holder| holder.attachment == who.1)
        });
        Ok(match borrowed {
            Some(uid) => Title::Claim(pool, uid.clone()),
            None => Title::Block(pool, block),
        })
    }

    fn wrong(&self, who: &Who, reason: String) -> Violation {
        let to = self.text(who);
        Violation::Answer { to, reason }
    }

    fn answer(&self, who: &Who, reason: String) -> Result<(), Violation> {
        Err(self.wrong(who, reason))
    }

    /// One of each family, inside the pool, none that is never given, and the explicit ones.
    fn form(&self, context: Context<'_>, who: &Who, given: &Allocated) -> Result<(), Violation> {
        if given.attachment != who.1 {
            return self.answer(who, format!("it is to {}", given.attachment));
        }
        if self.held.contains_key(who) {
            return self.answer(who, "it has addresses already".to_owned());
        }
        let ips: Vec<IpAddr> = given.addresses.iter().map(|address| address.ip).collect();
        let families: Vec<_> = ips.iter().map(|ip| Family::of(*ip)).collect();
        let Some(first) = given.addresses.first() else {
            return self.answer(who, "it gives nothing".to_owned());
        };
        let Some(pool) = self.truth.ever.get(&first.pool) else {
            return self.answer(who, format!("pool {} is not there", first.pool));
        };
        // The pool's as the agent knew it, which may be older than the store's.
        if !self
            .truth
            .had_families(&first.pool, &families, context.knew)
        {
            return self.answer(
                who,
                format!("it gives {ips:?}, the pool has {:?}", pool.families()),
            );
        }
        if context
            .asked
            .pool
            .as_ref()
            .is_some_and(|pool| *pool != first.pool)
        {
            return self.answer(who, format!("it is of pool {}", first.pool));
        }
        for address in &given.addresses {
            let range = pool
                .range_of(address.ip)
                .filter(|range| range.gives(address.ip));
            let fits = range.is_some_and(|range| {
                range.cidr == address.range && range.gateway == address.gateway
            });
            if !fits || address.pool != first.pool {
                return self.answer(who, format!("{address:?} is not one of the pool's"));
            }
        }
        if !context.asked.addresses.iter().all(|ip| ips.contains(ip)) {
            return Err(Violation::Explicit {
                holder: self.text(who),
                asked: format!("{:?}", context.asked.addresses),
                given: format!("{ips:?}"),
            });
        }
        Ok(())
    }

    /// The node owns the block, or holds the claim; or it lost it by force and could not know.
    fn right(
        &self,
        context: Context<'_>,
        who: &Who,
        ip: IpAddr,
        title: &Title,
    ) -> Result<(), Violation> {
        let (ceased, owner, forced) = match self.standing(who, title) {
            Standing::Good => match self.fresh(who, title) {
                Ok(()) => return Ok(()),
                Err(owner) => (0, owner, false),
            },
            Standing::Lost {
                ceased, to, forced, ..
            } => (ceased, to.unwrap_or("nobody".to_owned()), forced),
        };
        if forced && context.knew < ceased {
            return Ok(());
        }
        Err(Violation::NoTitle {
            holder: self.text(who),
            ip,
            title: title.to_string(),
            owner,
        })
    }

    /// What is given anew is given by the node's present journal.
    fn fresh(&self, who: &Who, title: &Title) -> Result<(), String> {
        let journal = &self.journals[who.0];
        let theirs = match title {
            Title::Block(pool, cidr) => {
                let truth = self.truth.blocks.get(&(pool.clone(), *cidr));
                truth.and_then(|truth| Some(&truth.record.owner.as_ref()?.journal))
            }
            Title::Claim(_, uid) => {
                let claim = self
                    .truth
                    .claims
                    .get(uid)
                    .and_then(|truth| truth.claim.as_ref());
                claim.and_then(|claim| Some(&claim.holder.as_ref()?.journal))
            }
        };
        match theirs == Some(journal) {
            true => Ok(()),
            false => Err(format!(
                "the node's journal {theirs:?}, which is not {journal}"
            )),
        }
    }

    /// Nobody else has it, but for those who lost it by force and do not know yet.
    fn alone(&self, who: &Who, ip: IpAddr, title: &Title) -> Result<(), Violation> {
        let unaware = |who: &Who, title: &Title| match self.standing(who, title) {
            Standing::Good => false,
            Standing::Lost { since, .. } => self.followed[who.0] < since,
        };
        if unaware(who, title) {
            return Ok(());
        }
        for other in self.holders(ip) {
            let theirs = self.held[other]
                .addresses
                .iter()
                .find(|(theirs, _)| *theirs == ip);
            if theirs.is_some_and(|(_, title)| unaware(other, title)) {
                continue;
            }
            return Err(Violation::Duplicate {
                ip,
                first: self.text(other),
                second: self.text(who),
            });
        }
        Ok(())
    }

    fn rested(
        &mut self,
        context: Context<'_>,
        who: &Who,
        ip: IpAddr,
        title: &Title,
    ) -> Result<(), Violation> {
        let Some((before, until)) = self.used.get(&ip) else {
            return Ok(());
        };
        let after = self.user(who, title);
        let (Title::Block(pool, _) | Title::Claim(pool, ..)) = title;
        let cooldown = self.truth.pools.get(pool).map_or(0, |pool| pool.cooldown());
        let rested = context.now - until;
        // Who lost its right by force and cannot know takes no notice of what others did since.
        let unaware = self.standing(who, title) != Standing::Good;
        if *before != after && rested < cooldown && !unaware {
            return Err(Violation::Cooldown {
                ip,
                before: before.clone(),
                after: self.text(who),
                rested,
                cooldown,
            });
        }
        Ok(())
    }

    /// A workload whose addresses are to be kept gets its claim's, or it is told that it did not.
    fn sticky(&self, context: Context<'_>, who: &Who, given: &Allocated) -> Result<(), Violation> {
        let Some(first) = given.addresses.first() else {
            return Ok(());
        };
        let Some(pool) = self.truth.pools.get(&first.pool) else {
            return Ok(());
        };
        let Some(workload) = &context.asked.workload else {
            return Ok(());
        };
        let wrong = |reason: String| {
            Err(Violation::Sticky {
                holder: self.text(who),
                claim: format!("{}/{}", first.pool, workload.claim),
                reason,
            })
        };
        let uid = first.claim.as_ref().and_then(|name| {
            let node = &self.names[who.0];
            self.truth.meant(&first.pool, name, node)
        });
        let title = uid.map(|uid| Title::Claim(first.pool.clone(), uid.clone()));
        if title.is_some_and(|title| self.standing(who, &title) != Standing::Good) {
            // It was taken by force, which `right` has judged.
            return Ok(());
        }
        let by_hand = workload.by_hand.then_some(Release::Never);
        let release = context
            .asked
            .release
            .or(by_hand)
            .unwrap_or(pool.spec.release);
        if release == Release::OnDelete {
            return Ok(());
        }
        let of = |name: &ClaimName| self.truth.claim_named(&first.pool, name);
        if given.temporary {
            let claim = of(&workload.claim);
            let may = context.asked.handover == Some(Handover::Temporary)
                || claim.is_none_or(|claim| claim.handover == Handover::Temporary)
                || pool.spec.handover == Handover::Temporary;
            return match may {
                true => Ok(()),
                false => {
                    wrong("it got temporary addresses, and nobody said that it may".to_owned())
                }
            };
        }
        let Some(name) = &first.claim else {
            return wrong("it got addresses that are no claim's".to_owned());
        };
        // A set of that name may be there, or a single claim: what is there decides.
        let rest = name.as_str().strip_prefix(workload.claim.as_str());
        let number = rest.and_then(|rest| rest.strip_prefix('#'));
        let own = rest == Some("") || number.is_some_and(|number| number.parse::<u32>().is_ok());
        if !own {
            return wrong(format!("it got claim {name}'s"));
        }
        let ips: Vec<IpAddr> = given.addresses.iter().map(|address| address.ip).collect();
        let has = of(name).and_then(|claim| claim.addresses());
        // Where the claim was removed by force, `right` has judged whether that could be known.
        match has {
            Some(has) if has != ips => wrong(format!("claim {name} has {has:?}, it got {ips:?}")),
            _ => Ok(()),
        }
    }
}
