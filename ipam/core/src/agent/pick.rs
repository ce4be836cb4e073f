//! Where an address can come from: a block of this node, or the owner of another one.

use super::{
    Agent, Refusal,
    block::{Phase, Used},
    demand::Demand,
    task::Task,
};
use crate::{Cidr, Family, PoolName, PoolPhase, record::BlockRecord};
use std::{collections::BTreeSet, net::IpAddr};

/// Where an address can come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pick {
    /// A block of this node.
    Own(IpAddr),
    /// The owner of that block is to be asked, for this address or any.
    Ask(Cidr, Option<IpAddr>),
}

/// Why there is nothing to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Not yet: something has to happen first, which is under way.
    Parked(String),
    /// Not at all.
    Refused(Box<Refusal>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(Box::new(refusal))
    }
}

/// How long another node may take to give back a block that it does not need, in milliseconds.
const GIVE_BACK: u64 = 1_500;

impl Agent {
    /// One address of each family that the pool gives and that is not covered yet, those that are asked
    /// for by name among them.
    pub(super) fn pick_all(
        &mut self,
        pool: &PoolName,
        wanted: &[IpAddr],
        task: &Task,
        covered: &[Family],
    ) -> Result<Vec<Pick>, Stop> {
        let tried = &task.tried;
        // An address is borrowed only after nobody has given a whole block back.
        let patient = self.clock.now < task.started + GIVE_BACK;
        let known = self.pool(pool)?;
        if known.spec.phase != PoolPhase::Active {
            let pool = pool.clone();
            return Err(Refusal::Draining { pool }.into());
        }
        let mut families = known.giving();
        for ip in wanted {
            if known.range_of(*ip).is_none() {
                let reason = format!("is not in pool {pool}");
                return Err(Refusal::NotGiven { ip: *ip, reason }.into());
            }
            if wanted
                .iter()
                .filter(|w| Family::of(**w) == Family::of(*ip))
                .count()
                > 1
            {
                let reason = format!("is one of several {} addresses", Family::of(*ip));
                return Err(Refusal::NotGiven { ip: *ip, reason }.into());
            }
            if !families.contains(&Family::of(*ip)) {
                families.push(Family::of(*ip));
            }
        }
        if families.is_empty() {
            let pool = pool.clone();
            return Err(Refusal::Draining { pool }.into());
        }
        families.sort_unstable();
        families.retain(|family| !covered.contains(family));
        let mut picks = Vec::new();
        let mut parked = None;
        for family in families {
            let exact = wanted.iter().find(|ip| Family::of(**ip) == family);
            let pick = match exact {
                Some(ip) => self.pick_exact(*ip),
                None => self.pick_any(pool, family, tried, patient),
            };
            match pick {
                Ok(pick) => picks.push(pick),
                // What else is missing is fetched at the same time.
                Err(Stop::Parked(what)) => parked = Some(what),
                Err(refused) => return Err(refused),
            }
        }
        match parked {
            Some(what) => Err(Stop::Parked(what)),
            None => Ok(picks),
        }
    }

    fn pick_any(
        &mut self,
        name: &PoolName,
        family: Family,
        tried: &BTreeSet<Cidr>,
        patient: bool,
    ) -> Result<Pick, Stop> {
        self.note_use(name, family);
        if let Some(pool) = self.view.pools.get(name).map(|pool| &pool.value)
            && let Some(ip) = self.blocks.find(pool, family)
        {
            return Ok(Pick::Own(ip));
        }
        match self.demand(name, family, None) {
            Demand::Coming => Err(Stop::Parked(format!("a block of pool {name}"))),
            Demand::Away => Err(Refusal::StoreAway {
                what: format!(
                    "a new block of pool {name}, since this node has no free {family} address left,"
                ),
            }
            .into()),
            Demand::NoneLeft if patient && self.has_whole(name, family) => {
                self.want(name, family);
                Err(Stop::Parked(format!(
                    "another node to give a block of pool {name} back"
                )))
            }
            Demand::NoneLeft => match self.lender(name, family, tried) {
                Some(block) => {
                    self.want(name, family);
                    Ok(Pick::Ask(block, None))
                }
                None => {
                    self.want(name, family);
                    Err(self.exhausted(name, family).into())
                }
            },
        }
    }

    fn pick_exact(&mut self, ip: IpAddr) -> Result<Pick, Stop> {
        let Some((pool, cidr)) = self.view.block_of(ip) else {
            let reason = "is in no pool".to_owned();
            return Err(Refusal::NotGiven { ip, reason }.into());
        };
        let name = pool.name.clone();
        let range = pool.range_of(ip);
        if range.is_none_or(|range| !range.gives(ip)) {
            let reason = format!("is never given: pool {name} keeps it back");
            return Err(Refusal::NotGiven { ip, reason }.into());
        }
        if range.is_some_and(|range| range.draining) {
            return Err(Refusal::Draining { pool: name }.into());
        }
        if let Some((_, claim)) = self.view.claim_by_ip(ip) {
            let holder = self.describe_claim(&name, &claim.clone());
            return Err(Refusal::Taken { ip, holder }.into());
        }
        if let Some(block) = self.blocks.get(cidr) {
            return match (block.phase, block.slots.get(&ip).map(|slot| &slot.used)) {
                (Phase::Ready, None) => Ok(Pick::Own(ip)),
                (_, Some(Used::Live { attachment, label })) => {
                    let name = label.clone().unwrap_or_else(|| attachment.to_string());
                    let holder = format!("{name} on node {}", self.settings.node);
                    Err(Refusal::Taken { ip, holder }.into())
                }
                (_, Some(Used::Cooling { until })) => {
                    let millis = self.remaining(*until);
                    Err(Refusal::Resting { ip, millis }.into())
                }
                (_, Some(Used::Claimed { uid, .. })) => {
                    let holder = format!("a claim ({uid})");
                    Err(Refusal::Taken { ip, holder }.into())
                }
                _ => Err(Stop::Parked(format!("block {cidr}"))),
            };
        }
        let stored = self.view.blocks.get(&(name.clone(), cidr));
        let owner = stored.and_then(|stored| stored.value.owner.as_ref());
        match (stored, owner) {
            (Some(stored), Some(owner)) => {
                if let Some(holder) = taken_by(&stored.value, ip) {
                    let holder = format!("{holder} on node {}", owner.node);
                    return Err(Refusal::Taken { ip, holder }.into());
                }
                Ok(Pick::Ask(cidr, Some(ip)))
            }
            _ => match self.demand(&name, cidr.family(), Some(cidr)) {
                Demand::Away => Err(Refusal::StoreAway {
                    what: format!("address {ip}, which is not in a block of this node,"),
                }
                .into()),
                _ => Err(Stop::Parked(format!("block {cidr}"))),
            },
        }
    }

    /// Which block of another node to ask for an address: the one with most to spare, as far as its owner
    /// has told.
    pub(super) fn lender(
        &self,
        name: &PoolName,
        family: Family,
        tried: &BTreeSet<Cidr>,
    ) -> Option<Cidr> {
        let pool = &self.view.pools.get(name)?.value;
        let blocks = self.view.blocks.iter().filter(|((of, cidr), block)| {
            let owner = block.value.owner.as_ref();
            let range = pool.range_of(cidr.first());
            of == name
                && cidr.family() == family
                && block.value.free > 0
                && !tried.contains(cidr)
                && range.is_some_and(|range| !range.draining)
                && owner.is_some_and(|owner| {
                    !self.is_me(owner) && self.view.nodes.contains_key(&owner.node)
                })
        });
        // One that is in use anyway, so that the others can be given back whole.
        let most = blocks
            .max_by_key(|((_, cidr), block)| (!is_whole(&block.value), block.value.free, *cidr))?;
        Some(most.0.1)
    }

    /// Has another node a block in which nobody has anything, as far as it has told?
    fn has_whole(&self, name: &PoolName, family: Family) -> bool {
        self.view.blocks.iter().any(|((of, cidr), block)| {
            let owner = block.value.owner.as_ref();
            of == name
                && cidr.family() == family
                && is_whole(&block.value)
                && owner.is_some_and(|owner| {
                    !self.is_me(owner) && self.view.nodes.contains_key(&owner.node)
                })
        })
    }

    /// Who has a claim, for people.
    pub(super) fn describe_claim(&self, pool: &PoolName, name: &crate::ClaimName) -> String {
        let holder = self
            .view
            .claim(pool, name)
            .and_then(|(claim, _)| claim.holder.as_ref());
        match holder {
            Some(holder) => format!(
                "claim {name}, held by {} on node {}",
                holder.attachment, holder.node
            ),
            None => format!("claim {name}"),
        }
    }
}

fn is_whole(record: &BlockRecord) -> bool {
    let mut entries = record.entries.iter();
    entries.all(|entry| matches!(entry.used, crate::record::Use::Cooling))
}

/// Who has an address, as its block's owner told the store. One that rests may be free by now.
fn taken_by(record: &BlockRecord, ip: IpAddr) -> Option<String> {
    let entry = record.entries.iter().find(|entry| entry.ip == ip)?;
    match &entry.used {
        crate::record::Use::Live {
            attachment,
            workload,
        } => Some(workload.clone().unwrap_or_else(|| attachment.to_string())),
        crate::record::Use::Claimed { uid } => Some(format!("a claim ({uid})")),
        crate::record::Use::Cooling => None,
    }
}
