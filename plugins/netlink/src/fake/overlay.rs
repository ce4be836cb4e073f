//! The model's VXLAN devices and neighbours.

use std::net::IpAddr;

use nix::errno::Errno;

use super::recorder::deleted;
use super::{Change, Recorder};
use crate::error::Result;
use crate::link::{Link, LinkKind};
use crate::neighbour::{Neighbour, NeighbourSpec, NeighbourState};
use crate::vxlan::VxlanSpec;

impl Recorder {
    pub(super) fn new_vxlan(&self, spec: &VxlanSpec) -> Result<Link> {
        let change = Change::CreateVxlan(spec.clone());
        self.change(change, "create vxlan", &spec.name, |model, place| {
            model.free(place, &spec.name)?;
            let kind = LinkKind::Vxlan(spec.settings());
            // Two that would share a port and its packets.
            if model.of(place).any(|link| match &link.kind {
                Some(LinkKind::Vxlan(known)) => known.external && known.port == spec.port,
                _ => false,
            }) {
                return Err(Errno::EEXIST);
            }
            let index = model.put(
                place,
                Link {
                    mac: spec.mac,
                    mtu: spec.mtu.unwrap_or(1500),
                    up: spec.up,
                    alias: Some(spec.alias.clone()).filter(|alias| !alias.is_empty()),
                    kind: Some(kind),
                    ..Link::new(0, &spec.name)
                },
            );
            model.get(place, index).cloned()
        })
    }

    pub(super) fn listed_neighbours(&self, index: Option<u32>) -> Vec<Neighbour> {
        self.look(|model, place| {
            let here = model.neighbours.iter().filter(|(at, _)| *at == place);
            let neighbours = here.map(|(_, neighbour)| *neighbour);
            neighbours
                .filter(|neighbour| index.is_none_or(|index| neighbour.index == index))
                .collect()
        })
    }

    pub(super) fn set_neighbour(
        &self,
        change: Change,
        spec: &NeighbourSpec,
        replace: bool,
    ) -> Result<()> {
        self.change(change, "set neighbour", spec.ip, |model, place| {
            model.get(place, spec.index)?;
            let same = |(at, known): &(_, Neighbour)| {
                (*at, known.index, known.ip) == (place, spec.index, spec.ip)
            };
            if !replace && model.neighbours.iter().any(same) {
                return Err(Errno::EEXIST);
            }
            model.neighbours.retain(|known| !same(known));
            let neighbour = Neighbour {
                index: spec.index,
                ip: spec.ip,
                mac: Some(spec.mac),
                state: NeighbourState::PERMANENT,
                protocol: spec.protocol,
            };
            model.neighbours.push((place, neighbour));
            Ok(())
        })
    }

    pub(super) fn take_neighbour(&self, index: u32, ip: IpAddr) -> Result<bool> {
        let change = Change::DeleteNeighbour(index, ip);
        deleted(self.change(change, "delete neighbour", ip, |model, place| {
            model.get(place, index)?;
            let before = model.neighbours.len();
            model
                .neighbours
                .retain(|(at, known)| (*at, known.index, known.ip) != (place, index, ip));
            match model.neighbours.len() < before {
                true => Ok(()),
                false => Err(Errno::ENOENT),
            }
        }))
    }
}
