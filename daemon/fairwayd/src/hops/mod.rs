//! Next hops that BGP neighbours tell: how each is reached, by the node's own routing table.
//!
//! The table of BGP asks when it hears of one, on its own thread; it is answered at once, by a look into the kernel's
//! table. What was answered is kept for as long as the table has the next hop, and the thread of routes, which hears
//! what changes in the kernel, has all of it looked up anew. It subscribed before anything was looked up: what changes
//! after a look is heard, and looked up again.
//!
//! Real failures that shaped it: a next hop that is looked for in subnets only is reached in no fabric in which each
//! rack is a subnet of its own; one that is looked for among what BGP brought may lead to itself (RFC 4271, 9.1.2.1);
//! and one that is looked up once stays what it was when the kernel's table is long another.

mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use resolve::{Answer, Reached, Unreached};

use crate::{code::Coded as _, news::news};
use fairway_bgp::{attr::NextHop, table::Resolve};
use fairway_ipam::Cidr;
use fairway_netlink::Handle;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// See the module's head; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Hops {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<watch::Sender<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// None: not opened yet, or it has failed.
    netlink: Option<Handle>,
    /// What lies in them is containers', and no router.
    pools: Vec<Cidr>,
    known: BTreeMap<IpAddr, Known>,
}

#[derive(Debug)]
struct Known {
    answer: Answer,
    /// As the table names it: with or without an address of the link beside.
    named: BTreeSet<NextHop>,
}

impl Hops {
    pub(crate) fn new() -> Hops {
        Hops {
            inner: Arc::default(),
            changed: Arc::new(watch::Sender::new(())),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How an address is reached.
    pub(crate) fn answer(&self, to: IpAddr) -> Answer {
        let mut inner = self.inner();
        match inner.known.get(&to) {
            Some(known) => known.answer.clone(),
            None => inner.look_up(to),
        }
    }

    /// The prefixes of pools are these; whether they are others than before.
    pub(crate) fn set_pools(&self, pools: Vec<Cidr>) -> bool {
        let mut inner = self.inner();
        let other = inner.pools != pools;
        inner.pools = pools;
        other
    }

    /// Looks all of them up anew.
    pub(crate) fn anew(&self) -> Anew {
        let mut inner = self.inner();
        let all: Vec<IpAddr> = inner.known.keys().copied().collect();
        let mut anew = Anew::default();
        for to in all {
            let now = inner.look_up(to);
            anew.failed |= matches!(now, Err(Unreached::Unknown(_)));
            if let Some(known) = inner.known.get_mut(&to)
                && known.answer != now
            {
                known.answer = now;
                anew.other = true;
            }
        }
        drop(inner);
        if anew.other {
            self.changed.send_replace(());
        }
        anew
    }

    /// Is marked each time that an answer is another than before.
    pub(crate) fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The table is gone.
    pub(crate) fn forget_all(&self) {
        self.inner().known.clear();
    }
}

/// What came of looking all up anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Anew {
    /// An answer is another than before.
    pub(crate) other: bool,
    /// The kernel could not be asked: to be tried again.
    pub(crate) failed: bool,
}

impl Resolve for Hops {
    fn cost(&self, next_hop: NextHop) -> Option<u32> {
        let to = next_hop.address();
        let mut inner = self.inner();
        if !inner.known.contains_key(&to) {
            let known = Known {
                answer: inner.look_up(to),
                named: BTreeSet::new(),
            };
            inner.known.insert(to, known);
        }
        let known = inner.known.get_mut(&to)?;
        known.named.insert(next_hop);
        known.answer.as_ref().ok().map(|reached| reached.cost)
    }

    fn forget(&self, next_hop: NextHop) {
        let mut inner = self.inner();
        let to = next_hop.address();
        if let Some(known) = inner.known.get_mut(&to) {
            known.named.remove(&next_hop);
            if known.named.is_empty() {
                inner.known.remove(&to);
            }
        }
    }
}

impl Inner {
    /// Where the socket fails, once more by another.
    fn look_up(&mut self, to: IpAddr) -> Answer {
        let tried = self.try_once(to).or_else(|_| self.try_once(to));
        tried.unwrap_or_else(|error| {
            news!(warn, code = error.number(), "next hop {to}: {error}");
            Err(Unreached::Unknown(error.to_string()))
        })
    }

    fn try_once(&mut self, to: IpAddr) -> fairway_netlink::Result<Answer> {
        let mut netlink = match self.netlink.take() {
            Some(netlink) => netlink,
            None => Handle::open()?,
        };
        let answer = resolve::resolve(&mut netlink, &self.pools, to)?;
        self.netlink = Some(netlink);
        Ok(answer)
    }
}
