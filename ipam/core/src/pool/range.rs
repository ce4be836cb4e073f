//! One prefix of a pool: its blocks, and which of its addresses are given.
//!
//! Every question is answered by arithmetic, never by going through the addresses, so that a /12 or a /48
//! costs what a /24 does.

use super::{GatewaySpec, PoolError, RangeSpec};
use crate::{
    Cidr, Family,
    cidr::{V4_SPECIAL, V6_SPECIAL, number},
};
use std::net::IpAddr;

/// One prefix of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The prefix.
    pub cidr: Cidr,
    /// The prefix length of its blocks.
    pub block: u8,
    /// Never given to a container.
    pub gateway: Option<IpAddr>,
    /// It gives no addresses.
    pub draining: bool,
    /// First and last number of what is never given: exclusions, gateway, edges. In order, apart.
    withheld: Vec<(u128, u128)>,
}

impl Range {
    /// Judges a prefix; `index` is for the error.
    pub(super) fn new(index: usize, spec: &RangeSpec) -> Result<Range, PoolError> {
        let cidr = spec.cidr;
        let family = cidr.family();
        let special = match family {
            Family::V4 => V4_SPECIAL,
            Family::V6 => V6_SPECIAL,
        };
        for (prefix, what) in special {
            let special = prefix.parse::<Cidr>();
            if let Some(special) = special.ok().filter(|special| special.overlaps(cidr)) {
                return Err(PoolError::Unusable {
                    index,
                    cidr,
                    special,
                    what,
                });
            }
        }
        let block = block(index, spec)?;
        let edges = edges(cidr);
        let gateway = match spec.gateway {
            Some(GatewaySpec::None) => None,
            Some(GatewaySpec::Address(gateway)) => {
                if !cidr.contains(gateway) || edges.contains(&gateway) {
                    return Err(PoolError::Gateway {
                        index,
                        gateway,
                        cidr,
                    });
                }
                Some(gateway)
            }
            None => (cidr.size() > 2).then(|| cidr.nth(1)).flatten(),
        };
        let mut withheld = exclusions(index, spec)?;
        let single = edges.into_iter().chain(gateway).map(number);
        withheld.extend(single.map(|ip| (ip, ip)));
        let range = Range {
            cidr,
            block,
            gateway,
            draining: spec.draining,
            withheld: merged(withheld),
        };
        match range.gives_in(cidr) {
            0 => Err(PoolError::Empty { index, cidr }),
            _ => Ok(range),
        }
    }

    /// The block that holds an address of this prefix.
    pub fn block_of(&self, ip: IpAddr) -> Option<Cidr> {
        self.cidr
            .contains(ip)
            .then(|| Cidr::holding(ip, self.block))
            .flatten()
    }

    /// How many blocks it has.
    pub fn blocks(&self) -> u128 {
        self.cidr.parts(self.block)
    }

    /// May the address be given to a container? Not the gateway, an excluded one, IPv4's network and
    /// broadcast addresses (of prefixes shorter than /31), IPv6's subnet-router anycast (RFC 4291, 2.6.1;
    /// of prefixes shorter than /127, RFC 6164).
    pub fn gives(&self, ip: IpAddr) -> bool {
        let at = number(ip);
        let after = self.withheld.partition_point(|(first, _)| *first <= at);
        self.cidr.contains(ip) && (after == 0 || self.withheld[after - 1].1 < at)
    }

    /// How many addresses of that part of it may be given.
    pub fn gives_in(&self, part: Cidr) -> u128 {
        if part.family() != self.cidr.family() || part.prefix() < self.cidr.prefix() {
            return 0;
        }
        let (first, last) = (number(part.first()), number(part.last()));
        let begin = self.withheld.partition_point(|(_, end)| *end < first);
        let inside = self.withheld[begin..].iter();
        let inside = inside.take_while(|(start, _)| *start <= last);
        let withheld = inside.map(|(start, end)| (*end).min(last) - (*start).max(first) + 1);
        match self.cidr.contains(part.first()) {
            true => part.size() - withheld.sum::<u128>(),
            false => 0,
        }
    }
}

/// What a prefix does not give whatever is written.
fn edges(cidr: Cidr) -> Vec<IpAddr> {
    match cidr.family() {
        Family::V4 if cidr.prefix() < 31 => vec![cidr.first(), cidr.last()],
        Family::V6 if cidr.prefix() < 127 => vec![cidr.first()],
        _ => Vec::new(),
    }
}

fn block(index: usize, spec: &RangeSpec) -> Result<u8, PoolError> {
    let cidr = spec.cidr;
    let family = cidr.family();
    let (min, max, default) = match family {
        Family::V4 => (20, 32, 26),
        Family::V6 => (116, 128, 122),
    };
    let block = spec.block.unwrap_or(cidr.prefix().max(default));
    if !(min..=max).contains(&block) {
        return Err(PoolError::BlockLength {
            index,
            block,
            family,
            min,
            max,
        });
    }
    match block < cidr.prefix() {
        true => Err(PoolError::BlockTooLarge { index, block, cidr }),
        false => Ok(block),
    }
}

fn exclusions(index: usize, spec: &RangeSpec) -> Result<Vec<(u128, u128)>, PoolError> {
    let (count, max) = (spec.exclude.len(), RangeSpec::EXCLUSIONS);
    if count > max {
        return Err(PoolError::Exclusions { index, count, max });
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
        if !spec.cidr.contains(first) || !spec.cidr.contains(last) {
            return Err(fail("is not inside the prefix"));
        }
        excluded.push((number(first), number(last)));
    }
    Ok(excluded)
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

/// In order and apart, so that a search can halve and a sum counts nothing twice.
pub(super) fn merged(mut spans: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    spans.sort_unstable();
    let mut all: Vec<(u128, u128)> = Vec::new();
    for (first, last) in spans {
        match all.last_mut() {
            Some(before) if before.1.saturating_add(1) >= first => before.1 = before.1.max(last),
            _ => all.push((first, last)),
        }
    }
    all
}
