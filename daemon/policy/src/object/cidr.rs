//! Blocks of addresses.
//!
//! Written with host bits, half the tools take `10.0.0.5/8` as 10.0.0.0/8 and the others as one host; with
//! leading zeros, some read octal. Neither is guessed: both are refused.

use super::{
    error::{Reason, clip},
    field::{self, Faults, Path},
};
use crate::spec::Block;
use ipnetwork::IpNetwork;
use serde_json::Value;
use std::net::IpAddr;

fn read(given: &str) -> Result<IpNetwork, &'static str> {
    let (address, length) = given
        .split_once('/')
        .ok_or("it has no / and prefix length")?;
    let address: IpAddr = address.parse().map_err(|_| "that is no IP address")?;
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err("write IPv4 addresses as such, not mapped into IPv6");
    }
    let canonical = |length: &u8| length.to_string() == given.rsplit('/').next().unwrap_or("");
    let length: Option<u8> = length.parse().ok().filter(canonical);
    let network = length.and_then(|length| IpNetwork::new(address, length).ok());
    network.ok_or("that is no prefix length of such an address")
}

/// A CIDR without host bits.
pub fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<IpNetwork> {
    let given = field::text(value, at, faults)?;
    if given.is_empty() {
        return faults.add(at, Reason::Missing);
    }
    let network = match read(given) {
        Ok(network) => network,
        Err(what) => {
            let given = clip(given);
            return faults.add(at, Reason::Cidr { given, what });
        }
    };
    match IpNetwork::new(network.network(), network.prefix()) {
        Ok(meant) if meant != network => {
            let given = clip(given);
            faults.add(at, Reason::HostBits { given, meant })
        }
        _ => Some(network),
    }
}

/// `ipBlock`: a CIDR and what is taken out of it.
pub(crate) fn block(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Block> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["cidr", "except"], at, faults);
    let cidr = field::required(map, "cidr", at, faults)
        .and_then(|value| parse(value, &at.field("cidr"), faults));
    let except = match field::optional(map, "except", at, faults) {
        None => Some(Vec::new()),
        Some(value) => field::list(value, &at.field("except"), faults, |value, at, faults| {
            let given = parse(value, at, faults)?;
            match cidr {
                Some(cidr) if !cidr.contains(given.ip()) || given.prefix() <= cidr.prefix() => {
                    faults.add(at, Reason::Outside { given, cidr })
                }
                _ => Some(given),
            }
        }),
    };
    let (cidr, except) = (cidr?, except?);
    Some(Block { cidr, except })
}
