//! MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760, 2545, 8950; RFC 7606, 5.3 and 7.11).

use super::super::{Coding, cursor::Cursor, nlri};
use crate::attr::NextHop;
use crate::{Family, Prefix};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What an MP_REACH_NLRI says.
#[derive(Debug)]
pub(super) enum Reach {
    /// Of a family that was agreed on.
    Routes {
        /// None where it is no address of a host.
        next_hop: Option<NextHop>,
        prefixes: Vec<Prefix>,
    },
    /// Of another.
    Foreign(u16, u8),
}

/// What an MP_UNREACH_NLRI says.
#[derive(Debug)]
pub(super) enum Unreach {
    /// Of a family that was agreed on.
    Routes(Family, Vec<Prefix>),
    /// Of another.
    Foreign(u16, u8),
}

/// None where the prefixes cannot be told for sure.
pub(super) fn reach(value: &[u8], coding: &Coding) -> Option<Reach> {
    let mut left = Cursor::new(value);
    let (afi, safi) = (left.u16()?, left.u8()?);
    let next_hop = left.led_by_u8()?;
    let _reserved = left.u8()?;
    let Some(family) = Family::of(afi, safi).filter(|family| coding.speaks(*family)) else {
        return Some(Reach::Foreign(afi, safi));
    };
    let next_hop = match (family, next_hop.len()) {
        (Family::Ipv4, 4) => host_v4(next_hop.try_into().ok()?).map(NextHop::V4),
        (Family::Ipv4, 16 | 32) if coding.ipv4_by_ipv6 => host_v6(next_hop),
        (Family::Ipv6, 16 | 32) => host_v6(next_hop),
        _ => return None,
    };
    let mut prefixes = Vec::new();
    nlri::read(family, left.rest(), &mut prefixes)?;
    Some(Reach::Routes { next_hop, prefixes })
}

/// None where the prefixes cannot be told for sure.
pub(super) fn unreach(value: &[u8], coding: &Coding) -> Option<Unreach> {
    let mut left = Cursor::new(value);
    let (afi, safi) = (left.u16()?, left.u8()?);
    let Some(family) = Family::of(afi, safi).filter(|family| coding.speaks(*family)) else {
        return Some(Unreach::Foreign(afi, safi));
    };
    let mut prefixes = Vec::new();
    nlri::read(family, left.rest(), &mut prefixes)?;
    Some(Unreach::Routes(family, prefixes))
}

/// Where it is the address of a host (RFC 4271, 6.3): not of 0.0.0.0/8 or 127.0.0.0/8, no multicast or reserved one.
pub(super) fn host_v4(bytes: [u8; 4]) -> Option<Ipv4Addr> {
    let first = bytes[0];
    (first != 0 && first != 127 && first < 224).then(|| Ipv4Addr::from(bytes))
}

/// One address, or one and a link-local one (RFC 2545). Where the second is no such thing it is left out.
fn host_v6(bytes: &[u8]) -> Option<NextHop> {
    let mut left = Cursor::new(bytes);
    let address = Ipv6Addr::from(left.array::<16>()?);
    let link = left.array::<16>().map(Ipv6Addr::from);
    let none = address.is_unspecified() || address.is_loopback() || address.is_multicast();
    let link = link.filter(Ipv6Addr::is_unicast_link_local);
    (!none).then_some(NextHop::V6(address, link))
}
