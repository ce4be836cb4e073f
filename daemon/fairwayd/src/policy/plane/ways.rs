//! Ways to other nodes. The programs use them as long as all are written: of a map that lacks one, a wider prefix
//! would lead to the wrong node.

use super::{Loaded, Plane};
use crate::{
    config::Policing,
    policy::links::Links,
    routes::ways::{Changed, To, Way},
};
use fairway_dataplane::{Dataplane, Error, Tunnel, Way as Written, abi::Config};
use fairway_netlink::Link;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// A generation waits so long for them before it takes over: open flows that went past the host until then would
/// go by it meanwhile, which knows only what comes after.
const WAIT: Duration = Duration::from_secs(3);

/// A generation that is not filled by then leaves those before it without their ways, which may be others by now.
const GIVE_UP: Duration = Duration::from_secs(10);

/// What is wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// All there are have been told.
    whole: bool,
    uplink: Option<String>,
    ways: BTreeMap<To, Way>,
    /// Those to neighbours.
    near: usize,
    dirty: BTreeSet<To>,
}

impl Wanted {
    fn put(&mut self, to: To, way: Option<Way>) {
        let before = match way {
            Some(way) => self.ways.insert(to, way),
            None => self.ways.remove(&to),
        };
        let near = |way: Option<Way>| usize::from(matches!(way, Some(Way::Neighbour { .. })));
        self.near = self.near + near(way) - near(before);
        self.dirty.insert(to);
    }
}

/// A link that ways lead by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Device {
    index: u32,
    mac: [u8; 6],
    mtu: u32,
}

impl Device {
    fn of(link: &Link) -> Option<Device> {
        Some(Device {
            index: link.index,
            mac: link.mac?.octets(),
            mtu: link.mtu,
        })
    }
}

/// The overlay's device and the underlay's link, where ways may lead by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Devices {
    overlay: Option<Device>,
    uplink: Option<Device>,
}

impl Devices {
    fn find(policing: &Policing, links: &Links, wanted: &Wanted) -> Devices {
        let overlay = links.overlay().filter(|_| policing.deliver_overlay);
        let uplink = wanted.uplink.as_ref();
        let uplink = uplink.filter(|_| policing.deliver_direct && wanted.near > 0);
        Devices {
            overlay: overlay.and_then(Device::of),
            uplink: uplink.and_then(|name| Device::of(links.named(name)?)),
        }
    }

    fn links(&self) -> [Option<u32>; 2] {
        [self.overlay, self.uplink].map(|device| device.map(|device| device.index))
    }

    /// Those that have their programs: else answers would come by the host alone.
    fn with_programs(self, hung: [Option<u32>; 2]) -> Devices {
        let has = |at: usize| move |device: &Device| hung[at] == Some(device.index);
        Devices {
            overlay: self.overlay.filter(has(0)),
            uplink: self.uplink.filter(has(1)),
        }
    }

    fn written(&self, way: &Way) -> Option<Written> {
        match *way {
            Way::Tunnel {
                vni,
                local,
                remote,
                mac,
                mtu,
            } => self.overlay.map(|device| {
                Written::Tunnel(Tunnel {
                    device: device.index,
                    vni,
                    mtu,
                    local,
                    remote,
                    to: mac,
                    from: device.mac,
                })
            }),
            Way::Neighbour { gateway, mtu } => self.uplink.map(|device| Written::Neighbour {
                device: device.index,
                mtu: mtu.unwrap_or(device.mtu).min(device.mtu),
                gateway,
            }),
            Way::Host => None,
        }
    }
}

/// What a generation has.
#[derive(Debug, Default)]
pub(super) struct There {
    devices: Devices,
    ways: BTreeMap<To, Option<Written>>,
    /// Why not all is written.
    pub(super) lacks: Option<String>,
}

impl Plane {
    /// Ways to other nodes have changed.
    pub(in crate::policy) fn ways(&mut self, changed: Changed) {
        self.wanted.uplink = changed.uplink;
        self.wanted.whole |= changed.whole;
        for (to, way) in changed.ways {
            self.wanted.put(to, way);
        }
    }

    /// Are they known, or was that waited for long enough? If not, when it will be.
    pub(in crate::policy) fn may_lead(&self) -> Result<(), Instant> {
        let until = self.born + WAIT;
        let none = !self.policing.deliver_overlay && !self.policing.deliver_direct;
        match none || self.wanted.whole || Instant::now() >= until {
            true => Ok(()),
            false => Err(until),
        }
    }

    /// Brings the ways to the programs. It does not wait for policies: what is known of ways has to be what the
    /// kernel's routes are.
    pub(in crate::policy) fn lead(&mut self, links: &mut Links) {
        let (ready, late) = (self.may_lead().is_ok(), self.born.elapsed() >= GIVE_UP);
        let mut wanted = std::mem::take(&mut self.wanted);
        let devices = Devices::find(&self.policing, links, &wanted);
        let look = ready && std::mem::take(&mut self.look_ways);
        if let Some(loaded) = self.loaded() {
            if loaded.filled && loaded.trouble.is_none() {
                if ready {
                    let others = match loaded.may_be_stale(look, devices.links()) {
                        true => links.others(),
                        false => Vec::new(),
                    };
                    loaded.hang(links.netlink(), look, &others, devices.links());
                }
                loaded.lead(&mut wanted, devices.with_programs(loaded.hung));
            } else if loaded.filled {
                loaded.lead_no_more();
            } else if late && wanted.whole && !loaded.stopped {
                // Policies that cannot be read may keep the generation before this one in place for long. While
                // the store is away, what it knows is the best that there is.
                let stopped = loaded.data.stop_older_routes();
                loaded.stopped = stopped.is_ok();
                loaded.bear(stopped);
            }
        }
        self.wanted = wanted;
    }
}

impl Loaded {
    fn lead(&mut self, wanted: &mut Wanted, devices: Devices) {
        let there = &mut self.there;
        if there.devices != devices || there.lacks.is_some() {
            let gone = there.ways.keys().copied();
            wanted.dirty = wanted.ways.keys().copied().chain(gone).collect();
        }
        let dirty = std::mem::take(&mut wanted.dirty);
        let done = there.bring(&mut self.data, &wanted.ways, devices, &dirty);
        there.devices = devices;
        there.lacks = done.err().map(|error| error.to_string());
        let flags = match there.lacks {
            None => self.config.flags | Config::ROUTE,
            Some(_) => self.config.flags & !Config::ROUTE,
        };
        if flags != self.config.flags {
            self.config.flags = flags;
            let set = self.data.set_config(&self.config);
            self.note(set);
        }
    }

    /// Nothing more is written to this generation: the host knows the ways from now on.
    fn lead_no_more(&mut self) {
        if self.config.flags & Config::ROUTE != 0 {
            self.config.flags &= !Config::ROUTE;
            let set = self.data.set_config(&self.config);
            self.bear(set);
        }
    }
}

impl There {
    /// What goes makes room first; shorter prefixes come after those that lie in them.
    fn bring(
        &mut self,
        data: &mut Dataplane,
        ways: &BTreeMap<To, Way>,
        devices: Devices,
        dirty: &BTreeSet<To>,
    ) -> Result<(), Error> {
        let mut put = Vec::new();
        for to in dirty {
            match ways.get(to) {
                Some(way) => put.push((*to, devices.written(way))),
                None => {
                    if self.ways.contains_key(to) {
                        data.remove_route(to.0, to.1)?;
                        self.ways.remove(to);
                    }
                }
            }
        }
        put.sort_by_key(|((_, net), _)| std::cmp::Reverse(net.prefix()));
        for (to, way) in put {
            if self.ways.get(&to) != Some(&way) {
                data.put_route(to.0, to.1, way.as_ref())?;
                self.ways.insert(to, way);
            }
        }
        Ok(())
    }
}
