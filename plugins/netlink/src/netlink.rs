//! The seam between plugins and the kernel.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use ipnetwork::IpNetwork;

use crate::address::{Address, AddressSpec};
use crate::bridge::{BridgeChange, BridgePort, BridgeSpec, PortVlan, PortVlanRange};
use crate::child::ChildSpec;
use crate::error::Result;
use crate::link::{Link, LinkChange, VethSpec};
use crate::neighbour::{Neighbour, NeighbourSpec};
use crate::nexthop::Nexthop;
use crate::route::{Family, Route, RouteChange, RouteFilter};
use crate::rule::Rule;
use crate::vrf::VrfSpec;
use crate::vxlan::VxlanSpec;

/// Links, addresses and routes of one network namespace.
///
/// Each method is one request unless it says otherwise. What is not there is
/// `None` or `false` where the question was about it, and an error where it was
/// needed.
pub trait Netlink {
    /// The link of that name (or alternative name).
    fn link_by_name(&mut self, name: &str) -> Result<Option<Link>>;
    /// The link of that index.
    fn link_by_index(&mut self, index: u32) -> Result<Option<Link>>;
    /// Of the link of that name what can be told without the lock that all changes of the network wait for: index,
    /// hardware address, MTU, and whether it is up; all else is as in [`Link::new`]. For links that are known to be
    /// there: of one that is not, the kernel may go and look for a driver.
    fn glance(&mut self, name: &str) -> Result<Option<Link>>;
    /// All links. Costs more the more there are; prefer the two above.
    fn links(&mut self) -> Result<Vec<Link>>;

    /// Creates a bridge. The name being taken is [`Error::is_exists`](crate::Error::is_exists).
    fn create_bridge(&mut self, spec: &BridgeSpec) -> Result<()>;
    /// Creates both ends of a pair, each in its namespace, with master and
    /// state. Either name being taken is [`Error::is_exists`](crate::Error::is_exists).
    fn create_veth(&mut self, spec: &VethSpec<'_>) -> Result<()>;
    /// Creates a VXLAN device in external mode and tells it, in some five requests;
    /// where one is refused nothing stays behind. The name or the port being taken
    /// by another VXLAN device is [`Error::is_exists`](crate::Error::is_exists),
    /// the port by anything else EADDRINUSE (if it is to be up).
    fn create_vxlan(&mut self, spec: &VxlanSpec) -> Result<Link>;
    /// Creates a link that stands on another one, or on nothing, straight where it
    /// is to be. [`Error::is_exists`](crate::Error::is_exists) has three reasons: the
    /// name is taken there; before Linux 6.15 also here, unless the spec says an
    /// index; or the parent has that VLAN. An index that is taken there is EBUSY.
    fn create_child(&mut self, spec: &ChildSpec<'_>) -> Result<()>;
    /// Takes a link to another namespace, and changes it there: a name that is taken
    /// here or there is never in the way of the one that it is to have. What the kernel
    /// refuses may leave it moved and not changed. Its index may be another afterwards.
    fn move_link(&mut self, index: u32, netns: BorrowedFd<'_>, change: &LinkChange) -> Result<()>;
    /// Creates a VRF. The name being taken is
    /// [`Error::is_exists`](crate::Error::is_exists).
    fn create_vrf(&mut self, spec: &VrfSpec) -> Result<()>;
    /// Changes a link; the kernel may have done part of it when it refuses.
    fn change_link(&mut self, index: u32, change: &LinkChange) -> Result<()>;
    /// Changes a link's settings as a port; EINVAL or EOPNOTSUPP if it is none.
    fn set_bridge_port(&mut self, index: u32, port: &BridgePort) -> Result<()>;
    /// Changes a bridge.
    fn set_bridge(&mut self, index: u32, change: &BridgeChange) -> Result<()>;
    /// Deletes a link; false if there was none. Of a veth both ends go. Takes
    /// some 15 ms, for the kernel waits until no processor uses it any more.
    fn delete_link(&mut self, index: u32) -> Result<bool>;

    /// The VLANs of a port, or of a bridge itself, in ascending order. Empty
    /// where the link is neither or the kernel has no VLAN filtering.
    fn port_vlans(&mut self, index: u32) -> Result<Vec<PortVlan>>;
    /// Lets VLANs pass a port. `on_bridge_itself`: the index is the bridge's,
    /// and the VLANs reach its own interface.
    fn add_port_vlans(
        &mut self,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()>;
    /// Lets VLANs pass no more. The kernel does not mind those that did not.
    fn delete_port_vlans(
        &mut self,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()>;

    /// Addresses of both families, of one link or of all.
    fn addresses(&mut self, index: Option<u32>) -> Result<Vec<Address>>;
    /// A link's addresses of one family, which kernels since 6.9 tell without the lock.
    fn addresses_of(&mut self, index: u32, family: Family) -> Result<Vec<Address>>;
    /// Adds an address to a link; [`Error::is_exists`](crate::Error::is_exists)
    /// if the link has it.
    fn add_address(&mut self, index: u32, spec: &AddressSpec) -> Result<()>;
    /// Takes an address from a link; false if the link or the address is not
    /// there.
    fn delete_address(&mut self, index: u32, ip: IpNetwork) -> Result<bool>;

    /// Routes. Two requests unless the filter names a family.
    fn routes(&mut self, filter: &RouteFilter) -> Result<Vec<Route>>;
    /// The route by which this machine's packets to an address go, by its rules and
    /// tables: one for each next hop, none where no route leads there. An address of
    /// its own is led to by a route of that kind.
    ///
    /// # Errors
    /// Where a route says that nothing goes there, with its errno: EHOSTUNREACH,
    /// EACCES (prohibit), EINVAL (blackhole).
    fn route_to(&mut self, to: IpAddr) -> Result<Vec<Route>>;
    /// Adds a route; [`Error::is_exists`](crate::Error::is_exists) if its table
    /// has one of the same destination and metric.
    fn add_route(&mut self, route: &Route) -> Result<()>;
    /// Adds a route beside those of the same destination: IPv6 makes them one
    /// multipath route, IPv4 puts the new one first.
    /// [`Error::is_exists`](crate::Error::is_exists) only for the very same one.
    fn add_route_ecmp(&mut self, route: &Route) -> Result<()>;
    /// Gives a link addresses, sets it up and adds routes as [`Netlink::add_route_ecmp`] does, in this order. The kernel
    /// gets it all at once, so that it waits once for its turn and not for each. The first that is refused is told; what
    /// comes after it may be done all the same.
    fn bring_up(&mut self, index: u32, addresses: &[AddressSpec], routes: &[Route]) -> Result<()> {
        for address in addresses {
            self.add_address(index, address)?;
        }
        let up = LinkChange {
            up: Some(true),
            ..LinkChange::default()
        };
        self.change_link(index, &up)?;
        routes
            .iter()
            .try_for_each(|route| self.add_route_ecmp(route))
    }
    /// Adds a route in place of one of the same destination, table and metric,
    /// without a moment in which there is neither; adds it if there was none.
    /// Mind that the kernel does not look whose route it takes away: a metric of
    /// one's own keeps those of others.
    fn replace_route(&mut self, route: &Route) -> Result<()>;
    /// Makes many changes, in their order, some thousand with each request, and
    /// tells what became of each. One that is refused does not hold up the others.
    /// After an error of the whole it is not known which were made: list anew.
    fn change_routes(&mut self, changes: &[RouteChange]) -> Result<Vec<Result<()>>>;
    /// Deletes the route with that destination, table, and whichever of gateway,
    /// link, metric are given; false if there is none.
    fn delete_route(&mut self, route: &Route) -> Result<bool>;

    /// Next hops, of one protocol number or of all. Groups of them and those
    /// without a gateway are left out.
    fn nexthops(&mut self, protocol: Option<u8>) -> Result<Vec<Nexthop>>;
    /// Sets next hops in place of those of the same number, some thousand with each
    /// request, and tells what became of each. The routes of one that is replaced
    /// go by the new one at once.
    fn replace_nexthops(&mut self, nexthops: &[Nexthop]) -> Result<Vec<Result<()>>>;
    /// Deletes next hops and all their routes; false for one that is not there.
    fn delete_nexthops(&mut self, ids: &[u32]) -> Result<Vec<Result<bool>>>;

    /// Rules of both families, IPv4's first and as they are asked, of one protocol
    /// number or of all. Left out are those that ask for what [`Rule`] cannot tell
    /// (marks, ports, users, "not"). While others change rules some may be missing.
    fn rules(&mut self, protocol: Option<u8>) -> Result<Vec<Rule>>;
    /// Adds a rule behind those of its priority;
    /// [`Error::is_exists`](crate::Error::is_exists) if there is the very same, or
    /// one of this priority with a prefix where this has none.
    fn add_rule(&mut self, rule: &Rule) -> Result<()>;
    /// Deletes the very same rule, of the same protocol number; false if there is
    /// none. Two requests, for the kernel would take a similar one as well.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) where it would do so now: one that
    /// asks for more, otherwise the same, is before this one.
    fn delete_rule(&mut self, rule: &Rule) -> Result<bool>;

    /// Neighbours of both families, of one link or of all.
    fn neighbours(&mut self, index: Option<u32>) -> Result<Vec<Neighbour>>;
    /// Adds a permanent neighbour; [`Error::is_exists`](crate::Error::is_exists)
    /// if its link has one of that address, permanent or not.
    fn add_neighbour(&mut self, spec: &NeighbourSpec) -> Result<()>;
    /// Adds a permanent neighbour in place of whatever is known of that address.
    fn replace_neighbour(&mut self, spec: &NeighbourSpec) -> Result<()>;
    /// Deletes a neighbour; false if the link or the neighbour is not there. The
    /// kernel may go on telling of it as [`NeighbourState::FAILED`] for a while
    /// where a packet is on its way to it.
    ///
    /// [`NeighbourState::FAILED`]: crate::NeighbourState::FAILED
    fn delete_neighbour(&mut self, index: u32, ip: IpAddr) -> Result<bool>;
}
