//! What changes in the kernel, as it changes.
//!
//! Subscribe, then list, then follow: open the [`Monitor`] first, list with a
//! [`Handle`](crate::Handle), and apply what the monitor tells. What happened
//! between the two is told although the list has it already, so a follower must
//! not mind being told twice, nor being told of a state that has passed: the
//! last word on each object is the right one.
//!
//! What this does not tell, and a follower has to know:
//! - When more happens than is read, the kernel drops what does not fit and says
//!   only that it did: [`Event::ListAnew`].
//! - Next hops and IPv4 routes that go because their link went down or is gone go
//!   in silence; so do IPv4 routes whose [`Nexthop`](crate::Nexthop) is gone and,
//!   before Linux 6.6, those whose preferred source address is. After
//!   [`Event::LinkGone`], [`Event::LinkChanged`] to down or without carrier,
//!   [`Event::NexthopGone`] or [`Event::AddressGone`], list both anew.
//! - One's own changes are told too.

mod event;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

pub use event::Event;

use crate::error::{Error, Result};
use crate::ns::NetNs;
use crate::raw::{Subscription, Told, protocols};

/// RTNLGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR,
/// _IPV6_ROUTE, _IPV6_RULE, _NEXTHOP.
const GROUPS: [u32; 9] = [1, 3, 5, 7, 8, 9, 11, 19, 32];
/// How much may wait to be read unless said otherwise: some 6,000 changes.
const ROOM: usize = 8 * 1024 * 1024;

/// Tells of changes of links, addresses, routes, rules and neighbours of one namespace.
/// Never waits: its descriptor becomes readable when there is something to tell.
#[derive(Debug)]
pub struct Monitor {
    subscription: Subscription,
    waiting: VecDeque<Event>,
}

impl Monitor {
    /// Subscribes in the calling thread's namespace.
    pub fn open() -> Result<Self> {
        // A kernel before 5.3 has no next hops; one without IPv6 has none of its groups.
        let subscription = Subscription::open(protocols::NETLINK_ROUTE, &GROUPS);
        let subscription = subscription.map_err(|source| Error::Io {
            op: "subscribe to netlink",
            source,
        })?;
        let monitor = Self {
            subscription,
            waiting: VecDeque::new(),
        };
        monitor.reserve(ROOM);
        Ok(monitor)
    }

    /// Subscribes in another namespace; the thread goes there and comes back.
    pub fn open_in(netns: &NetNs) -> Result<Self> {
        netns.run(Self::open)?
    }

    /// Lets that many bytes wait to be read; a change takes about 1,300. Without
    /// the right to more, the system's limit stays.
    pub fn reserve(&self, bytes: usize) {
        self.subscription.reserve(bytes);
    }

    /// The next event; None if there is none now. Call it until it says so before
    /// waiting for the descriptor again.
    ///
    /// # Errors
    /// Where the socket fails for good; open another and list anew.
    pub fn try_next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            let told = self.subscription.receive().map_err(|source| Error::Io {
                op: "receive netlink events",
                source,
            })?;
            match told {
                None => return Ok(None),
                Some(Told::Datagram(datagram)) => self.waiting.extend(Event::read(datagram)),
                Some(Told::Lost) => return Ok(Some(Event::ListAnew)),
            }
        }
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.subscription.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.subscription.as_raw_fd()
    }
}
