//! Neighbours.

use std::net::IpAddr;

use netlink_packet_route::neighbour::{
    NeighbourAttribute, NeighbourMessage, NeighbourState as Nud,
};
use netlink_packet_route::route::RouteProtocol;
use nix::libc;

use super::{address_family, emit};
use crate::mac::MacAddr;
use crate::neighbour::{Neighbour, NeighbourSpec, NeighbourState};
use crate::raw::attr::Attrs;
use crate::route::Family;

/// Length of `struct ndmsg`.
const HEADER: usize = 12;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_PROTOCOL: u16 = 12;
/// An address that this host answers for, not a neighbour.
const NTF_PROXY: u8 = 1 << 3;

/// Asks for the neighbours of both families, of one link or (0) of all.
pub(crate) fn list(index: u32) -> Vec<u8> {
    let mut message = NeighbourMessage::default();
    if index != 0 {
        // Where the kernel checks strictly, the header has to be empty.
        let link = NeighbourAttribute::IfIndex(index);
        message.attributes.push(link);
    }
    emit(&message)
}

/// Sets a permanent entry.
pub(crate) fn set(spec: &NeighbourSpec) -> Vec<u8> {
    let mut message = of(spec.index, spec.ip);
    message.header.state = Nud::Permanent;
    let mac = NeighbourAttribute::LinkLayerAddress(spec.mac.0.to_vec());
    message.attributes.push(mac);
    if spec.protocol != 0 {
        let protocol = RouteProtocol::from(spec.protocol);
        let protocol = NeighbourAttribute::Protocol(protocol);
        message.attributes.push(protocol);
    }
    emit(&message)
}

/// Deletes an entry.
pub(crate) fn delete(index: u32, ip: IpAddr) -> Vec<u8> {
    emit(&of(index, ip))
}

fn of(index: u32, ip: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = address_family(Family::of(ip));
    message.header.ifindex = index;
    let address = NeighbourAttribute::Destination(ip.into());
    message.attributes.push(address);
    message
}

/// Reads an RTM_NEWNEIGH. None if it is a bridge's, a proxy's or has no address.
pub(crate) fn decode(body: &[u8]) -> Option<Neighbour> {
    let [family, _, _, _, i0, i1, i2, i3, s0, s1, flags, _] = *body.first_chunk::<HEADER>()?;
    if flags & NTF_PROXY != 0 {
        return None;
    }
    let (mut ip, mut mac, mut protocol) = (None, None, 0);
    for attr in Attrs::after(HEADER, body) {
        match attr.kind {
            NDA_DST => ip = attr.ip(),
            NDA_LLADDR => mac = MacAddr::from_bytes(attr.value),
            NDA_PROTOCOL => protocol = attr.u8().unwrap_or(0),
            _ => {}
        }
    }
    let ip = ip?;
    let expected = match ip {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    (i32::from(family) == expected).then_some(())?;
    Some(Neighbour {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        ip,
        mac,
        state: NeighbourState(u16::from_ne_bytes([s0, s1])),
        protocol,
    })
}
