//! Changing a pool while containers have addresses of it.
//!
//! What may go on under containers: growing, draining, other settings. What may not: a prefix or a block
//! length that changes while somebody owns a block of it, and a gateway that a container has. A prefix
//! that goes must be draining in the store already: only then is it certain that no node takes a block of
//! it at the same moment, since taking one compares the pool's revision.

use super::{GatewaySpec, Pool, PoolError, PoolPhase, RangeSpec};
use crate::{Cidr, Encap, Handover, Release};
use std::net::IpAddr;

/// A change of a prefix that is there. What is empty or none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeChange {
    /// The prefix.
    pub cidr: Cidr,
    /// The prefix length of its blocks.
    pub block: Option<u8>,
    /// Its gateway.
    pub gateway: Option<GatewaySpec>,
    /// What was excluded so far is not any more.
    pub include: bool,
    /// What is excluded from now on, too.
    pub exclude: Vec<String>,
}

impl RangeChange {
    /// A change of nothing.
    pub fn new(cidr: Cidr) -> RangeChange {
        RangeChange {
            cidr,
            block: None,
            gateway: None,
            include: false,
            exclude: Vec::new(),
        }
    }

    fn make(&self, range: &mut RangeSpec) {
        range.block = self.block.or(range.block);
        range.gateway = self.gateway.or(range.gateway);
        if self.include {
            range.exclude.clear();
        }
        for text in &self.exclude {
            if !range.exclude.contains(text) {
                range.exclude.push(text.clone());
            }
        }
    }
}

/// A change. What is empty or none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolChange {
    /// Prefixes that it gets.
    pub add: Vec<RangeSpec>,
    /// Prefixes whose gateway, exclusions or block length change.
    pub replace: Vec<RangeChange>,
    /// Prefixes that are drained.
    pub drain: Vec<Cidr>,
    /// Prefixes that give addresses again.
    pub undrain: Vec<Cidr>,
    /// Prefixes that go.
    pub remove: Vec<Cidr>,
    /// For the pool as a whole.
    pub phase: Option<PoolPhase>,
    /// Seconds.
    pub cooldown: Option<u64>,
    /// Free addresses that a node keeps at hand.
    pub reserve: Option<u32>,
    /// For workloads that do not say.
    pub release: Option<Release>,
    /// For claims that do not say.
    pub handover: Option<Handover>,
    /// Nodes that may use it.
    pub nodes: Option<String>,
    /// Namespaces that may use it.
    pub namespaces: Option<String>,
    /// How its addresses are reached on other nodes.
    pub encap: Option<Encap>,
    /// Whether packets to the outside get the node's address.
    pub masquerade: Option<bool>,
}

impl PoolChange {
    /// Retires the pool.
    pub fn retire() -> PoolChange {
        PoolChange {
            phase: Some(PoolPhase::Retiring),
            ..PoolChange::default()
        }
    }
}

/// Whether something is in use, and by what, in a few words.
pub trait InUse {
    /// Of a prefix: blocks with an owner, addresses that are not free, claims.
    fn prefix(&self, cidr: Cidr) -> Option<String>;
    /// Of an address: a container or a claim that has it.
    fn address(&self, ip: IpAddr) -> Option<String>;
}

impl Pool {
    /// The pool as it would be. Whether it then overlaps others is [`Pool::must_not_overlap`]'s.
    ///
    /// # Errors
    /// What is wrong with the change, or with the pool as it would be.
    pub fn changed(&self, change: &PoolChange, uses: &dyn InUse) -> Result<Pool, PoolError> {
        let mut spec = self.spec.clone();
        let position = |ranges: &[RangeSpec], field, index, cidr: Cidr| {
            let position = ranges.iter().position(|range| range.cidr == cidr);
            position.ok_or(PoolError::NoRange { field, index, cidr })
        };
        for (index, cidr) in change.remove.iter().copied().enumerate() {
            let at = position(&spec.ranges, "remove", index, cidr)?;
            self.must_be_empty("remove", index, cidr, uses)?;
            spec.ranges.remove(at);
        }
        for (index, range) in change.replace.iter().enumerate() {
            let at = position(&spec.ranges, "replace", index, range.cidr)?;
            range.make(&mut spec.ranges[at]);
        }
        let draining = [
            (&change.drain, "drain", true),
            (&change.undrain, "undrain", false),
        ];
        for (cidrs, field, draining) in draining {
            for (index, cidr) in cidrs.iter().copied().enumerate() {
                let at = position(&spec.ranges, field, index, cidr)?;
                spec.ranges[at].draining = draining;
            }
        }
        spec.ranges.extend(change.add.iter().cloned());
        if change.phase == Some(PoolPhase::Draining) && spec.phase == PoolPhase::Retiring {
            return Err(PoolError::Retires);
        }
        spec.phase = change.phase.unwrap_or(spec.phase);
        spec.cooldown = change.cooldown.unwrap_or(spec.cooldown);
        spec.reserve = change.reserve.unwrap_or(spec.reserve);
        spec.release = change.release.unwrap_or(spec.release);
        spec.handover = change.handover.unwrap_or(spec.handover);
        spec.nodes = change.nodes.clone().unwrap_or(spec.nodes);
        spec.namespaces = change.namespaces.clone().unwrap_or(spec.namespaces);
        spec.encap = change.encap.unwrap_or(spec.encap);
        spec.masquerade = change.masquerade.unwrap_or(spec.masquerade);
        let pool = Pool::new(self.name.clone(), spec)?;
        if change.namespaces.is_some() {
            pool.must_know_namespaces()?;
        }
        for (index, range) in change.replace.iter().enumerate() {
            self.may_become(index, range.cidr, &pool, uses)?;
        }
        Ok(pool)
    }

    /// Judges what another block length or gateway of a prefix would do.
    fn may_become(
        &self,
        index: usize,
        cidr: Cidr,
        pool: &Pool,
        uses: &dyn InUse,
    ) -> Result<(), PoolError> {
        let range = |pool: &Pool| pool.ranges.iter().find(|range| range.cidr == cidr).cloned();
        let (Some(old), Some(new)) = (range(self), range(pool)) else {
            return Ok(());
        };
        if old.block != new.block {
            let empty = self.must_be_empty("replace", index, cidr, uses);
            empty.map_err(|error| match error {
                PoolError::NotDraining { .. } => PoolError::BlockChanges {
                    index,
                    cidr,
                    block: old.block,
                },
                other => other,
            })?;
        }
        let gateway = new.gateway.filter(|_| new.gateway != old.gateway);
        match gateway.and_then(|ip| {
            uses.address(ip)
                .zip(Cidr::holding(ip, cidr.family().bits()))
        }) {
            Some((reason, cidr)) => Err(PoolError::InUse { cidr, reason }),
            None => Ok(()),
        }
    }

    /// Nobody has any of the prefix, and nobody can take any.
    fn must_be_empty(
        &self,
        field: &'static str,
        index: usize,
        cidr: Cidr,
        uses: &dyn InUse,
    ) -> Result<(), PoolError> {
        let mut ranges = self.ranges.iter();
        let draining = ranges.any(|range| range.cidr == cidr && range.draining);
        if !draining && self.spec.phase == PoolPhase::Active {
            return Err(PoolError::NotDraining { field, index, cidr });
        }
        match uses.prefix(cidr) {
            Some(reason) => Err(PoolError::InUse { cidr, reason }),
            None => Ok(()),
        }
    }
}
