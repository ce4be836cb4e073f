//! Addresses.

use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::IpNetwork;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use nix::libc;

use super::{address_family, emit};
use crate::address::{Address, AddressSpec};
use crate::raw::attr::Attrs;
use crate::route::{Family, Scope};

/// Length of `struct ifaddrmsg`.
const HEADER: usize = 8;

/// Asks for the addresses of one family or of both, of one link or (0) of all.
pub(crate) fn list(index: u32, family: Option<Family>) -> Vec<u8> {
    let mut message = AddressMessage::default();
    if let Some(family) = family {
        message.header.family = address_family(family);
    }
    message.header.index = index;
    emit(&message)
}

/// Adds an address.
pub(crate) fn add(index: u32, spec: &AddressSpec) -> Vec<u8> {
    let mut message = with_address(index, spec.ip);
    message.header.scope = AddressScope::from(spec.scope.0);
    let mut flags = AddressFlags::empty();
    flags.set(AddressFlags::Nodad, spec.nodad);
    flags.set(AddressFlags::Noprefixroute, spec.no_prefix_route);
    if !flags.is_empty() {
        // The header has room for the lower eight; the attribute has them all.
        message.header.flags = AddressHeaderFlags::from_bits_retain((flags.bits() & 0xff) as u8);
        message.attributes.push(AddressAttribute::Flags(flags));
    }
    message
        .attributes
        .extend(broadcast(spec).map(AddressAttribute::Broadcast));
    emit(&message)
}

/// Deletes an address.
pub(crate) fn delete(index: u32, ip: IpNetwork) -> Vec<u8> {
    emit(&with_address(index, ip))
}

fn with_address(index: u32, ip: IpNetwork) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = address_family(Family::of(ip.ip()));
    message.header.prefix_len = ip.prefix();
    message.header.index = index;
    message.attributes = vec![
        AddressAttribute::Local(ip.ip()),
        AddressAttribute::Address(ip.ip()),
    ];
    message
}

fn broadcast(spec: &AddressSpec) -> Option<Ipv4Addr> {
    match spec.ip {
        IpNetwork::V4(v4) => spec
            .broadcast
            .or_else(|| (v4.prefix() < 31).then(|| v4.broadcast())),
        IpNetwork::V6(_) => None,
    }
}

/// Reads an RTM_NEWADDR. None if it is of neither family or has no address.
pub(crate) fn decode(body: &[u8]) -> Option<Address> {
    let [family, prefix, flags, scope, i0, i1, i2, i3] = *body.first_chunk::<HEADER>()?;
    let mut flags = u32::from(flags);
    let (mut local, mut address) = (None, None);
    for attr in Attrs::after(HEADER, body) {
        match attr.kind {
            libc::IFA_LOCAL => local = attr.ip(),
            libc::IFA_ADDRESS => address = attr.ip(),
            libc::IFA_FLAGS => flags = attr.u32()?,
            _ => {}
        }
    }
    // Of a point-to-point link, ADDRESS is the other end.
    let ip = local.or(address)?;
    let expected = match ip {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    let flags = AddressFlags::from_bits_retain(flags);
    (i32::from(family) == expected).then_some(())?;
    Some(Address {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        ip: IpNetwork::new(ip, prefix).ok()?,
        scope: Scope(scope),
        tentative: flags.contains(AddressFlags::Tentative),
        dad_failed: flags.contains(AddressFlags::Dadfailed),
        permanent: flags.contains(AddressFlags::Permanent),
        // For IPv6 the same bit means "temporary".
        secondary: ip.is_ipv4() && flags.contains(AddressFlags::Secondary),
    })
}
