//! Ways into the overlay. The programs use them as long as all are written: of a map that lacks one, a wider
//! prefix would lead to the wrong node.

use super::Plane;
use crate::routes::ways::{Changed, To, Way};
use fairway_dataplane::{Dataplane, Error, Tunnel, abi::Config};
use fairway_netlink::Link;
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    ways: BTreeMap<To, Way>,
    dirty: BTreeSet<To>,
}

/// What a generation has.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The overlay's device, and its hardware address.
    device: Option<(u32, [u8; 6])>,
    there: BTreeMap<To, Option<Tunnel>>,
    /// Why not all is written.
    pub(super) lacks: Option<String>,
}

impl Plane {
    /// Ways to other nodes have changed.
    pub(in crate::policy) fn ways(&mut self, changed: Changed) {
        if !self.policing.deliver_overlay {
            return;
        }
        for (to, way) in changed {
            match way {
                Some(way) => drop(self.tunnels.ways.insert(to, way)),
                None => drop(self.tunnels.ways.remove(&to)),
            }
            self.tunnels.dirty.insert(to);
        }
    }

    /// Brings the ways to the programs. `overlay` is the overlay's device.
    pub(in crate::policy) fn lead(&mut self, overlay: Option<&Link>) {
        let mut wanted = std::mem::take(&mut self.tunnels);
        if self.policing.deliver_overlay
            && let Some(loaded) = self.sound().filter(|loaded| loaded.filled)
        {
            let device = overlay.and_then(|link| Some((link.index, link.mac?.octets())));
            let written = &mut loaded.tunnels;
            if written.device != device || written.lacks.is_some() {
                let gone = written.there.keys().copied();
                wanted.dirty = wanted.ways.keys().copied().chain(gone).collect();
            }
            let dirty = std::mem::take(&mut wanted.dirty);
            let done = written.bring(&mut loaded.data, &wanted.ways, device, &dirty);
            let flags = match (&done, device) {
                (Ok(()), Some(_)) => loaded.config.flags | Config::TUNNEL,
                _ => loaded.config.flags & !Config::TUNNEL,
            };
            written.device = device;
            written.lacks = done.err().map(|error| error.to_string());
            if flags != loaded.config.flags {
                loaded.config.flags = flags;
                let set = loaded.data.set_config(&loaded.config);
                loaded.note(set);
            }
        }
        self.tunnels = wanted;
    }
}

impl Written {
    /// What goes makes room first; shorter prefixes come after those that lie in them.
    fn bring(
        &mut self,
        data: &mut Dataplane,
        ways: &BTreeMap<To, Way>,
        device: Option<(u32, [u8; 6])>,
        dirty: &BTreeSet<To>,
    ) -> Result<(), Error> {
        let mut put = Vec::new();
        for to in dirty {
            match ways.get(to) {
                Some(way) => put.push((*to, tunnel(way, device))),
                None => {
                    if self.there.remove(to).is_some() {
                        data.remove_route(to.0, to.1)?;
                    }
                }
            }
        }
        put.sort_by_key(|((_, net), _)| std::cmp::Reverse(net.prefix()));
        for (to, tunnel) in put {
            if self.there.get(&to) != Some(&tunnel) {
                data.put_route(to.0, to.1, tunnel.as_ref())?;
                self.there.insert(to, tunnel);
            }
        }
        Ok(())
    }
}

fn tunnel(way: &Way, device: Option<(u32, [u8; 6])>) -> Option<Tunnel> {
    let Way::Tunnel {
        vni,
        local,
        remote,
        mac,
        mtu,
    } = *way
    else {
        return None;
    };
    device.map(|(device, from)| Tunnel {
        device,
        vni,
        mtu,
        local,
        remote,
        to: mac,
        from,
    })
}
