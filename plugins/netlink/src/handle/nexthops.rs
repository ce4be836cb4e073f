//! Next hops, many with each request.

use super::{deleted, found};
use crate::codec;
use crate::encap::Encap;
use crate::error::Result;
use crate::nexthop::Nexthop;
use crate::raw::{CREATE, Message, REPLACE, RawSocket, Transport};

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_DELNEXTHOP: u16 = 105;
const RTM_GETNEXTHOP: u16 = 106;
/// How many go into one request.
const CHUNK: usize = 1024;

pub(super) fn list<T: Transport>(
    socket: &mut RawSocket<T>,
    protocol: Option<u8>,
) -> Result<Vec<Nexthop>> {
    let message = Message::new("list next hops", "", RTM_GETNEXTHOP).body(codec::nexthop::list());
    let told = found(socket.dump(&message, |_, body| {
        codec::nexthop::decode(body)
            .filter(|nexthop| protocol.is_none_or(|number| nexthop.protocol == number))
    }))?;
    Ok(told.unwrap_or_default())
}

pub(super) fn replace<T: Transport>(
    socket: &mut RawSocket<T>,
    nexthops: &[Nexthop],
) -> Result<Vec<Result<()>>> {
    let message = |nexthop: &Nexthop| {
        let subject = nexthop.id.to_string();
        let message = Message::new("replace next hop", subject, RTM_NEWNEXTHOP);
        if let Some(Encap::Other(_)) = nexthop.encap {
            return Err(message.invalid("this kind of encapsulation can only be read"));
        }
        let body = codec::nexthop::set(nexthop);
        let body = body.map_err(|_| message.invalid("too long"))?;
        Ok(message.flags(CREATE | REPLACE).body(body))
    };
    let messages: Vec<_> = nexthops.iter().map(message).collect::<Result<_>>()?;
    execute(socket, &messages)
}

pub(super) fn delete<T: Transport>(
    socket: &mut RawSocket<T>,
    ids: &[u32],
) -> Result<Vec<Result<bool>>> {
    let message = |id: &u32| {
        let message = Message::new("delete next hop", id.to_string(), RTM_DELNEXTHOP);
        let body = codec::nexthop::delete(*id);
        let body = body.map_err(|_| message.invalid("too long"))?;
        Ok(message.body(body))
    };
    let messages: Vec<_> = ids.iter().map(message).collect::<Result<_>>()?;
    let results = execute(socket, &messages)?;
    Ok(results.into_iter().map(deleted).collect())
}

fn execute<T: Transport>(
    socket: &mut RawSocket<T>,
    messages: &[Message],
) -> Result<Vec<Result<()>>> {
    let mut results = Vec::with_capacity(messages.len());
    for chunk in messages.chunks(CHUNK) {
        results.extend(socket.execute_each(chunk)?);
    }
    Ok(results)
}
