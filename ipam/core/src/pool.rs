//! Pools: where addresses come from.
//!
//! A [`PoolSpec`] is what somebody wrote; a [`Pool`] is one that was judged and cannot be wrong.

use crate::{Cidr, Family, Handover, PoolName, Release, Selector, SelectorError};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What becomes of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolPhase {
    /// It gives addresses.
    #[default]
    Active,
    /// It gives none, what is out stays out.
    Draining,
    /// As draining, and it goes when the last address is back.
    Retiring,
}

/// One prefix of a pool, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSpec {
    /// The prefix.
    pub cidr: Cidr,
    /// The prefix length of its blocks. Default /26 and /122, or the prefix's own length if that is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u8>,
    /// Never given to a container. Default: the first address after the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Addresses, prefixes or `FIRST-LAST` that are never given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// This prefix alone is draining.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
}

/// A pool, as written: the form of the store, the socket API and `netctl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSpec {
    /// At most 64. A container gets one address of each family that is there.
    pub ranges: Vec<RangeSpec>,
    /// How long a freed address rests, in seconds. Default 30, at most a week.
    #[serde(default = "default_cooldown")]
    pub cooldown: u64,
    /// How many free addresses a node keeps at hand for when the store is away. Default 8, at most 4096.
    #[serde(default = "default_reserve")]
    pub reserve: u32,
    /// What holds for workloads that do not say.
    #[serde(default)]
    pub release: Release,
    /// What holds for claims that do not say.
    #[serde(default)]
    pub handover: Handover,
    /// Nodes that may use it, by their labels. Empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nodes: String,
    /// Namespaces that may use it, by `name`. Empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespaces: String,
    /// What becomes of it.
    #[serde(default)]
    pub phase: PoolPhase,
}

fn default_cooldown() -> u64 {
    30
}

fn default_reserve() -> u32 {
    8
}

/// What is wrong with a pool. Each message begins with the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// None, or too many.
    #[error("ranges: {count} prefixes; a pool has 1 to 64")]
    Count {
        /// How many.
        count: usize,
    },
    /// A block must fit into its prefix.
    #[error("ranges[{index}].block: a block of /{block} is larger than the prefix {cidr}")]
    BlockTooLarge {
        /// Which range.
        index: usize,
        /// The block's length.
        block: u8,
        /// The prefix.
        cidr: Cidr,
    },
    /// A block has at most 4096 addresses and at least one.
    #[error(
        "ranges[{index}].block: /{block} is out of range; blocks have 1 to 4096 addresses, for {family} /{min} to /{max}"
    )]
    BlockLength {
        /// Which range.
        index: usize,
        /// The block's length.
        block: u8,
        /// Whose lengths are meant.
        family: Family,
        /// The largest block.
        min: u8,
        /// The smallest.
        max: u8,
    },
    /// The gateway is not in the prefix.
    #[error("ranges[{index}].gateway: {gateway} is not an address of {cidr}")]
    Gateway {
        /// Which range.
        index: usize,
        /// The gateway.
        gateway: IpAddr,
        /// The prefix.
        cidr: Cidr,
    },
    /// An exclusion is malformed or outside.
    #[error("ranges[{index}].exclude[{item}]: {text:?} {reason}")]
    Exclude {
        /// Which range.
        index: usize,
        /// Which exclusion.
        item: usize,
        /// As it was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two prefixes of one pool overlap.
    #[error("ranges[{index}].cidr: {cidr} overlaps {other} of the same pool")]
    OverlapsItself {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
        /// The other prefix.
        other: Cidr,
    },
    /// A prefix is another pool's too.
    #[error("ranges[{index}].cidr: {cidr} overlaps {other} of pool {pool}")]
    Overlaps {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
        /// The other prefix.
        other: Cidr,
        /// The other pool.
        pool: PoolName,
    },
    /// Nothing is left to give.
    #[error("ranges[{index}]: {cidr} has no address to give")]
    Empty {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
    },
    /// A number out of range.
    #[error("{field}: {value} is out of range; at most {max}")]
    TooMuch {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// The largest.
        max: u64,
    },
    /// A selector is malformed.
    #[error("{field}: {error}")]
    Selector {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        error: SelectorError,
    },
    /// A change that would take addresses from under containers.
    #[error("ranges: {cidr} is in use: {reason}")]
    InUse {
        /// The prefix.
        cidr: Cidr,
        /// By what.
        reason: String,
    },
}

/// One prefix of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The prefix.
    pub cidr: Cidr,
    /// The prefix length of its blocks.
    pub block: u8,
    /// Never given to a container.
    pub gateway: Option<IpAddr>,
    /// First and last of what is never given, in order.
    excluded: Vec<(IpAddr, IpAddr)>,
    /// It gives no addresses.
    pub draining: bool,
}

/// A pool that was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: PoolName,
    /// What it was made from.
    pub spec: PoolSpec,
    /// Its prefixes.
    pub ranges: Vec<Range>,
    /// Nodes that may use it.
    pub nodes: Selector,
    /// Namespaces that may use it.
    pub namespaces: Selector,
}

impl Range {
    /// The block that holds an address of this prefix.
    pub fn block_of(&self, ip: IpAddr) -> Option<Cidr> {
        self.cidr
            .contains(ip)
            .then(|| Cidr::holding(ip, self.block))
            .flatten()
    }

    /// May the address be given to a container? Not the gateway, an excluded one, IPv4's network and
    /// broadcast addresses (of prefixes shorter than /31), IPv6's subnet-router anycast (RFC 4291, 2.6.1).
    pub fn gives(&self, ip: IpAddr) -> bool {
        let edge = match self.cidr.family() {
            Family::V4 if self.cidr.prefix() < 31 => {
                ip == self.cidr.first() || ip == self.cidr.last()
            }
            Family::V6 if self.cidr.prefix() < 127 => ip == self.cidr.first(),
            _ => false,
        };
        let excluded = || {
            let after = self.excluded.partition_point(|(first, _)| *first <= ip);
            after > 0 && self.excluded[after - 1].1 >= ip
        };
        self.cidr.contains(ip) && !edge && self.gateway != Some(ip) && !excluded()
    }
}

impl Pool {
    /// Judges a pool by itself; whether it overlaps others is [`Pool::must_not_overlap`]'s.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(name: PoolName, spec: PoolSpec) -> Result<Pool, PoolError> {
        if spec.ranges.is_empty() || spec.ranges.len() > 64 {
            return Err(PoolError::Count {
                count: spec.ranges.len(),
            });
        }
        let limit = |field, value, max| match value > max {
            true => Err(PoolError::TooMuch { field, value, max }),
            false => Ok(()),
        };
        limit("cooldown", spec.cooldown, 7 * 86400)?;
        limit("reserve", u64::from(spec.reserve), 4096)?;
        let selector = |field, text: &str| {
            Selector::parse(text).map_err(|error| PoolError::Selector { field, error })
        };
        let nodes = selector("nodes", &spec.nodes)?;
        let namespaces = selector("namespaces", &spec.namespaces)?;
        let mut ranges: Vec<Range> = Vec::new();
        for (index, range) in spec.ranges.iter().enumerate() {
            let cidr = range.cidr;
            if let Some(other) = ranges.iter().find(|other| other.cidr.overlaps(cidr)) {
                let other = other.cidr;
                return Err(PoolError::OverlapsItself { index, cidr, other });
            }
            ranges.push(self::range(index, range)?);
        }
        Ok(Pool {
            name,
            spec,
            ranges,
            nodes,
            namespaces,
        })
    }

    /// Judges it beside the other pools.
    ///
    /// # Errors
    /// The first overlap.
    pub fn must_not_overlap<'a>(
        &self,
        others: impl IntoIterator<Item = &'a Pool>,
    ) -> Result<(), PoolError> {
        for other in others {
            if other.name == self.name {
                continue;
            }
            for (index, range) in self.ranges.iter().enumerate() {
                let mut theirs = other.ranges.iter().map(|range| range.cidr);
                if let Some(theirs) = theirs.find(|cidr| cidr.overlaps(range.cidr)) {
                    return Err(PoolError::Overlaps {
                        index,
                        cidr: range.cidr,
                        other: theirs,
                        pool: other.name.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The prefix that an address belongs to.
    pub fn range_of(&self, ip: IpAddr) -> Option<&Range> {
        self.ranges.iter().find(|range| range.cidr.contains(ip))
    }

    /// The families it has, in order.
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<_> = self
            .ranges
            .iter()
            .map(|range| range.cidr.family())
            .collect();
        families.sort_unstable();
        families.dedup();
        families
    }

    /// How long a freed address rests, in milliseconds.
    pub fn cooldown(&self) -> u64 {
        self.spec.cooldown * 1000
    }
}

fn range(index: usize, spec: &RangeSpec) -> Result<Range, PoolError> {
    let cidr = spec.cidr;
    let family = cidr.family();
    let (min, max, default) = match family {
        Family::V4 => (20, 32, 26),
        Family::V6 => (116, 128, 122),
    };
    let block = spec.block.unwrap_or(default.max(cidr.prefix()));
    if !(min..=max).contains(&block) {
        return Err(PoolError::BlockLength {
            index,
            block,
            family,
            min,
            max,
        });
    }
    if block < cidr.prefix() {
        return Err(PoolError::BlockTooLarge { index, block, cidr });
    }
    if let Some(gateway) = spec.gateway
        && !cidr.contains(gateway)
    {
        return Err(PoolError::Gateway {
            index,
            gateway,
            cidr,
        });
    }
    let mut excluded = Vec::new();
    for (item, text) in spec.exclude.iter().enumerate() {
        let fail = |reason| PoolError::Exclude {
            index,
            item,
            text: text.clone(),
            reason,
        };
        let (first, last) = span(text)
            .ok_or_else(|| fail("is no address, no prefix and no FIRST-LAST in ascending order"))?;
        if !cidr.contains(first) || !cidr.contains(last) {
            return Err(fail("is not inside the prefix"));
        }
        excluded.push((first, last));
    }
    let excluded = merged(excluded);
    let gateway = spec
        .gateway
        .or_else(|| (cidr.size() > 2).then(|| cidr.nth(1)).flatten());
    let range = Range {
        cidr,
        block,
        gateway,
        excluded,
        draining: spec.draining,
    };
    // At most network, broadcast and gateway lie between two exclusions without being given.
    let mut at = Some(cidr.first());
    let mut tried = 0;
    while let Some(ip) = at.filter(|ip| cidr.contains(*ip)) {
        if range.gives(ip) {
            return Ok(range);
        }
        tried += 1;
        if tried > 4 + 2 * range.excluded.len() {
            break;
        }
        let behind = range.excluded.iter().find(|(a, b)| *a <= ip && ip <= *b);
        let last = behind.map_or(ip, |(_, last)| *last);
        at = crate::cidr::number(last)
            .checked_add(1)
            .filter(|_| last != cidr.last())
            .map(|next| family.address(next));
    }
    Err(PoolError::Empty { index, cidr })
}

fn span(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last): (IpAddr, IpAddr) =
            (first.trim().parse().ok()?, last.trim().parse().ok()?);
        return (Family::of(first) == Family::of(last) && first <= last).then_some((first, last));
    }
    if text.contains('/') {
        let cidr: Cidr = text.parse().ok()?;
        return Some((cidr.first(), cidr.last()));
    }
    let ip = text.parse().ok()?;
    Some((ip, ip))
}

/// In order and without overlaps, so that a search can halve.
fn merged(mut spans: Vec<(IpAddr, IpAddr)>) -> Vec<(IpAddr, IpAddr)> {
    spans.sort_unstable();
    let mut all: Vec<(IpAddr, IpAddr)> = Vec::new();
    for (first, last) in spans {
        match all.last_mut() {
            Some(before) if before.1 >= first => before.1 = before.1.max(last),
            _ => all.push((first, last)),
        }
    }
    all
}
