//! Which pool a container gets its addresses from, and whether one would have any.

use super::{
    Agent, Headroom, Refusal, Status,
    block::{Block, Phase},
};
use crate::{Family, NAMESPACE_LABELS, Pool, PoolName, PoolPhase, keys::Key};
use std::{collections::BTreeMap, net::IpAddr};

impl Agent {
    /// The pools to try, in order: the one that is named, else the one that an explicit address is in,
    /// else all that take this node and namespace, those that say whom they take before those that take
    /// everybody.
    pub(super) fn pools_for(
        &self,
        named: Option<&PoolName>,
        namespace: Option<&str>,
        explicit: &[IpAddr],
    ) -> Result<Vec<PoolName>, Refusal> {
        if let Some(name) = named {
            let pool = self.pool(name)?;
            self.must_take(pool, namespace)?;
            return Ok(vec![name.clone()]);
        }
        if let Some(ip) = explicit.first() {
            let Some((pool, _)) = self.view.block_of(*ip) else {
                let reason = "is in no pool".to_owned();
                return Err(Refusal::NotGiven { ip: *ip, reason });
            };
            self.must_take(pool, namespace)?;
            return Ok(vec![pool.name.clone()]);
        }
        let pools = self.view.pools.values().map(|pool| &pool.value);
        let takes = |pool: &&Pool| {
            pool.spec.phase == PoolPhase::Active && self.must_take(pool, namespace).is_ok()
        };
        let mut pools: Vec<_> = pools.filter(takes).collect();
        pools.sort_by_key(|pool| {
            (
                pool.namespaces.is_empty(),
                pool.nodes.is_empty(),
                &pool.name,
            )
        });
        match pools.is_empty() {
            false => Ok(pools.iter().map(|pool| pool.name.clone()).collect()),
            true if !self.view.connected && self.view.pools.is_empty() => Err(Refusal::StoreAway {
                what: "finding a pool".to_owned(),
            }),
            true => Err(Refusal::NoPoolTakes),
        }
    }

    pub(super) fn pool(&self, name: &PoolName) -> Result<&Pool, Refusal> {
        if let Some(pool) = self.view.pools.get(name) {
            return Ok(&pool.value);
        }
        let key = Key::Pool(name.clone()).path();
        Err(match self.view.unreadable.get(&key) {
            Some(unreadable) => Refusal::Record {
                reason: unreadable.error.to_string(),
                key,
            },
            None if !self.view.connected => Refusal::StoreAway {
                what: format!("pool {name}, which this node has not seen,"),
            },
            None => Refusal::NoPool { pool: name.clone() },
        })
    }

    /// Does the pool take this node?
    fn must_be_here(&self, pool: &Pool) -> Result<(), Refusal> {
        match pool.nodes.matches(&self.settings.labels) {
            true => Ok(()),
            false => Err(Refusal::NotForYou {
                pool: pool.name.clone(),
                what: format!("node {} (nodes: {})", self.settings.node, pool.spec.nodes),
            }),
        }
    }

    fn must_take(&self, pool: &Pool, namespace: Option<&str>) -> Result<(), Refusal> {
        self.must_be_here(pool)?;
        let labels: BTreeMap<_, _> = namespace
            .iter()
            .flat_map(|ns| NAMESPACE_LABELS.map(|label| (label.to_owned(), (*ns).to_owned())))
            .collect();
        match pool.namespaces.matches(&labels) {
            true => Ok(()),
            false => Err(Refusal::NotForYou {
                pool: pool.name.clone(),
                what: format!(
                    "namespace {} (namespaces: {})",
                    namespace.unwrap_or("(none)"),
                    pool.spec.namespaces
                ),
            }),
        }
    }

    /// Is an ADD to be expected to get an address now?
    pub(super) fn status(
        &mut self,
        named: Option<&PoolName>,
        namespace: Option<&str>,
    ) -> Result<Status, Refusal> {
        // Where no namespace is named, a pool counts that takes this node: whom it takes of the pods, the
        // next pod will tell.
        let names = match (named, namespace) {
            (None, None) => {
                let pools = self.view.pools.values().map(|pool| &pool.value);
                let ours = |pool: &&Pool| {
                    pool.spec.phase == PoolPhase::Active && self.must_be_here(pool).is_ok()
                };
                pools.filter(ours).map(|pool| pool.name.clone()).collect()
            }
            (Some(name), None) => {
                self.must_be_here(self.pool(name)?)?;
                vec![name.clone()]
            }
            _ => self.pools_for(named, namespace, &[])?,
        };
        let mut pools = Vec::new();
        let (mut served, mut short) = (false, None);
        for name in &names {
            let pool = self.pool(name)?;
            if pool.spec.phase != PoolPhase::Active {
                let pool = name.clone();
                return Err(Refusal::Draining { pool });
            }
            let families = pool.giving();
            let mut whole = !families.is_empty();
            for family in families {
                let headroom = self.headroom(name, family);
                let connected = self.view.connected;
                if headroom.free == 0
                    && !(connected && (headroom.unowned > 0 || self.lends(name, family)))
                {
                    short.get_or_insert((name.clone(), family));
                    whole = false;
                }
                pools.push(headroom);
            }
            served |= whole;
        }
        let connected = self.view.connected;
        match short {
            _ if served => Ok(Status { connected, pools }),
            Some((pool, family)) if !connected => Err(Refusal::StoreAway {
                what: format!(
                    "a new block of pool {pool}, since this node has no free {family} address left,"
                ),
            }),
            Some((pool, family)) => Err(self.exhausted(&pool, family)),
            None if !connected => Err(Refusal::StoreAway {
                what: "finding a pool".to_owned(),
            }),
            None => Err(Refusal::NoPoolTakes),
        }
    }

    pub(super) fn exhausted(&self, pool: &PoolName, family: Family) -> Refusal {
        let blocks = self.view.blocks.iter();
        let of = blocks.filter(|((name, cidr), _)| name == pool && cidr.family() == family);
        let (mut owned, mut nodes) = (0, std::collections::BTreeSet::new());
        for (_, block) in of {
            if let Some(owner) = &block.value.owner {
                owned += 1;
                nodes.insert(&owner.node);
            }
        }
        let detail = format!(
            "{owned} blocks are owned by {} nodes, none is left",
            nodes.len()
        );
        let pool = pool.clone();
        Refusal::Exhausted {
            pool,
            family,
            detail,
        }
    }

    fn headroom(&mut self, name: &PoolName, family: Family) -> Headroom {
        let (mut free, mut blocks) = (0, 0);
        let mut unowned: u128 = 0;
        if let Some(pool) = self.view.pools.get(name) {
            for range in pool.value.ranges.iter().filter(|r| !r.draining) {
                if range.cidr.family() == family {
                    unowned = unowned.saturating_add(range.cidr.parts(range.block));
                }
            }
            let of = |block: &&Block| block.pool == *name && block.cidr.family() == family;
            blocks = self.blocks.iter().filter(of).count() as u64;
            let ready = |block: &Block| block.phase == Phase::Ready;
            free = u64::from(self.blocks.free(&pool.value, family, u32::MAX, ready));
        }
        let taken = self.view.blocks.iter();
        let taken = taken.filter(|((pool, cidr), block)| {
            pool == name && cidr.family() == family && block.value.owner.is_some()
        });
        let unowned = unowned.saturating_sub(taken.count() as u128);
        let pool = name.clone();
        Headroom {
            pool,
            family,
            free,
            blocks,
            unowned,
        }
    }

    /// Does another node show a free address of the pool?
    fn lends(&self, pool: &PoolName, family: Family) -> bool {
        self.lender(pool, family, &Default::default()).is_some()
    }
}

impl Pool {
    /// The families that it gives addresses of now, IPv4 first.
    pub(super) fn giving(&self) -> Vec<Family> {
        let ranges = self.ranges.iter().filter(|range| !range.draining);
        let mut families: Vec<_> = ranges.map(|range| range.cidr.family()).collect();
        families.sort_unstable();
        families.dedup();
        families
    }
}
