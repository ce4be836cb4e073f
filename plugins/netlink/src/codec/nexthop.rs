//! Next hops. netlink-packet-route has no types for them.

use std::net::IpAddr;

use nix::libc;

use super::{emit, encap};
use crate::nexthop::Nexthop;
use crate::raw::attr::{Attrs, TooLong, Writer};

/// Length of `struct nhmsg`.
const HEADER: usize = 8;
const NHA_ID: u16 = 1;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_ENCAP_TYPE: u16 = 7;
const NHA_ENCAP: u16 = 8;
const RTNH_F_ONLINK: u32 = 4;

/// Asks for all.
pub(crate) fn list() -> Vec<u8> {
    vec![0; HEADER]
}

/// Sets a next hop.
pub(crate) fn set(nexthop: &Nexthop) -> Result<Vec<u8>, TooLong> {
    let family = match nexthop.gateway {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    let flags = if nexthop.onlink { RTNH_F_ONLINK } else { 0 };
    let mut header = vec![family as u8, 0, nexthop.protocol, 0];
    header.extend_from_slice(&flags.to_ne_bytes());
    let mut writer = Writer::with_header(&header);
    writer.put_u32(NHA_ID, nexthop.id);
    match nexthop.gateway {
        IpAddr::V4(v4) => writer.put(NHA_GATEWAY, &v4.octets()),
        IpAddr::V6(v6) => writer.put(NHA_GATEWAY, &v6.octets()),
    };
    writer.put_u32(NHA_OIF, nexthop.oif);
    if let Some((kind, values)) = nexthop.encap.as_ref().and_then(encap::parts) {
        writer.put_u16(NHA_ENCAP_TYPE, kind.into());
        writer.put(
            NHA_ENCAP | crate::raw::attr::NESTED,
            &emit(&values.as_slice()),
        );
    }
    writer.finish()
}

/// Deletes a next hop.
pub(crate) fn delete(id: u32) -> Result<Vec<u8>, TooLong> {
    let mut writer = Writer::with_header(&[0; HEADER]);
    writer.put_u32(NHA_ID, id);
    writer.finish()
}

/// Reads an RTM_NEWNEXTHOP. None if it is a group or has no gateway.
pub(crate) fn decode(body: &[u8]) -> Option<Nexthop> {
    let [_, _, protocol, _, f0, f1, f2, f3] = *body.first_chunk::<HEADER>()?;
    let attrs = Attrs::after(HEADER, body);
    let find = |kind| attrs.clone().find_kind(kind);
    let kind = find(NHA_ENCAP_TYPE).and_then(|attr| attr.u16());
    let values = find(NHA_ENCAP);
    Some(Nexthop {
        id: find(NHA_ID)?.u32()?,
        gateway: find(NHA_GATEWAY)?.ip()?,
        oif: find(NHA_OIF)?.u32()?,
        protocol,
        onlink: u32::from_ne_bytes([f0, f1, f2, f3]) & RTNH_F_ONLINK != 0,
        encap: kind
            .zip(values)
            .map(|(kind, values)| encap::decode(kind, values.nested())),
    })
}
