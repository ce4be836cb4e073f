//! Changes of routes, one and many.

use nix::libc;

use super::{deleted, subject_of};
use crate::codec;
use crate::encap::Encap;
use crate::error::Result;
use crate::raw::{CREATE, EXCL, Message, REPLACE, RawSocket, Transport};
use crate::route::{Route, RouteChange};

/// How many changes go into one request: enough that the system call does not
/// count, few enough that requests and answers fit into two megabytes each.
const CHUNK: usize = 1024;

/// The request for a new route.
pub(super) fn add(op: &'static str, route: &Route, flags: u16) -> Result<Message> {
    let message = Message::new(op, subject_of(route), libc::RTM_NEWROUTE).flags(flags);
    if let Some(Encap::Other(_)) = route.encap {
        return Err(message.invalid("this kind of encapsulation can only be read"));
    }
    Ok(message.body(codec::route::add(route)))
}

fn message(change: &RouteChange) -> Result<Message> {
    match change {
        RouteChange::Add(route) => add("add route", route, CREATE | EXCL),
        RouteChange::Replace(route) => add("replace route", route, CREATE | REPLACE),
        RouteChange::Delete(route) => {
            let message = Message::new("delete route", subject_of(route), libc::RTM_DELROUTE);
            Ok(message.body(codec::route::delete_own(route)))
        }
    }
}

pub(super) fn change<T: Transport>(
    socket: &mut RawSocket<T>,
    changes: &[RouteChange],
) -> Result<Vec<Result<()>>> {
    let mut results = Vec::with_capacity(changes.len());
    for chunk in changes.chunks(CHUNK) {
        // Those that cannot be sent are told in their place.
        let built: Vec<_> = chunk.iter().map(message).collect();
        let (mut sent, mut unsent) = (Vec::with_capacity(chunk.len()), Vec::new());
        for (at, message) in built.into_iter().enumerate() {
            match message {
                Ok(message) => sent.push(message),
                Err(error) => unsent.push((at, error)),
            }
        }
        let mut told = socket.execute_each(&sent)?.into_iter();
        let mut unsent = unsent.into_iter().peekable();
        for (at, change) in chunk.iter().enumerate() {
            if let Some((_, error)) = unsent.next_if(|(of, _)| *of == at) {
                results.push(Err(error));
                continue;
            }
            let Some(result) = told.next() else {
                break;
            };
            results.push(match change {
                RouteChange::Delete(_) => deleted(result).map(drop),
                RouteChange::Add(_) | RouteChange::Replace(_) => result,
            });
        }
    }
    Ok(results)
}
