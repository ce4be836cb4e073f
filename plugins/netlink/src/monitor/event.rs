//! What is told of a change.

use nix::libc;

use crate::address::Address;
use crate::codec;
use crate::link::Link;
use crate::neighbour::Neighbour;
use crate::nexthop::Nexthop;
use crate::raw::{Datagram, Incoming, REPLACE};
use crate::route::Route;
use crate::rule::Rule;

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_DELNEXTHOP: u16 = 105;

/// A change of what the kernel has. "Changed" is also said of what is new, and of
/// what is just as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A link is as told now.
    LinkChanged(Link),
    /// A link is gone, from this namespace at least. So are its addresses,
    /// neighbours and routes, and of IPv4's routes nothing else tells.
    LinkGone(Link),
    /// An address is as told now.
    AddressChanged(Address),
    /// An address is gone.
    AddressGone(Address),
    /// A route was added.
    RouteChanged {
        /// One for each next hop, at least one; all of the same destination, table
        /// and metric.
        routes: Vec<Route>,
        /// It is there in place of one of the same destination, table and metric,
        /// of which nothing else tells.
        replaced: bool,
    },
    /// A route is gone, or some next hops of a multipath one: those that are told.
    RouteGone(Vec<Route>),
    /// A neighbour is as told now.
    NeighbourChanged(Neighbour),
    /// A neighbour is gone.
    NeighbourGone(Neighbour),
    /// A next hop is as told now, and so are its routes.
    NexthopChanged(Nexthop),
    /// A next hop is gone, and its routes.
    NexthopGone(Nexthop),
    /// A rule was added.
    RuleChanged(Rule),
    /// A rule is gone; one of a link stays when the link goes.
    RuleGone(Rule),
    /// Something was missed: what is known is worth nothing, list it anew. What
    /// is told after this is sound again.
    ListAnew,
}

impl Event {
    /// Reads a datagram as the kernel sends it to subscribers. What is of no kind
    /// above is left out; what is no netlink is [`Event::ListAnew`].
    pub fn read(datagram: &[u8]) -> Vec<Self> {
        let messages = Datagram::new(datagram);
        messages
            .filter_map(|incoming| match incoming {
                Ok(incoming) => Self::of(&incoming),
                Err(_) => Some(Self::ListAnew),
            })
            .collect()
    }

    fn of(incoming: &Incoming<'_>) -> Option<Self> {
        let body = incoming.body;
        match incoming.kind {
            libc::RTM_NEWLINK => link(body).map(Self::LinkChanged),
            libc::RTM_DELLINK => link(body).map(Self::LinkGone),
            libc::RTM_NEWADDR => codec::address::decode(body).map(Self::AddressChanged),
            libc::RTM_DELADDR => codec::address::decode(body).map(Self::AddressGone),
            libc::RTM_NEWROUTE => routes(body).map(|routes| Self::RouteChanged {
                routes,
                replaced: incoming.flags & REPLACE != 0,
            }),
            libc::RTM_DELROUTE => routes(body).map(Self::RouteGone),
            libc::RTM_NEWNEIGH => codec::neighbour::decode(body).map(Self::NeighbourChanged),
            libc::RTM_DELNEIGH => codec::neighbour::decode(body).map(Self::NeighbourGone),
            RTM_NEWNEXTHOP => codec::nexthop::decode(body).map(Self::NexthopChanged),
            RTM_DELNEXTHOP => codec::nexthop::decode(body).map(Self::NexthopGone),
            libc::RTM_NEWRULE => codec::rule::decode(body).map(Self::RuleChanged),
            libc::RTM_DELRULE => codec::rule::decode(body).map(Self::RuleGone),
            _ => None,
        }
    }
}

/// A bridge says "gone" in the same words of a port that has left it: those
/// messages have its family.
fn link(body: &[u8]) -> Option<Link> {
    let family = i32::from(*body.first()?);
    (family == libc::AF_UNSPEC).then_some(())?;
    codec::link::decode(body)
}

fn routes(body: &[u8]) -> Option<Vec<Route>> {
    Some(codec::route::decode(body)).filter(|routes| !routes.is_empty())
}
