//! The programs on their links.

use super::Plane;
use crate::{alias, config::Policing, error::Error};
use fairway_fib::names;
use fairway_netlink::{Handle, Netlink as _};
use std::io;
use tracing::warn;

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
        let attached = |loaded: &mut super::Loaded| loaded.attached.contains(&link);
        if self.loaded().is_some_and(|loaded| !attached(loaded))
            && let Err(error) = self.attach(netlink, link)
        {
            warn!("link {link}: {error}");
        }
    }

    /// Gives all links these programs, and lets older generations go. `ours` are all links of containers.
    pub(in crate::policy) fn take_over(
        &mut self,
        netlink: &mut Handle,
        overlay: Option<u32>,
        ours: impl Iterator<Item = u32>,
    ) {
        let look = std::mem::take(&mut self.look);
        let device = overlay;
        let overlay = overlay.filter(|_| self.policing.deliver_overlay);
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
            let guarded = ours.filter(|link| {
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
                Err(error) => warn!("link {link}: {error}"),
            }
        }
        if let Some(device) = overlay.filter(|device| look || loaded.overlay != Some(*device)) {
            match loaded.data.attach_overlay(netlink, device) {
                Ok(()) => loaded.overlay = Some(device),
                Err(error) => warn!("overlay: {error}"),
            }
        }
        if let (false, None, Some(device)) = (loaded.alone, overlay, device) {
            // A daemon with another setting may have hung it there.
            let detached = fairway_dataplane::detach(netlink, device).map(drop);
            loaded.bear(detached);
        }
        if !loaded.alone {
            let retired = loaded.data.retire_older();
            loaded.alone = retired.is_ok();
            loaded.bear(retired);
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
        let ours = |alias: &str| alias::marks(alias) || alias == names::ALIAS;
        if link.alias.as_deref().is_some_and(ours) {
            fairway_dataplane::detach(&mut netlink, link.index).map_err(failed)?;
        }
    }
    fairway_dataplane::clear(&policing.pins.join(node)).map_err(failed)
}
