//! The trait over the model.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use ipnetwork::IpNetwork;
use nix::errno::Errno;

use super::model::{Model, Place};
use super::{Call, Change, Recorder};
use crate::address::{Address, AddressSpec};
use crate::bridge::{BridgeChange, BridgePort, BridgeSpec, PortVlan, PortVlanRange};
use crate::child::ChildSpec;
use crate::error::{Error, Result};
use crate::link::{Link, LinkChange, LinkKind, VethSpec};
use crate::neighbour::{Neighbour, NeighbourSpec};
use crate::netlink::Netlink;
use crate::nexthop::Nexthop;
use crate::route::{Family, Route, RouteChange, RouteFilter};
use crate::rule::Rule;
use crate::vrf::VrfSpec;
use crate::vxlan::VxlanSpec;

impl Recorder {
    /// Writes a change down and carries it out, unless it is the one to fail.
    pub(super) fn change<R>(
        &self,
        change: Change,
        op: &'static str,
        subject: impl ToString,
        apply: impl FnOnce(&mut Model, Place) -> Result<R, Errno>,
    ) -> Result<R> {
        let shared = &mut *self.shared.borrow_mut();
        let result = match shared.failure.take() {
            Some((0, error)) => Err(error),
            other => {
                shared.failure = other.map(|(nth, error)| (nth - 1, error));
                apply(&mut shared.model, self.place).map_err(|errno| Error::Kernel {
                    op,
                    subject: subject.to_string(),
                    errno,
                    ext_ack: None,
                })
            }
        };
        shared.calls.push(Call {
            place: self.place,
            change,
            refused: result.is_err(),
        });
        result
    }

    pub(super) fn look<R>(&self, at: impl FnOnce(&Model, Place) -> R) -> R {
        at(&self.shared.borrow().model, self.place)
    }
}

/// What is not there is no error to those who delete it.
pub(super) fn deleted(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a change makes of a link.
pub(super) fn changed(link: &mut Link, change: &LinkChange) {
    link.up = change.up.unwrap_or(link.up);
    link.promisc = change.promisc.unwrap_or(link.promisc);
    link.mtu = change.mtu.unwrap_or(link.mtu);
    link.mac = change.mac.or(link.mac);
    link.allmulti = change.allmulti.unwrap_or(link.allmulti);
    link.tx_queue_len = change.tx_queue_len.or(link.tx_queue_len);
    link.gso_max_segs = change.gso_max_segs.or(link.gso_max_segs);
    link.master = change.master.unwrap_or(link.master);
    if let Some(name) = &change.name {
        link.name.clone_from(name);
    }
    if let Some(alias) = &change.alias {
        link.alias = Some(alias.clone()).filter(|alias| !alias.is_empty());
    }
}

impl Netlink for Recorder {
    fn link_by_name(&mut self, name: &str) -> Result<Option<Link>> {
        Ok(self.look(|model, place| model.find(place, name).cloned()))
    }

    fn link_by_index(&mut self, index: u32) -> Result<Option<Link>> {
        Ok(self.look(|model, place| model.get(place, index).ok().cloned()))
    }

    fn glance(&mut self, name: &str) -> Result<Option<Link>> {
        let link = self.link_by_name(name)?;
        Ok(link.map(|link| Link {
            mac: link.mac,
            mtu: link.mtu,
            up: link.up,
            ..Link::new(link.index, link.name)
        }))
    }

    fn links(&mut self) -> Result<Vec<Link>> {
        Ok(self.look(|model, place| model.of(place).cloned().collect()))
    }

    fn create_bridge(&mut self, spec: &BridgeSpec) -> Result<()> {
        let change = Change::CreateBridge(spec.clone());
        self.change(change, "create bridge", &spec.name, |model, place| {
            model.free(place, &spec.name)?;
            model.put(
                place,
                Link {
                    mac: spec.mac,
                    mtu: spec.mtu.unwrap_or(1500),
                    up: spec.up,
                    kind: Some(LinkKind::Bridge {
                        vlan_filtering: spec.vlan_filtering,
                    }),
                    ..Link::new(0, &spec.name)
                },
            );
            Ok(())
        })
    }

    fn create_veth(&mut self, spec: &VethSpec<'_>) -> Result<()> {
        let place_of = |given: bool| match given {
            true => self.place.other(),
            false => self.place,
        };
        let near_place = place_of(spec.netns.is_some());
        let far_place = place_of(spec.peer.netns.is_some());
        let change = Change::CreateVeth {
            name: spec.name.clone(),
            mtu: spec.mtu,
            mac: spec.mac,
            master: spec.master,
            up: spec.up,
            place: near_place,
            peer: spec.peer.name.clone(),
            peer_mtu: spec.peer.mtu,
            peer_mac: spec.peer.mac,
            peer_place: far_place,
        };
        self.change(change, "create veth", &spec.name, |model, place| {
            model.free(near_place, &spec.name)?;
            model.free(far_place, &spec.peer.name)?;
            if (near_place, &spec.name) == (far_place, &spec.peer.name) {
                return Err(Errno::EEXIST);
            }
            if let Some(master) = spec.master {
                model.bridge(place, master)?;
            }
            let near = Link {
                mac: spec.mac,
                mtu: spec.mtu.unwrap_or(1500),
                master: spec.master,
                ..Link::new(0, &spec.name)
            };
            let far = Link {
                mac: spec.peer.mac,
                mtu: spec.peer.mtu.unwrap_or(1500),
                ..Link::new(0, &spec.peer.name)
            };
            let near = model.put_veth(near_place, near, spec.up);
            let far = model.put_veth(far_place, far, false);
            let nsid = (near_place != far_place).then_some(0);
            for (place, index, peer) in [(near_place, near, far), (far_place, far, near)] {
                let link = model.get_mut(place, index)?;
                link.peer_index = Some(peer);
                link.peer_nsid = nsid;
            }
            model.settle();
            Ok(())
        })
    }

    fn create_vxlan(&mut self, spec: &VxlanSpec) -> Result<Link> {
        self.new_vxlan(spec)
    }

    fn create_child(&mut self, spec: &ChildSpec<'_>) -> Result<()> {
        self.new_child(spec)
    }

    fn move_link(&mut self, index: u32, _: BorrowedFd<'_>, change: &LinkChange) -> Result<()> {
        self.moved_link(index, change)
    }

    fn create_vrf(&mut self, spec: &VrfSpec) -> Result<()> {
        self.new_vrf(spec)
    }

    fn change_link(&mut self, index: u32, change: &LinkChange) -> Result<()> {
        let call = Change::ChangeLink(index, change.clone());
        self.change(call, "change link", index, |model, place| {
            model.get(place, index)?;
            if let Some(name) = &change.name {
                model.free(place, name)?;
            }
            if let Some(Some(master)) = change.master {
                model.takes_links(place, master)?;
            }
            changed(model.get_mut(place, index)?, change);
            model.settle();
            Ok(())
        })
    }

    fn set_bridge_port(&mut self, index: u32, port: &BridgePort) -> Result<()> {
        let change = Change::SetBridgePort(index, port.clone());
        self.change(change, "set bridge port", index, |model, place| {
            let link = model.get_mut(place, index)?;
            let state = link.port.as_mut().ok_or(Errno::EOPNOTSUPP)?;
            state.hairpin = port.hairpin.unwrap_or(state.hairpin);
            state.isolated = port.isolated.unwrap_or(state.isolated);
            Ok(())
        })
    }

    fn set_bridge(&mut self, index: u32, change: &BridgeChange) -> Result<()> {
        let call = Change::SetBridge(index, change.clone());
        self.change(call, "set bridge", index, |model, place| {
            match &mut model.get_mut(place, index)?.kind {
                Some(LinkKind::Bridge { vlan_filtering }) => {
                    *vlan_filtering = change.vlan_filtering.unwrap_or(*vlan_filtering);
                    Ok(())
                }
                _ => Err(Errno::EOPNOTSUPP),
            }
        })
    }

    fn delete_link(&mut self, index: u32) -> Result<bool> {
        let change = Change::DeleteLink(index);
        deleted(self.change(change, "delete link", index, |model, place| {
            model.delete(place, index)
        }))
    }

    fn port_vlans(&mut self, index: u32) -> Result<Vec<PortVlan>> {
        Ok(self.look(|model, _| {
            let vlans = model.vlans.get(&index).into_iter().flatten();
            vlans.copied().collect()
        }))
    }

    fn add_port_vlans(
        &mut self,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()> {
        let change = Change::AddPortVlans(index, vlans.to_vec(), on_bridge_itself);
        self.change(change, "add VLANs to", index, |model, place| {
            model.get(place, index)?;
            let known = model.vlans.entry(index).or_default();
            for range in vlans {
                for vid in range.first..=range.last {
                    let (pvid, untagged) = (range.pvid, range.untagged);
                    known.retain(|vlan| vlan.vid != vid);
                    known.insert(PortVlan {
                        vid,
                        pvid,
                        untagged,
                    });
                }
            }
            Ok(())
        })
    }

    fn delete_port_vlans(
        &mut self,
        index: u32,
        vlans: &[PortVlanRange],
        on_bridge_itself: bool,
    ) -> Result<()> {
        let change = Change::DeletePortVlans(index, vlans.to_vec(), on_bridge_itself);
        self.change(change, "delete VLANs of", index, |model, place| {
            model.get(place, index)?;
            let known = model.vlans.entry(index).or_default();
            let gone = |vid| {
                vlans
                    .iter()
                    .any(|range| (range.first..=range.last).contains(&vid))
            };
            known.retain(|vlan| !gone(vlan.vid));
            Ok(())
        })
    }

    fn addresses(&mut self, index: Option<u32>) -> Result<Vec<Address>> {
        Ok(self.look(|model, place| {
            let here = model.addresses.iter().filter(|(at, _)| *at == place);
            here.filter(|(_, address)| index.is_none_or(|index| index == address.index))
                .map(|(_, address)| address.clone())
                .collect()
        }))
    }

    fn addresses_of(&mut self, index: u32, family: Family) -> Result<Vec<Address>> {
        let mut addresses = self.addresses(Some(index))?;
        addresses.retain(|address| Family::of(address.ip.ip()) == family);
        Ok(addresses)
    }

    fn add_address(&mut self, index: u32, spec: &AddressSpec) -> Result<()> {
        let change = Change::AddAddress(index, spec.clone());
        self.change(change, "add address", spec.ip, |model, place| {
            model.get(place, index)?;
            let address = Address {
                index,
                ip: spec.ip,
                scope: spec.scope,
                tentative: false,
                dad_failed: false,
                permanent: true,
                secondary: false,
            };
            let same = |(_, known): &(Place, Address)| {
                (known.index, known.ip) == (address.index, address.ip)
            };
            if model.addresses.iter().any(same) {
                return Err(Errno::EEXIST);
            }
            model.addresses.push((place, address));
            Ok(())
        })
    }

    fn delete_address(&mut self, index: u32, ip: IpNetwork) -> Result<bool> {
        let change = Change::DeleteAddress(index, ip);
        deleted(self.change(change, "delete address", ip, |model, place| {
            model.get(place, index)?;
            let before = model.addresses.len();
            model
                .addresses
                .retain(|(_, address)| (address.index, address.ip) != (index, ip));
            match model.addresses.len() < before {
                true => Ok(()),
                false => Err(Errno::EADDRNOTAVAIL),
            }
        }))
    }

    fn routes(&mut self, filter: &RouteFilter) -> Result<Vec<Route>> {
        Ok(self.listed_routes(filter))
    }

    fn route_to(&mut self, to: IpAddr) -> Result<Vec<Route>> {
        Ok(self.found_route(to))
    }

    fn add_route(&mut self, route: &Route) -> Result<()> {
        self.new_route(route, Change::AddRoute(route.clone()), false)
    }

    fn add_route_ecmp(&mut self, route: &Route) -> Result<()> {
        self.new_route(route, Change::AddRouteEcmp(route.clone()), true)
    }

    fn delete_route(&mut self, route: &Route) -> Result<bool> {
        self.take_route(route, None)
    }

    fn replace_route(&mut self, route: &Route) -> Result<()> {
        self.put_route(route)
    }

    fn change_routes(&mut self, changes: &[RouteChange]) -> Result<Vec<Result<()>>> {
        let made = changes.iter().map(|change| match change {
            RouteChange::Add(route) => {
                self.new_route(route, Change::AddRoute(route.clone()), false)
            }
            RouteChange::Replace(route) => self.put_route(route),
            RouteChange::Delete(route) => self.take_route(route, Some(route.protocol)).map(drop),
        });
        Ok(made.collect())
    }

    fn nexthops(&mut self, protocol: Option<u8>) -> Result<Vec<Nexthop>> {
        Ok(self.listed_nexthops(protocol))
    }

    fn replace_nexthops(&mut self, nexthops: &[Nexthop]) -> Result<Vec<Result<()>>> {
        Ok(nexthops.iter().map(|hop| self.put_nexthop(hop)).collect())
    }

    fn delete_nexthops(&mut self, ids: &[u32]) -> Result<Vec<Result<bool>>> {
        Ok(ids.iter().map(|id| self.take_nexthop(*id)).collect())
    }

    fn rules(&mut self, protocol: Option<u8>) -> Result<Vec<Rule>> {
        Ok(self.listed_rules(protocol))
    }

    fn add_rule(&mut self, rule: &Rule) -> Result<()> {
        self.new_rule(rule)
    }

    fn delete_rule(&mut self, rule: &Rule) -> Result<bool> {
        self.take_rule(rule)
    }

    fn neighbours(&mut self, index: Option<u32>) -> Result<Vec<Neighbour>> {
        Ok(self.listed_neighbours(index))
    }

    fn add_neighbour(&mut self, spec: &NeighbourSpec) -> Result<()> {
        self.set_neighbour(Change::AddNeighbour(*spec), spec, false)
    }

    fn replace_neighbour(&mut self, spec: &NeighbourSpec) -> Result<()> {
        self.set_neighbour(Change::ReplaceNeighbour(*spec), spec, true)
    }

    fn delete_neighbour(&mut self, index: u32, ip: IpAddr) -> Result<bool> {
        self.take_neighbour(index, ip)
    }
}
