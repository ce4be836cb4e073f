//! The values of attributes (RFC 4271, 5; RFC 7606, 7; and the RFC of each).

use super::super::{Coding, Wrong, code, cursor::Cursor, path};
use super::mp;
use crate::attr::{
    Aggregator, AsPath, Attributes, Community, ExtendedCommunity, LargeCommunity, Origin, Unknown,
};
use crate::{Asn, RouterId};
use std::net::Ipv4Addr;

/// Those that were there and are right.
#[derive(Debug, Default)]
pub(super) struct Values {
    origin: Option<Origin>,
    as_path: Option<AsPath>,
    pub(super) next_hop: Option<Ipv4Addr>,
    med: Option<u32>,
    local_pref: Option<u32>,
    atomic_aggregate: bool,
    aggregator: Option<Aggregator>,
    communities: Vec<Community>,
    extended: Vec<ExtendedCommunity>,
    large: Vec<LargeCommunity>,
    originator: Option<RouterId>,
    clusters: Vec<RouterId>,
    as4_path: Option<AsPath>,
    as4_aggregator: Option<Aggregator>,
    unknown: Vec<Unknown>,
}

impl Values {
    /// One that is known here.
    ///
    /// # Errors
    /// With what is wrong; what is done about it depends on its type.
    pub(super) fn take(&mut self, code: u8, value: &[u8], coding: &Coding) -> Result<(), Wrong> {
        match code {
            code::ORIGIN => {
                self.origin = Some(match octets(value)? {
                    [0] => Origin::Igp,
                    [1] => Origin::Egp,
                    [2] => Origin::Incomplete,
                    _ => return Err(Wrong::Value),
                });
            }
            code::AS_PATH => self.as_path = Some(path::read(value, path::Kind::Path, coding)?),
            code::NEXT_HOP => {
                self.next_hop = Some(mp::host_v4(octets(value)?).ok_or(Wrong::Value)?);
            }
            code::MULTI_EXIT_DISC => self.med = Some(number(value)?),
            code::LOCAL_PREF => self.local_pref = Some(number(value)?),
            code::ATOMIC_AGGREGATE => {
                let [] = octets(value)?;
                self.atomic_aggregate = true;
            }
            code::AGGREGATOR => self.aggregator = Some(aggregator(value, coding.four_octets)?),
            code::COMMUNITIES => {
                self.communities = sorted(value, |mark| Community(u32::from_be_bytes(mark)))?;
            }
            code::ORIGINATOR_ID => {
                self.originator = Some(RouterId::new(number(value)?).ok_or(Wrong::Value)?);
            }
            code::CLUSTER_LIST => {
                let clusters = all(value, |id| RouterId::new(u32::from_be_bytes(id)))?;
                let clusters = clusters.into_iter().collect::<Option<_>>();
                self.clusters = clusters.ok_or(Wrong::Value)?;
            }
            code::EXTENDED_COMMUNITIES => {
                self.extended = sorted(value, |mark| ExtendedCommunity(u64::from_be_bytes(mark)))?;
            }
            code::AS4_PATH => {
                if value.is_empty() {
                    return Err(Wrong::Length(0));
                }
                self.as4_path = Some(path::read(value, path::Kind::As4, coding)?);
            }
            code::AS4_AGGREGATOR => self.as4_aggregator = Some(aggregator(value, true)?),
            code::LARGE_COMMUNITY => self.large = sorted(value, large)?,
            _ => self.keep(code, value),
        }
        Ok(())
    }

    /// One that is not known here and goes on to others.
    pub(super) fn keep(&mut self, code: u8, value: &[u8]) {
        let value = value.into();
        self.unknown.push(Unknown { code, value });
    }

    /// None where one that must be there is not.
    pub(super) fn attributes(mut self, coding: &Coding) -> Option<Attributes> {
        let mut as_path = self.as_path?;
        if !coding.four_octets {
            let elsewhere = |aggregator: &Aggregator| aggregator.asn != Asn::TRANS;
            // Somebody who knows nothing of longer numbers made an aggregate of its own (RFC 6793, 4.2.3).
            let stale =
                self.as4_aggregator.is_some() && self.aggregator.is_some_and(|a| elsewhere(&a));
            if let (false, Some(as4)) = (stale, self.as4_path) {
                as_path = path::merged(as_path, as4);
            }
            if let (false, Some(_), Some(as4)) = (stale, self.aggregator, self.as4_aggregator) {
                self.aggregator = Some(as4);
            }
        }
        self.unknown.sort_unstable_by_key(|unknown| unknown.code);
        Some(Attributes {
            origin: self.origin?,
            as_path,
            med: self.med,
            local_pref: self.local_pref,
            atomic_aggregate: self.atomic_aggregate,
            aggregator: self.aggregator,
            communities: self.communities,
            extended: self.extended,
            large: self.large,
            originator: self.originator,
            clusters: self.clusters,
            unknown: self.unknown,
        })
    }
}

fn octets<const N: usize>(value: &[u8]) -> Result<[u8; N], Wrong> {
    value.try_into().map_err(|_| Wrong::Length(value.len()))
}

fn number(value: &[u8]) -> Result<u32, Wrong> {
    octets(value).map(u32::from_be_bytes)
}

/// AS and identifier.
fn aggregator(value: &[u8], four_octets: bool) -> Result<Aggregator, Wrong> {
    let mut left = Cursor::new(value);
    let asn = match four_octets {
        true => left.u32(),
        false => left.u16().map(u32::from),
    };
    let (Some(asn), Some(router), true) = (asn, left.u32(), left.is_empty()) else {
        return Err(Wrong::Length(value.len()));
    };
    Ok(Aggregator {
        asn: Asn::new(asn).ok_or(Wrong::AsZero)?,
        router: Ipv4Addr::from_bits(router),
    })
}

/// At least one, each of so many octets.
fn all<T, const N: usize>(value: &[u8], of: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Wrong> {
    match value.as_chunks() {
        ([], _) | (_, [_, ..]) => Err(Wrong::Length(value.len())),
        (all, []) => Ok(all.iter().map(|one| of(*one)).collect()),
    }
}

/// Likewise, ascending, each once.
fn sorted<T: Ord, const N: usize>(
    value: &[u8],
    of: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, Wrong> {
    let mut all = all(value, of)?;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn large(mark: [u8; 12]) -> LargeCommunity {
    let bits = mark
        .iter()
        .fold(0u128, |bits, octet| bits << 8 | u128::from(*octet));
    let part = |shift: u32| (bits >> shift) as u32;
    LargeCommunity {
        global: part(64),
        local: [part(32), part(0)],
    }
}
