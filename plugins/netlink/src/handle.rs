//! The kernel behind the [`Netlink`] trait.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use ipnetwork::IpNetwork;
use nix::errno::Errno;
use nix::libc;

use crate::address::{Address, AddressSpec};
use crate::bridge::{BridgeChange, BridgePort, BridgeSpec, PortVlan, PortVlanRange};
use crate::child::ChildSpec;
use crate::codec;
use crate::error::{Error, Result};
use crate::link::{Link, LinkChange, VethSpec};
use crate::neighbour::{Neighbour, NeighbourSpec};
use crate::netlink::Netlink;
use crate::nexthop::Nexthop;
use crate::ns::NetNs;
use crate::raw::{
    ACK, CREATE, EXCL, KernelSocket, Message, REPLACE, RawSocket, Transport, protocols,
};
use crate::route::{Family, Route, RouteChange, RouteFilter};
use crate::rule::Rule;
use crate::vrf::VrfSpec;
use crate::vxlan::VxlanSpec;

mod filters;
mod nexthops;
mod overlay;
mod qdiscs;
mod routes;
mod rules;
#[cfg(test)]
mod tests;
mod traffic;
mod vfs;

const RTM_GETVLAN: u16 = 114;

/// A socket to one namespace's rtnetlink.
#[derive(Debug)]
pub struct Handle<T = KernelSocket> {
    socket: RawSocket<T>,
}

impl Handle {
    /// A handle on the calling thread's namespace.
    pub fn open() -> Result<Self> {
        let socket = RawSocket::open(protocols::NETLINK_ROUTE)?;
        Ok(Self { socket })
    }

    /// A handle on another namespace. The thread goes there to open the socket
    /// and comes back; nothing that is done with the handle needs it to go again.
    pub fn open_in(netns: &NetNs) -> Result<Self> {
        let socket = RawSocket::open_in(protocols::NETLINK_ROUTE, netns)?;
        Ok(Self { socket })
    }

    /// A handle on the namespace at a path, for whoever has only to take something away there: none where no path is
    /// given, where nothing is at it, or where it leads to something else by now (the mount point that a runtime
    /// leaves behind, a file of another process that was given the number). Of another sort of namespace only going
    /// there shows that, so both steps are one.
    ///
    /// # Errors
    /// Where something is there, and cannot be entered.
    pub fn open_if_there(netns: Option<&str>) -> Result<Option<Self>> {
        let Some(path) = netns else {
            return Ok(None);
        };
        let opened = NetNs::open(path).map_err(Error::from);
        match opened.and_then(|netns| Self::open_in(&netns)) {
            Err(Error::Namespace(error)) if error.is_no_namespace() => Ok(None),
            opened => opened.map(Some),
        }
    }
}

impl<T: Transport> Handle<T> {
    /// A handle over any socket.
    pub fn over(socket: RawSocket<T>) -> Self {
        Self { socket }
    }

    fn link(&mut self, message: &Message) -> Result<Option<Link>> {
        found(
            self.socket
                .get(message, |_, body| codec::link::decode(body)),
        )
    }

    fn change_vlans(
        &mut self,
        message: Message,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()> {
        if vlans.is_empty() {
            return Ok(());
        }
        for range in vlans {
            if range.first < 1 || range.first > range.last || range.last > 4094 {
                return Err(message.invalid("VLAN ids are 1 to 4094, first before last"));
            }
            if range.pvid && range.first != range.last {
                return Err(message.invalid("only a single VLAN can be that of untagged frames"));
            }
        }
        let body = codec::bridge::change_vlans(index, vlans, on_bridge_itself);
        if body.len() > usize::from(u16::MAX) {
            return Err(message.invalid("too many VLANs for one request"));
        }
        self.socket.execute(&message.body(body))
    }

    fn route_list(&mut self, family: Family, filter: &RouteFilter) -> Result<Vec<Route>> {
        let message = Message::new("list routes", "", libc::RTM_GETROUTE)
            .body(codec::route::list(family, filter));
        let wanted = |route: &Route| {
            filter.table.is_none_or(|table| route.table == table)
                && filter.oif.is_none_or(|oif| route.oif == Some(oif))
                && filter
                    .protocol
                    .is_none_or(|number| route.protocol == number)
        };
        let found = found(self.socket.dump(&message, |_, body| {
            let mut routes = codec::route::decode(body);
            routes.retain(wanted);
            Some(routes)
        }))?;
        Ok(found.unwrap_or_default().into_iter().flatten().collect())
    }

    fn address_list(&mut self, index: Option<u32>, family: Option<Family>) -> Result<Vec<Address>> {
        let subject = index.map_or_else(String::new, |index| format!("of link {index}"));
        let message = Message::new("list addresses", subject, libc::RTM_GETADDR)
            .body(codec::address::list(index.unwrap_or(0), family));
        let found = found(self.socket.dump(&message, |_, body| {
            codec::address::decode(body)
                .filter(|address| index.is_none_or(|index| address.index == index))
        }))?;
        Ok(found.unwrap_or_default())
    }

    fn new_route(&mut self, route: &Route, flags: u16) -> Result<()> {
        self.socket
            .execute(&routes::add("add route", route, flags)?)
    }
}

fn new_address(index: u32, spec: &AddressSpec, flags: u16) -> Message {
    let subject = format!("{} to link {index}", spec.ip);
    Message::new("add address", subject, libc::RTM_NEWADDR)
        .flags(CREATE | EXCL | flags)
        .body(codec::address::add(index, spec))
}

impl<T: Transport> Netlink for Handle<T> {
    fn link_by_name(&mut self, name: &str) -> Result<Option<Link>> {
        let message = Message::new("get link", name, libc::RTM_GETLINK);
        // No name has these; alternative ones end at 127 bytes.
        if name.is_empty() || name.len() > 127 || name.contains('\0') {
            return Ok(None);
        }
        self.link(&message.body(codec::link::get(0, Some(name))))
    }

    fn link_by_index(&mut self, index: u32) -> Result<Option<Link>> {
        if index == 0 {
            return Ok(None);
        }
        let message = Message::new("get link", index.to_string(), libc::RTM_GETLINK);
        self.link(&message.body(codec::link::get(index, None)))
    }

    fn glance(&mut self, name: &str) -> Result<Option<Link>> {
        match self.socket.transport().glance(name) {
            Ok(link) => Ok(link),
            // A name that is too long for that, or another link's by now: netlink knows.
            Err(_) => self.link_by_name(name),
        }
    }

    fn links(&mut self) -> Result<Vec<Link>> {
        let message =
            Message::new("list links", "", libc::RTM_GETLINK).body(codec::link::get(0, None));
        self.socket
            .dump(&message, |_, body| codec::link::decode(body))
    }

    fn create_bridge(&mut self, spec: &BridgeSpec) -> Result<()> {
        let message =
            Message::new("create bridge", &spec.name, libc::RTM_NEWLINK).flags(CREATE | EXCL);
        check_name(&message, &spec.name)?;
        self.socket
            .execute(&message.body(codec::link::create_bridge(spec)))
    }

    fn create_veth(&mut self, spec: &VethSpec<'_>) -> Result<()> {
        let subject = format!("{} with peer {}", spec.name, spec.peer.name);
        let message = Message::new("create veth", subject, libc::RTM_NEWLINK).flags(CREATE | EXCL);
        check_name(&message, &spec.name)?;
        check_name(&message, &spec.peer.name)?;
        self.socket
            .execute(&message.body(codec::link::create_veth(spec)))
    }

    fn create_vxlan(&mut self, spec: &VxlanSpec) -> Result<Link> {
        self.new_vxlan(spec)
    }

    fn create_child(&mut self, spec: &ChildSpec<'_>) -> Result<()> {
        let subject = format!("{} {}", spec.kind.name(), spec.name);
        let message = Message::new("create", subject, libc::RTM_NEWLINK).flags(CREATE | EXCL);
        check_name(&message, &spec.name)?;
        self.socket
            .execute(&message.body(codec::child::create(spec)))
    }

    fn move_link(&mut self, index: u32, netns: BorrowedFd<'_>, change: &LinkChange) -> Result<()> {
        let message = Message::new("move link", index.to_string(), libc::RTM_SETLINK);
        if let Some(name) = &change.name {
            check_name(&message, name)?;
        }
        let body = codec::link::change(index, Some(netns), change);
        self.socket.execute(&message.body(body))
    }

    fn create_vrf(&mut self, spec: &VrfSpec) -> Result<()> {
        let message =
            Message::new("create vrf", &spec.name, libc::RTM_NEWLINK).flags(CREATE | EXCL);
        check_name(&message, &spec.name)?;
        self.socket.execute(&message.body(codec::vrf::create(spec)))
    }

    fn change_link(&mut self, index: u32, change: &LinkChange) -> Result<()> {
        let message = Message::new("change link", index.to_string(), libc::RTM_SETLINK);
        if let Some(name) = &change.name {
            check_name(&message, name)?;
        }
        self.socket
            .execute(&message.body(codec::link::change(index, None, change)))
    }

    fn set_bridge_port(&mut self, index: u32, port: &BridgePort) -> Result<()> {
        let message = Message::new("set bridge port", index.to_string(), libc::RTM_SETLINK)
            .body(codec::bridge::set_port(index, port));
        self.socket.execute(&message)
    }

    fn set_bridge(&mut self, index: u32, change: &BridgeChange) -> Result<()> {
        let message = Message::new("set bridge", index.to_string(), libc::RTM_NEWLINK)
            .body(codec::link::set_bridge(index, change));
        self.socket.execute(&message)
    }

    fn delete_link(&mut self, index: u32) -> Result<bool> {
        let message = Message::new("delete link", index.to_string(), libc::RTM_DELLINK)
            .body(codec::link::by_index(index));
        deleted(self.socket.execute(&message))
    }

    fn port_vlans(&mut self, index: u32) -> Result<Vec<PortVlan>> {
        let subject = index.to_string();
        let message = Message::new("list VLANs of", subject.as_str(), RTM_GETVLAN)
            .body(codec::bridge::list_vlans_of(index));
        let of_one = self
            .socket
            .dump(&message, |_, body| codec::bridge::decode_vlan_db(body));
        let listed = match of_one {
            // Linux before 5.6, or one without VLAN filtering.
            Err(error) if error.is_unsupported() => {
                let message = Message::new("list VLANs of", subject, libc::RTM_GETLINK)
                    .body(codec::bridge::list_vlans());
                self.socket
                    .dump(&message, |_, body| codec::bridge::decode_vlans(body))?
            }
            // No such link, or neither a bridge nor a port.
            Err(error) if error.is_not_found() || error.errno() == Some(Errno::EINVAL) => {
                return Ok(Vec::new());
            }
            other => other?,
        };
        let ours = listed.into_iter().filter(|(of, _)| *of == index);
        let mut vlans: Vec<_> = ours.flat_map(|(_, vlans)| vlans).collect();
        vlans.sort_unstable();
        Ok(vlans)
    }

    fn add_port_vlans(
        &mut self,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()> {
        let message = Message::new("add VLANs to", index.to_string(), libc::RTM_SETLINK);
        self.change_vlans(message, index, vlans, on_bridge_itself)
    }

    fn delete_port_vlans(
        &mut self,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()> {
        let message = Message::new("delete VLANs of", index.to_string(), libc::RTM_DELLINK);
        self.change_vlans(message, index, vlans, on_bridge_itself)
    }

    fn addresses(&mut self, index: Option<u32>) -> Result<Vec<Address>> {
        self.address_list(index, None)
    }

    fn addresses_of(&mut self, index: u32, family: Family) -> Result<Vec<Address>> {
        self.address_list(Some(index), Some(family))
    }

    fn add_address(&mut self, index: u32, spec: &AddressSpec) -> Result<()> {
        self.socket.execute(&new_address(index, spec, 0))
    }

    fn bring_up(&mut self, index: u32, addresses: &[AddressSpec], routes: &[Route]) -> Result<()> {
        let up = LinkChange {
            up: Some(true),
            ..LinkChange::default()
        };
        let up = Message::new("change link", index.to_string(), libc::RTM_SETLINK)
            .flags(ACK)
            .body(codec::link::change(index, None, &up));
        let addresses = addresses.iter();
        let mut messages: Vec<_> = addresses
            .map(|spec| new_address(index, spec, ACK))
            .chain([up])
            .collect();
        for route in routes {
            messages.push(routes::add("add route", route, CREATE | ACK)?);
        }
        self.socket.batch(&messages).map(drop)
    }

    fn delete_address(&mut self, index: u32, ip: IpNetwork) -> Result<bool> {
        let subject = format!("{ip} from link {index}");
        let message = Message::new("delete address", subject, libc::RTM_DELADDR)
            .body(codec::address::delete(index, ip));
        deleted(self.socket.execute(&message))
    }

    fn routes(&mut self, filter: &RouteFilter) -> Result<Vec<Route>> {
        if let Some(family) = filter.family {
            return self.route_list(family, filter);
        }
        let mut routes = self.route_list(Family::V4, filter)?;
        routes.extend(self.route_list(Family::V6, filter)?);
        Ok(routes)
    }

    fn route_to(&mut self, to: IpAddr) -> Result<Vec<Route>> {
        let message = Message::new("look up the route to", to.to_string(), libc::RTM_GETROUTE)
            .body(codec::route::lookup(to));
        let found = self
            .socket
            .get(&message, |_, body| Some(codec::route::decode(body)));
        match found {
            Err(error) if error.errno() == Some(Errno::ENETUNREACH) => Ok(Vec::new()),
            found => Ok(found?),
        }
    }

    fn add_route(&mut self, route: &Route) -> Result<()> {
        self.new_route(route, CREATE | EXCL)
    }

    fn add_route_ecmp(&mut self, route: &Route) -> Result<()> {
        self.new_route(route, CREATE)
    }

    fn replace_route(&mut self, route: &Route) -> Result<()> {
        let message = routes::add("replace route", route, CREATE | REPLACE)?;
        self.socket.execute(&message)
    }

    fn change_routes(&mut self, changes: &[RouteChange]) -> Result<Vec<Result<()>>> {
        routes::change(&mut self.socket, changes)
    }

    fn delete_route(&mut self, route: &Route) -> Result<bool> {
        let message = Message::new("delete route", subject_of(route), libc::RTM_DELROUTE)
            .body(codec::route::delete(route));
        deleted(self.socket.execute(&message))
    }

    fn nexthops(&mut self, protocol: Option<u8>) -> Result<Vec<Nexthop>> {
        nexthops::list(&mut self.socket, protocol)
    }

    fn replace_nexthops(&mut self, nexthops: &[Nexthop]) -> Result<Vec<Result<()>>> {
        nexthops::replace(&mut self.socket, nexthops)
    }

    fn delete_nexthops(&mut self, ids: &[u32]) -> Result<Vec<Result<bool>>> {
        nexthops::delete(&mut self.socket, ids)
    }

    fn rules(&mut self, protocol: Option<u8>) -> Result<Vec<Rule>> {
        rules::list(&mut self.socket, protocol)
    }

    fn add_rule(&mut self, rule: &Rule) -> Result<()> {
        rules::add(&mut self.socket, rule)
    }

    fn delete_rule(&mut self, rule: &Rule) -> Result<bool> {
        rules::delete(&mut self.socket, rule)
    }

    fn neighbours(&mut self, index: Option<u32>) -> Result<Vec<Neighbour>> {
        self.neighbour_list(index)
    }

    fn add_neighbour(&mut self, spec: &NeighbourSpec) -> Result<()> {
        self.new_neighbour("add neighbour", spec, CREATE | EXCL)
    }

    fn replace_neighbour(&mut self, spec: &NeighbourSpec) -> Result<()> {
        self.new_neighbour("replace neighbour", spec, CREATE | REPLACE)
    }

    fn delete_neighbour(&mut self, index: u32, ip: IpAddr) -> Result<bool> {
        let subject = format!("{ip} on link {index}");
        let message = Message::new("delete neighbour", subject, libc::RTM_DELNEIGH)
            .body(codec::neighbour::delete(index, ip));
        deleted(self.socket.execute(&message))
    }
}

/// What is not there is no error to those who only ask.
fn found<R>(result: Result<R>) -> Result<Option<R>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is gone already need not be deleted. ENXIO: the link has no IPv6.
fn deleted(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() || error.errno() == Some(Errno::ENXIO) => Ok(false),
        Err(error) => Err(error),
    }
}

fn subject_of(route: &Route) -> String {
    let mut text = route.dst.to_string();
    if let Some(gateway) = route.gateway {
        text.push_str(&format!(" via {gateway}"));
    }
    if let Some(oif) = route.oif {
        text.push_str(&format!(" on link {oif}"));
    }
    text
}

/// The kernel makes sure of the rest, but it would cut a name off at a NUL and
/// count up a `%d`, and so make a link that nobody finds again.
fn check_name(message: &Message, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > 15 || name.contains(['\0', '%']) {
        return Err(message.invalid("a link's name has 1 to 15 bytes, none of them NUL or %"));
    }
    Ok(())
}
