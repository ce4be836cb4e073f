//! Connections that the kernel knows, and must forget.
//!
//! A packet of a connection that is known goes where the first one went, whatever the rules
//! have come to say. TCP ends by itself; a UDP client that sends on keeps its connection
//! known for ever, and so does one whose packets go to a container that is gone.

use std::net::IpAddr;

use fairway_netlink::raw::attr::{Attr, Attrs, Writer, ip_of};
use fairway_netlink::raw::{Message, RawSocket};
use fairway_netlink::{Handle, Netlink as _};
use nix::errno::Errno;

use crate::Error;
use crate::nft::{HEADER, header};

const SUBSYSTEM: u16 = 1;
const GET: u16 = SUBSYSTEM << 8 | 1;
const DELETE: u16 = SUBSYSTEM << 8 | 2;

const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const ID: u16 = 12;
const ZONE: u16 = 18;
const FILTER: u16 = 25;

const FILTER_ORIGINAL: u16 = 1;
/// The protocol's number and the destination port.
const FILTER_PROTOCOL_AND_PORT: u32 = 1 << 3 | 1 << 5;

const TUPLE_IP: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const IP_SOURCE: [u16; 2] = [1, 3];
const IP_DESTINATION: [u16; 2] = [2, 4];
const PROTOCOL_NUMBER: u16 = 1;
const PROTOCOL_DESTINATION: u16 = 3;

/// Which connections: what was sent first went to a port of this host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flows {
    pub(crate) protocol: u8,
    pub(crate) port: u16,
    pub(crate) v4: bool,
    /// To this address only.
    pub(crate) at: Option<IpAddr>,
    pub(crate) container: IpAddr,
    /// Those that the container answers, or those that it does not.
    pub(crate) leads_there: bool,
}

/// A connection that the kernel tells of.
struct Known {
    protocol: u8,
    port: u16,
    /// Where the first packet was sent.
    to: IpAddr,
    /// Who answers.
    answers: IpAddr,
    /// What it is deleted by.
    by: Vec<(u16, Vec<u8>)>,
}

impl Known {
    fn read(attrs: &Attrs<'_>) -> Option<Self> {
        let find = |kind| attrs.clone().find_kind(kind);
        let original = find(ORIGINAL)?;
        let protocol = original.nested().find_kind(TUPLE_PROTOCOL)?;
        let port = protocol.nested().find_kind(PROTOCOL_DESTINATION)?;
        let by = [ORIGINAL, ID, ZONE].into_iter().filter_map(find);
        Some(Self {
            protocol: protocol.nested().find_kind(PROTOCOL_NUMBER)?.u8()?,
            port: u16::from_be_bytes(port.value.try_into().ok()?),
            to: address(&original, IP_DESTINATION)?,
            answers: address(&find(REPLY)?, IP_SOURCE)?,
            by: by.map(|attr| (attr.kind, attr.value.to_vec())).collect(),
        })
    }

    fn is_among(&self, flows: &Flows) -> bool {
        (self.protocol, self.port, self.to.is_ipv4()) == (flows.protocol, flows.port, flows.v4)
            && flows.at.is_none_or(|at| at == self.to)
            && (self.answers == flows.container) == flows.leads_there
    }
}

fn address(tuple: &Attr<'_>, kinds: [u16; 2]) -> Option<IpAddr> {
    let ip = tuple.nested().find_kind(TUPLE_IP)?;
    let mut found = kinds
        .into_iter()
        .filter_map(|kind| ip.nested().find_kind(kind));
    ip_of(found.next()?.value)
}

/// Makes the kernel forget connections. One that comes to its end meanwhile is no error.
pub(crate) fn forget(socket: Option<&mut RawSocket>, flows: &Flows) -> Result<(), Error> {
    let Some(socket) = socket else {
        return Ok(());
    };
    let known = list(socket, flows)?;
    if known.is_empty() {
        return Ok(());
    }
    // What is sent through this host to the same port of others is nobody's business here.
    let own = match flows.leads_there {
        true => None,
        false => Some(Handle::open()?.addresses(None)?),
    };
    let is_local = |ip: IpAddr| {
        ip.is_loopback()
            || own
                .as_ref()
                .is_none_or(|own| own.iter().any(|address| address.ip.ip() == ip))
    };
    for connection in known.into_iter().filter(|known| is_local(known.to)) {
        let mut attrs = Writer::with_header(&header(family(flows.v4), 0));
        for (kind, value) in &connection.by {
            attrs.put(*kind, value);
        }
        let message = Message::new("forget connection", connection.to.to_string(), DELETE)
            .attributes(attrs)?;
        match socket.execute(&message) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => {}
            done => done?,
        }
    }
    Ok(())
}

/// The kernel is asked for those of the protocol and the port; one before 5.8 tells all.
fn list(socket: &mut RawSocket, flows: &Flows) -> Result<Vec<Known>, Error> {
    let mut attrs = Writer::with_header(&header(family(flows.v4), 0));
    attrs.nest(ORIGINAL, |tuple| {
        tuple.nest(TUPLE_PROTOCOL, |protocol| {
            protocol.put_u8(PROTOCOL_NUMBER, flows.protocol);
            protocol.put_u16_be(PROTOCOL_DESTINATION, flows.port);
        });
    });
    attrs.nest(FILTER, |filter| {
        filter.put_u32(FILTER_ORIGINAL, FILTER_PROTOCOL_AND_PORT);
    });
    let subject = format!("to port {}", flows.port);
    let filtered = Message::new("list connections", subject.as_str(), GET).attributes(attrs)?;
    let mut read = |message: &Message| {
        socket.dump(message, |_, body| {
            Known::read(&Attrs::after(HEADER, body)).filter(|known| known.is_among(flows))
        })
    };
    match read(&filtered) {
        // Some kernel that wants more of a filter.
        Err(error) if error.errno() == Some(Errno::EINVAL) => {
            let all = Message::new("list connections", subject, GET)
                .body(header(family(flows.v4), 0).to_vec());
            none_without_tracking(read(&all))
        }
        other => none_without_tracking(other),
    }
}

/// A kernel that tracks nothing, or does not tell, has nothing to forget.
fn none_without_tracking(
    listed: Result<Vec<Known>, fairway_netlink::Error>,
) -> Result<Vec<Known>, Error> {
    match listed {
        Err(error)
            if matches!(
                error.errno(),
                Some(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOENT)
            ) =>
        {
            Ok(Vec::new())
        }
        other => Ok(other?),
    }
}

const fn family(v4: bool) -> u8 {
    if v4 { 2 } else { 10 }
}
