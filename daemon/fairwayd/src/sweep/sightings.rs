//! What the kernel shows of attachments, addresses included: for when the journal was lost.
//!
//! Neither names nor paths of namespaces are known then, only the host's links: each names its attachment
//! by its alias, and the namespace of its other end by a number, by which the kernel can be asked for the
//! addresses in there without entering it.

use crate::code::Coded as _;
use fairway_ipam::Sighting;
use fairway_netlink::{
    Handle, Link, Netlink, Result,
    raw::{
        Message, RawSocket,
        attr::{Attrs, Writer},
        protocols::NETLINK_ROUTE,
    },
};
use std::net::IpAddr;
use tracing::warn;

const RTM_GETADDR: u16 = 22;
const IFADDRMSG: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_TARGET_NETNSID: u16 = 10;
/// Link-local and host scope, which are never out of a pool.
const SCOPE_LINK: u8 = 253;

/// All attachments that have a link on the host. One whose addresses cannot be read is left out,
/// loudly: which are its own is then known from the store only.
///
/// # Errors
/// Where the kernel cannot be asked.
pub fn sightings() -> Result<Vec<Sighting>> {
    let mut found = Vec::new();
    for link in Handle::open()?.links()? {
        let alias = link.alias.as_deref().unwrap_or_default();
        let Some(attachment) = crate::alias::attachment(alias) else {
            if crate::alias::marks(alias) {
                warn!(
                    "{}: {alias} tells no names, so whose it is cannot be told",
                    link.name
                );
            }
            continue;
        };
        let addresses = match peer_addresses(&link) {
            Ok(addresses) => addresses,
            Err(error) => {
                warn!(
                    code = error.number(),
                    "{attachment}: its addresses cannot be read: {error}"
                );
                continue;
            }
        };
        found.push(Sighting {
            attachment,
            netns: None,
            addresses,
        });
    }
    Ok(found)
}

/// The addresses of a pair's other end.
fn peer_addresses(link: &Link) -> Result<Vec<IpAddr>> {
    let Some(peer) = link.peer_index else {
        return Ok(Vec::new());
    };
    let mut header = [0; IFADDRMSG];
    header[4..].copy_from_slice(&peer.to_ne_bytes());
    let mut body = Writer::with_header(&header);
    if let Some(nsid) = link.peer_nsid {
        body.put(IFA_TARGET_NETNSID, &nsid.to_ne_bytes());
    }
    let message = Message::new("list addresses", link.name.clone(), RTM_GETADDR);
    let message = message.attributes(body)?;
    let mut socket = RawSocket::open(NETLINK_ROUTE)?;
    let found = socket.dump(&message, |_, body| {
        let header = body.first_chunk::<IFADDRMSG>()?;
        let index = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
        let attrs = || Attrs::after(IFADDRMSG, body);
        // With a peer's address, that one is IFA_ADDRESS, and our own IFA_LOCAL.
        let own = attrs().find_kind(IFA_LOCAL);
        let ip = own.or_else(|| attrs().find_kind(IFA_ADDRESS))?.ip()?;
        (index == peer && header[3] < SCOPE_LINK).then_some(ip)
    })?;
    Ok(found)
}
