//! Pools: where addresses come from.
//!
//! A [`PoolSpec`] is what somebody wrote; a [`Pool`] is one that was judged and cannot be wrong. Pools that
//! overlap give one address twice, and a block length that changes under a block's owner gives two nodes
//! the same addresses: both are refused here, and the store's conditions see to it that two changes, each
//! harmless by itself, cannot cross (`admin`).

mod change;
mod error;
mod range;
#[cfg(test)]
mod tests;

pub use change::{InUse, PoolChange, RangeChange};
pub use error::PoolError;
pub use range::Range;

use crate::{Cidr, Encap, Family, Handover, PoolName, Release, Selector};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{AddrParseError, IpAddr},
    str::FromStr,
};

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

/// A prefix's gateway, as written: an address, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GatewaySpec {
    /// There is none, and no address is set aside for one.
    None,
    /// This one.
    Address(IpAddr),
}

impl FromStr for GatewaySpec {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        match text {
            "none" => Ok(GatewaySpec::None),
            _ => text.parse().map(GatewaySpec::Address),
        }
    }
}

impl TryFrom<String> for GatewaySpec {
    type Error = AddrParseError;

    fn try_from(text: String) -> Result<Self, AddrParseError> {
        text.parse()
    }
}

impl From<GatewaySpec> for String {
    fn from(gateway: GatewaySpec) -> String {
        gateway.to_string()
    }
}

impl From<IpAddr> for GatewaySpec {
    fn from(ip: IpAddr) -> GatewaySpec {
        GatewaySpec::Address(ip)
    }
}

impl fmt::Display for GatewaySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GatewaySpec::None => f.write_str("none"),
            GatewaySpec::Address(ip) => ip.fmt(f),
        }
    }
}

/// One prefix of a pool, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSpec {
    /// The prefix.
    pub cidr: Cidr,
    /// The prefix length of its blocks. Default /26 and /122, or the prefix's own length if that is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u8>,
    /// Never given to a container. Default: the first address after the network's own; none where the
    /// prefix has two addresses or one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewaySpec>,
    /// Addresses, prefixes or `FIRST-LAST` that are never given. At most [`RangeSpec::EXCLUSIONS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// This prefix alone is draining.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
}

impl RangeSpec {
    /// How many exclusions a prefix may have.
    pub const EXCLUSIONS: usize = 1024;

    /// A prefix with default settings.
    pub fn new(cidr: Cidr) -> RangeSpec {
        RangeSpec {
            cidr,
            block: None,
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        }
    }
}

/// What is known of a namespace: both are its name.
pub const NAMESPACE_LABELS: [&str; 2] = ["name", "kubernetes.io/metadata.name"];

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
    /// Namespaces that may use it, by [`NAMESPACE_LABELS`]. Empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespaces: String,
    /// How its addresses are reached on other nodes, where it is in a network.
    #[serde(default, skip_serializing_if = "Encap::is_default")]
    pub encap: Encap,
    /// Packets of its containers to the outside of all networks get the node's address.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub masquerade: bool,
    /// What becomes of it.
    #[serde(default)]
    pub phase: PoolPhase,
}

impl PoolSpec {
    /// A pool with default settings.
    pub fn new(ranges: Vec<RangeSpec>) -> PoolSpec {
        PoolSpec {
            ranges,
            cooldown: default_cooldown(),
            reserve: default_reserve(),
            release: Release::default(),
            handover: Handover::default(),
            nodes: String::new(),
            namespaces: String::new(),
            encap: Encap::default(),
            masquerade: yes(),
            phase: PoolPhase::default(),
        }
    }
}

fn default_cooldown() -> u64 {
    30
}

fn default_reserve() -> u32 {
    8
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_yes(value: &bool) -> bool {
    *value
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
            ranges.push(Range::new(index, range)?);
        }
        Ok(Pool {
            name,
            spec,
            ranges,
            nodes,
            namespaces,
        })
    }

    /// Its namespaces are asked for by what is known of them. By any other label nothing is kept apart:
    /// `tenant!=b` takes all that have no such label, which are all. To be asked where the selector is
    /// written only, so that a pool that stands in a store stays readable.
    ///
    /// # Errors
    /// Another label.
    pub fn must_know_namespaces(&self) -> Result<(), PoolError> {
        let mut keys = self.namespaces.keys();
        match keys.find(|key| !NAMESPACE_LABELS.contains(key)) {
            Some(key) => Err(PoolError::NamespaceLabel {
                key: key.to_owned(),
            }),
            None => Ok(()),
        }
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

    /// The prefix that this is a block of.
    pub fn range_of_block(&self, block: Cidr) -> Option<&Range> {
        let range = self.range_of(block.first())?;
        (range.block == block.prefix()).then_some(range)
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

    /// How many addresses can be given in all, of both families, used ones included.
    pub fn size(&self) -> u128 {
        let sizes = self.ranges.iter().map(|range| range.gives_in(range.cidr));
        sizes.fold(0, u128::saturating_add)
    }

    /// How long a freed address rests, in milliseconds.
    pub fn cooldown(&self) -> u64 {
        self.spec.cooldown * 1000
    }
}
