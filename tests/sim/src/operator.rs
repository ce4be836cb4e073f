//! What operators do to the store, each read and written at one revision: nodes removed, claims moved and
//! given back, pools grown, drained and opened again.

use crate::{
    oracle::Author,
    world::{Checked, World},
};
use fairway_ipam::{
    Cidr, ClaimName, NodeName, PoolName, PoolPhase, PoolSpec, RangeSpec,
    keys::Key,
    record::{BlockRecord, Claim, ClaimRecord, Kind, Record, Use},
};
use fairway_kv::{Condition, Revision, Txn, Write};

impl World {
    /// An operator does something.
    pub(crate) fn operate(&mut self) -> Checked {
        match self.rng.below(100) {
            0..=29 => self.remove_some_node(),
            30..=54 => self.move_some_claim(),
            55..=74 => self.remove_some_claim(),
            75..=84 => self.drain_some_range(),
            85..=94 => self.drain_some_pool(),
            _ => self.grow_some_pool(),
        }
    }

    /// Usually one that is away; now and then one that is not, which is what `--force` is for.
    fn remove_some_node(&mut self) -> Checked {
        let away: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| node.dead || !node.linked || node.daemon.is_none())
            .map(|node| node.name.clone())
            .collect();
        let all: Vec<_> = self.nodes.iter().map(|node| node.name.clone()).collect();
        let among = if self.rng.chance(800) { away } else { all };
        let claims_only = self.rng.chance(200);
        match self.rng.pick(&among).cloned() {
            Some(node) => self.remove_node(&node, claims_only),
            None => Ok(()),
        }
    }

    /// `netctl node rm`.
    pub(crate) fn remove_node(&mut self, node: &NodeName, claims_only: bool) -> Checked {
        self.count("nodes removed");
        self.note(|_| format!("an operator removes {node}"));
        for (pool, cidr, record, modified) in self.all_blocks() {
            if claims_only
                || record
                    .owner
                    .as_ref()
                    .is_none_or(|owner| owner.node != *node)
            {
                continue;
            }
            let mut entries = record.entries;
            for entry in &mut entries {
                if let Use::Live { .. } = entry.used {
                    entry.used = Use::Cooling;
                }
            }
            let record = BlockRecord {
                owner: None,
                epoch: record.epoch + 1,
                free: record.free,
                entries,
            };
            self.replace(Key::Block(pool, cidr), modified, Some(record.encode()))?;
        }
        for (pool, name, claim, modified) in self.all_claims() {
            if claim
                .holder
                .as_ref()
                .is_none_or(|holder| holder.node != *node)
            {
                continue;
            }
            let value = match claim.kind {
                Kind::Borrowed => None,
                Kind::Sticky => Some(self.ended(claim).encode()),
            };
            self.replace(Key::Claim(pool, name), modified, value)?;
        }
        for family in [fairway_ipam::Family::V4, fairway_ipam::Family::V6] {
            let pools: Vec<_> = self.oracle.truth.pools.keys().cloned().collect();
            for pool in pools {
                let key = Key::Want(pool, node.clone(), family);
                if let Some(modified) = self.store.get(&key.path()).map(|entry| entry.modified) {
                    self.replace(key, modified, None)?;
                }
            }
        }
        Ok(())
    }

    fn ended(&self, claim: Claim) -> ClaimRecord {
        let ended = Some(self.nodes[0].clock(self.now).wall);
        ClaimRecord::Claim(Claim {
            holder: None,
            ended,
            ..claim
        })
    }

    /// `netctl claim move`, by force where it is held.
    fn move_some_claim(&mut self) -> Checked {
        let all: Vec<_> = self
            .all_claims()
            .into_iter()
            .filter(|(_, _, claim, _)| claim.kind == Kind::Sticky)
            .collect();
        let Some((pool, name, claim, modified)) = self.rng.pick(&all).cloned() else {
            return Ok(());
        };
        self.count("claims moved");
        let to = self.rng.below(self.nodes.len() as u64) as usize;
        let only = match claim.only {
            Some(_) => None,
            None => Some(self.nodes[to].name.clone()),
        };
        let stays = claim
            .holder
            .as_ref()
            .is_none_or(|holder| Some(&holder.node) == only.as_ref());
        let claim = Claim { only, ..claim };
        let record = match stays {
            true => ClaimRecord::Claim(claim),
            false => self.ended(claim),
        };
        self.replace(Key::Claim(pool, name), modified, Some(record.encode()))
    }

    /// `netctl claim rm`, half of the time by force.
    fn remove_some_claim(&mut self) -> Checked {
        let force = self.rng.chance(500);
        let all: Vec<_> = self
            .all_claims()
            .into_iter()
            .filter(|(_, _, claim, _)| {
                claim.kind == Kind::Sticky && (force || claim.holder.is_none())
            })
            .collect();
        let Some((pool, name, _, modified)) = self.rng.pick(&all).cloned() else {
            return Ok(());
        };
        self.count("claims removed");
        self.replace(Key::Claim(pool, name), modified, None)
    }

    fn drain_some_range(&mut self) -> Checked {
        self.change_pool("ranges drained or not", |spec, rng| {
            let at = rng.below(spec.ranges.len() as u64) as usize;
            let others = spec.ranges.iter().enumerate().any(|(other, range)| {
                other != at
                    && !range.draining
                    && range.cidr.family() == spec.ranges[at].cidr.family()
            });
            let range = &mut spec.ranges[at];
            range.draining = !range.draining && others;
        })
    }

    fn drain_some_pool(&mut self) -> Checked {
        self.change_pool("pools drained or not", |spec, _| {
            spec.phase = match spec.phase {
                PoolPhase::Active => PoolPhase::Draining,
                _ => PoolPhase::Active,
            };
        })
    }

    fn grow_some_pool(&mut self) -> Checked {
        let third = self.number() % 200;
        self.change_pool("pools grown", |spec, _| {
            if spec.ranges.len() < 4
                && spec
                    .ranges
                    .iter()
                    .any(|range| range.cidr.to_string().contains('.'))
                && let Ok(cidr) = format!("10.200.{third}.0/27").parse::<Cidr>()
            {
                let block = Some(29);
                spec.ranges.push(RangeSpec {
                    block,
                    ..RangeSpec::new(cidr)
                });
            }
        })
    }

    /// All pools give addresses again, as at the start.
    pub(crate) fn open_pools(&mut self) -> Checked {
        let names: Vec<_> = self.oracle.truth.pools.keys().cloned().collect();
        for name in names {
            self.change(&name, |spec, _| {
                spec.phase = PoolPhase::Active;
                spec.ranges
                    .iter_mut()
                    .for_each(|range| range.draining = false);
            })?;
        }
        Ok(())
    }

    fn change_pool(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&mut PoolSpec, &mut crate::rng::Rng),
    ) -> Checked {
        let names: Vec<_> = self.oracle.truth.pools.keys().cloned().collect();
        match self.rng.pick(&names).cloned() {
            Some(name) => {
                self.count(what);
                self.change(&name, change)
            }
            None => Ok(()),
        }
    }

    fn change(
        &mut self,
        name: &PoolName,
        change: impl FnOnce(&mut PoolSpec, &mut crate::rng::Rng),
    ) -> Checked {
        let key = Key::Pool(name.clone());
        let Some(entry) = self.store.get(&key.path()) else {
            return Ok(());
        };
        let Ok(before) = PoolSpec::decode(&entry.value) else {
            return Ok(());
        };
        let modified = entry.modified;
        let mut spec = before.clone();
        change(&mut spec, &mut self.rng);
        match spec == before {
            true => Ok(()),
            false => self.replace(key, modified, Some(spec.encode())),
        }
    }

    /// `netctl claim rm` of all of them.
    pub(crate) fn remove_all_claims(&mut self) -> Checked {
        let claims: Vec<_> = self
            .store
            .range("/fairway/v1/claims/")
            .map(|entry| (entry.key.clone(), entry.modified))
            .collect();
        for (path, modified) in claims {
            if let Some(key) = Key::parse(&path) {
                self.replace(key, modified, None)?;
            }
        }
        Ok(())
    }

    fn replace(&mut self, key: Key, modified: Revision, value: Option<Vec<u8>>) -> Checked {
        let key = key.path();
        let conditions = vec![Condition::Unchanged {
            key: key.clone(),
            modified,
        }];
        let write = match value {
            Some(value) => Write::Put {
                key,
                value,
                lease: None,
            },
            None => Write::Delete { key },
        };
        self.write(
            &Author::Operator,
            &Txn {
                conditions,
                writes: vec![write],
            },
        )?;
        Ok(())
    }

    /// Every block in the store.
    pub(crate) fn all_blocks(&self) -> Vec<(PoolName, Cidr, BlockRecord, Revision)> {
        let entries = self.store.range("/fairway/v1/blocks/");
        let blocks = entries.filter_map(|entry| match Key::parse(&entry.key)? {
            Key::Block(pool, cidr) => Some((
                pool,
                cidr,
                BlockRecord::decode(&entry.value).ok()?,
                entry.modified,
            )),
            _ => None,
        });
        blocks.collect()
    }

    /// Every claim in the store, sets' descriptions excepted.
    pub(crate) fn all_claims(&self) -> Vec<(PoolName, ClaimName, Claim, Revision)> {
        let entries = self.store.range("/fairway/v1/claims/");
        let claims = entries.filter_map(|entry| {
            match (
                Key::parse(&entry.key)?,
                ClaimRecord::decode(&entry.value).ok()?,
            ) {
                (Key::Claim(pool, name), ClaimRecord::Claim(claim)) => {
                    Some((pool, name, claim, entry.modified))
                }
                _ => None,
            }
        });
        claims.collect()
    }
}
