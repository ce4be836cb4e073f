//! The programs on their links.

use super::{Loaded, Plane};
use crate::{alias, code::Coded as _, config::Policing, error::Error, news::news};
use fairway_dataplane::Dataplane;
use fairway_netlink::{Handle, Netlink as _};
use std::io;

impl Plane {
    /// Hangs the programs on a link.
    pub(in crate::policy) fn attach(
        &mut self,
        netlink: &mut Handle,
        link: u32,
    ) -> Result<(), fairway_dataplane::Error> {
        let Some(loaded) = self.loaded() else {
            return Ok(());
        };
        loaded.data.attach(netlink, link)?;
        loaded.attached.insert(link);
        Ok(())
    }

    /// Nothing passes a link any more, whichever generation's programs it has.
    pub(in crate::policy) fn shut(&mut self, netlink: &mut Handle, link: u32) {
        self.close(link);
        let attached = |loaded: &mut Loaded| loaded.attached.contains(&link);
        if self.loaded().is_some_and(|loaded| !attached(loaded))
            && let Err(error) = self.attach(netlink, link)
        {
            news!(warn, code = error.number(), "policy: link {link}: {error}");
        }
    }

    /// Gives all links these programs, and lets older generations go. `ours` are all links of containers.
    pub(in crate::policy) fn take_over(&mut self, netlink: &mut Handle, ours: &[u32]) {
        if self.may_lead().is_err() {
            return;
        }
        let look = std::mem::take(&mut self.look);
        let Some(loaded) = self.sound().filter(|loaded| loaded.filled) else {
            return;
        };
        if !loaded.alone {
            let sealed = loaded.data.seal();
            if sealed.is_err() {
                return loaded.note(sealed);
            }
        }
        let missing = loaded.endpoints.keys();
        let missing = missing.filter(|link| look || !loaded.attached.contains(link));
        let mut missing: Vec<u32> = missing.copied().collect();
        if !loaded.alone {
            // One of which nothing is known must not go on with maps that nobody writes any more: it is closed.
            let guarded = ours.iter().copied().filter(|link| {
                !loaded.endpoints.contains_key(link)
                    && !loaded.attached.contains(link)
                    && fairway_dataplane::is_guarded(netlink, *link).unwrap_or(false)
            });
            missing.extend(guarded.collect::<Vec<_>>());
        }
        for link in missing {
            match loaded.data.attach(netlink, link) {
                Ok(()) => drop(loaded.attached.insert(link)),
                // It has gone; the kernel will tell.
                Err(error) => news!(warn, code = error.number(), "policy: link {link}: {error}"),
            }
        }
        if !loaded.alone {
            let retired = loaded.data.retire_older();
            loaded.alone = retired.is_ok();
            loaded.bear(retired);
        }
    }
}

impl Loaded {
    /// May other links have programs that are not wanted there? A daemon before, or another underlay before, may have
    /// left some.
    pub(super) fn may_be_stale(&self, look: bool, wanted: [Option<u32>; 2]) -> bool {
        look || !self.alone || self.hung.iter().any(|link| !wanted.contains(link))
    }

    /// The programs on the overlay's device and the underlay's link, as `wanted`, and on none of `others`. What failed
    /// is tried again with the next `look`.
    pub(super) fn hang(
        &mut self,
        netlink: &mut Handle,
        look: bool,
        others: &[u32],
        wanted: [Option<u32>; 2],
    ) {
        let ours = |link: &u32| self.attached.contains(link) || self.endpoints.contains_key(link);
        let stale = others.iter().filter(|link| !wanted.contains(&Some(**link)));
        for link in stale.filter(|link| !ours(link)) {
            if fairway_dataplane::is_guarded(netlink, *link).unwrap_or(false)
                && let Err(error) = fairway_dataplane::detach(netlink, *link)
            {
                news!(warn, code = error.number(), "policy: link {link}: {error}");
            }
        }
        if look || self.tried != wanted {
            (self.tried, self.unhung) = (wanted, None);
            let attach = [Dataplane::attach_overlay, Dataplane::attach_uplink];
            for (at, attach) in attach.into_iter().enumerate() {
                self.hung[at] = None;
                let Some(link) = wanted[at] else { continue };
                match attach(&self.data, netlink, link) {
                    Ok(()) => self.hung[at] = Some(link),
                    Err(error) => {
                        let text =
                            format!("packets to other nodes go by the host: link {link}: {error}");
                        self.unhung = Some(text);
                    }
                }
            }
        }
    }
}

/// Takes all of it away from this node's kernel.
pub(in crate::policy) fn clear(policing: &Policing, node: &str) -> Result<(), Error> {
    let failed = |error: fairway_dataplane::Error| Error::System {
        what: "policy",
        source: io::Error::other(error),
    };
    let mut netlink = Handle::open().map_err(|error| failed(error.into()))?;
    let links = netlink.links().map_err(|error| failed(error.into()))?;
    for link in links {
        let ours = link.alias.as_deref().is_some_and(alias::marks);
        if ours || fairway_dataplane::is_guarded(&mut netlink, link.index).unwrap_or(false) {
            fairway_dataplane::detach(&mut netlink, link.index).map_err(failed)?;
        }
    }
    let folder = policing.pins.join(node);
    fairway_dataplane::clear(&folder).map_err(failed)?;
    // What is not ours keeps them.
    for empty in [&folder, &policing.pins] {
        let _ = std::fs::remove_dir(empty);
    }
    Ok(())
}
