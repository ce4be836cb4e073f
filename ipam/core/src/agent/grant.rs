//! Other nodes' and administrators' claims on addresses of this node's blocks: granted or refused, in one
//! transaction with the block's record, so that only its owner can.

use super::{
    Agent,
    block::{Phase, Used},
    claims::put_claim,
    outcome::Purpose,
};
use crate::{
    Cidr, ClaimName, PoolName, PoolPhase,
    keys::Key,
    record::{Claim, Part},
};
use fairway_kv::{Condition, Txn};
use std::net::IpAddr;

impl Agent {
    /// Answers the claims that ask for an address of a block of this node.
    pub(super) fn answer_asks(&mut self) {
        for at in std::mem::take(&mut self.asks) {
            if !self.answer_ask(&at.0, &at.1) {
                self.asks.insert(at);
            }
        }
    }

    /// `false`: it is to be looked at again.
    fn answer_ask(&mut self, pool: &PoolName, name: &ClaimName) -> bool {
        let Some((claim, modified)) = self.view.claim(pool, name) else {
            return true;
        };
        let (claim, key) = (claim.clone(), Key::Claim(pool.clone(), name.clone()).path());
        let asked = claim
            .parts
            .iter()
            .enumerate()
            .find_map(|(at, part)| match part {
                Part::Asked { block, ip } if self.blocks.contains(*block) => {
                    Some((at, *block, *ip))
                }
                _ => None,
            });
        let Some((at, cidr, ip)) = asked else {
            return true;
        };
        let block_key = Key::Block(pool.clone(), cidr).path();
        if self.busy.contains(&key) || self.busy.contains(&block_key) || !self.may_write() {
            return false;
        }
        let part = match self.lend(pool, cidr, ip, &claim) {
            Some(Ok(ip)) => Part::Granted { ip },
            Some(Err(reason)) => Part::Refused {
                block: cidr,
                ip,
                reason,
            },
            None => return false,
        };
        let Some((condition, write)) = self.block_write(cidr) else {
            return false;
        };
        let mut parts = claim.parts.clone();
        parts[at] = part;
        let txn = Txn {
            conditions: vec![
                Condition::Unchanged {
                    key: key.clone(),
                    modified,
                },
                condition,
            ],
            writes: vec![put_claim(key, Claim { parts, ..claim }), write],
        };
        self.commit(txn, Purpose::Other);
        // Its outcome touches the claim, which is then looked at again.
        false
    }

    /// Sets an address aside for somebody else's claim. `None`: this cannot be said yet.
    fn lend(
        &mut self,
        name: &PoolName,
        cidr: Cidr,
        ip: Option<IpAddr>,
        claim: &Claim,
    ) -> Option<Result<IpAddr, String>> {
        let revision = self.own_revision(name, cidr)?;
        let pool = self.view.pools.get(name).map(|pool| &pool.value);
        let open = pool.filter(|pool| pool.spec.phase == PoolPhase::Active);
        let Some(open) = open else {
            return Some(Err(format!("pool {name} gives no addresses")));
        };
        let block = self.blocks.get(cidr)?;
        match block.phase {
            Phase::Ready => {}
            Phase::Giving => return Some(Err("the block is being given back".to_owned())),
            Phase::From(_) | Phase::Lost => return None,
        }
        // It was set aside before, and the transaction that said so did not get through.
        let before = block.slots.iter().find_map(|(at, slot)| match &slot.used {
            Used::Claimed { uid, .. } if *uid == claim.uid && ip.is_none_or(|ip| ip == *at) => {
                Some(*at)
            }
            _ => None,
        });
        let ip = match (before, ip) {
            (Some(ip), _) => ip,
            (None, None) => match self.blocks.find_in(cidr, open) {
                Some(ip) => ip,
                None => return Some(Err(format!("block {cidr} has no address to spare"))),
            },
            (None, Some(ip)) => {
                if !open.range_of(ip).is_some_and(|range| range.gives(ip)) {
                    return Some(Err(format!("nobody: pool {name} keeps it back")));
                }
                match block.slots.get(&ip).map(|slot| &slot.used) {
                    None => ip,
                    Some(Used::Live { attachment, label }) => {
                        let holder = label.clone().unwrap_or_else(|| attachment.to_string());
                        return Some(Err(format!("{holder} on node {}", self.settings.node)));
                    }
                    Some(Used::Cooling { until }) => {
                        let millis = until.0.saturating_sub(self.clock.now.0);
                        return Some(Err(format!("rests for {millis} ms more")));
                    }
                    Some(Used::Claimed { uid, .. }) => {
                        return Some(Err(format!("a claim ({uid})")));
                    }
                }
            }
        };
        if before.is_none() {
            let used = Used::Claimed {
                uid: claim.uid.clone(),
                granted: None,
            };
            self.set_slot(ip, Some(used));
        }
        if self.unsure.contains_key(&ip) || before.is_none() {
            self.unsure.insert(ip, Some(revision));
        }
        Some(Ok(ip))
    }
}
