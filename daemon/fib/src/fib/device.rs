//! The overlay's device: one for all networks and all nodes.

use super::{Fib, Synced};
use crate::{error::Problem, names, settings::Overlay};
use fairway_netlink::{Event, Link, LinkChange, Netlink, VxlanSpec};
use nix::errno::Errno;

/// Larger than what any underlay carries: how much fits is said by each route.
const MTU: u32 = 65_000;

impl<N: Netlink> Fib<N> {
    /// The index of the overlay's device, if it is there, ours and up.
    pub(super) fn device_index(&self) -> Option<u32> {
        let device = self.have.links.named(names::DEVICE)?;
        (device.up && is_ours(device)).then_some(device.index)
    }

    /// Makes the device as it is wanted. Without an overlay one that is there stays: the underlay's address
    /// may only be away for a moment.
    pub(super) fn device(&mut self, synced: &mut Synced) {
        let Some(overlay) = self.settings.overlay else {
            return;
        };
        let spec = VxlanSpec {
            port: overlay.port,
            mac: Some(overlay.mac),
            mtu: Some(MTU),
            alias: names::ALIAS.to_owned(),
            up: true,
            ..VxlanSpec::new(names::DEVICE)
        };
        let found = self.have.links.named(names::DEVICE).cloned();
        let done = match found {
            Some(link) if !is_ours(&link) && !is_half_made(&link, &overlay, &spec) => {
                let name = link.name.clone();
                let what = describe(&link);
                let problem = Problem::ForeignDevice { name, what };
                self.problems.insert(names::DEVICE.to_owned(), problem);
                synced.again = true;
                return;
            }
            Some(link) if link.vxlan() == Some(spec.settings()) => {
                self.repair(&link, &overlay, synced)
            }
            Some(link) => self.netlink.delete_link(link.index).and_then(|_| {
                // Nobody has told yet, but all that was on it is gone.
                self.event(&Event::LinkGone(link));
                self.make(&spec, synced)
            }),
            None => self.make(&spec, synced),
        };
        if let Err(source) = done {
            let taken = source.is_exists() || source.errno() == Some(Errno::EADDRINUSE);
            let problem = match taken {
                true => Problem::Port {
                    port: overlay.port,
                    source,
                },
                false => Problem::Refused {
                    what: format!("link {}", names::DEVICE),
                    source,
                },
            };
            self.problems.insert(names::DEVICE.to_owned(), problem);
            synced.again = true;
        }
    }

    /// Without networks there is no overlay.
    pub(super) fn surplus_device(&mut self, synced: &mut Synced) {
        let device = self.have.links.named(names::DEVICE);
        let Some(device) = device.filter(|link| is_ours(link)).cloned() else {
            return;
        };
        if !self.settings.tenants.is_empty() {
            return;
        }
        match self.netlink.delete_link(device.index) {
            Ok(_) => {
                synced.changes += 1;
                self.event(&Event::LinkGone(device));
            }
            Err(source) => self.refused(format!("link {}", names::DEVICE), source, synced),
        }
    }

    fn make(&mut self, spec: &VxlanSpec, synced: &mut Synced) -> fairway_netlink::Result<()> {
        let link = self.netlink.create_vxlan(spec)?;
        self.event(&Event::LinkChanged(link));
        self.dirty.extend(self.want.places());
        synced.device_made = true;
        synced.changes += 1;
        Ok(())
    }

    fn repair(
        &mut self,
        link: &Link,
        overlay: &Overlay,
        synced: &mut Synced,
    ) -> fairway_netlink::Result<()> {
        if link.up && link.mtu == MTU && link.mac == Some(overlay.mac) && is_ours(link) {
            return Ok(());
        }
        let change = LinkChange {
            up: Some(true),
            mtu: Some(MTU),
            mac: Some(overlay.mac),
            alias: Some(names::ALIAS.to_owned()),
            ..LinkChange::default()
        };
        self.netlink.change_link(link.index, &change)?;
        synced.changes += 1;
        let mut link = link.clone();
        (link.up, link.mtu, link.mac) = (true, MTU, Some(overlay.mac));
        link.alias = Some(names::ALIAS.to_owned());
        self.have.links.put(link);
        self.dirty.extend(self.want.places());
        Ok(())
    }
}

fn is_ours(link: &Link) -> bool {
    link.alias.as_deref() == Some(names::ALIAS) && link.vxlan().is_some()
}

/// One that a daemon made and was killed over, before it could write its name on it.
fn is_half_made(link: &Link, overlay: &Overlay, spec: &VxlanSpec) -> bool {
    link.alias.is_none()
        && !link.up
        && link.mac == Some(overlay.mac)
        && link.vxlan() == Some(spec.settings())
}

fn describe(link: &Link) -> String {
    match (&link.kind, &link.alias) {
        (_, Some(alias)) if link.vxlan().is_some() => {
            format!("a VXLAN device with the alias {alias:?}")
        }
        (Some(fairway_netlink::LinkKind::Other(kind)), _) => format!("a link of kind {kind}"),
        (Some(kind), _) => format!("{kind:?}"),
        (None, _) => "a link without a kind".to_owned(),
    }
}
