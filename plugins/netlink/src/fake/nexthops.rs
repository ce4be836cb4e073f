//! The model's next hops.

use nix::errno::Errno;

use super::recorder::deleted;
use super::{Change, Recorder};
use crate::error::Result;
use crate::nexthop::Nexthop;

impl Recorder {
    pub(super) fn put_nexthop(&self, nexthop: &Nexthop) -> Result<()> {
        let change = Change::ReplaceNexthop(nexthop.clone());
        self.change(change, "replace next hop", nexthop.id, |model, place| {
            model.get(place, nexthop.oif)?;
            model
                .nexthops
                .retain(|(at, known)| (*at, known.id) != (place, nexthop.id));
            model.nexthops.push((place, nexthop.clone()));
            Ok(())
        })
    }

    /// Its routes go with it.
    pub(super) fn take_nexthop(&self, id: u32) -> Result<bool> {
        let change = Change::DeleteNexthop(id);
        deleted(self.change(change, "delete next hop", id, |model, place| {
            let mut here = model.nexthops.iter();
            let found = here.position(|(at, known)| (*at, known.id) == (place, id));
            model.nexthops.remove(found.ok_or(Errno::ENOENT)?);
            model
                .routes
                .retain(|(at, route)| (*at, route.nexthop) != (place, Some(id)));
            Ok(())
        }))
    }

    pub(super) fn listed_nexthops(&self, protocol: Option<u8>) -> Vec<Nexthop> {
        self.look(|model, place| {
            let here = model.nexthops.iter().filter(|(at, _)| *at == place);
            let nexthops = here.map(|(_, nexthop)| nexthop);
            nexthops
                .filter(|nexthop| protocol.is_none_or(|number| nexthop.protocol == number))
                .cloned()
                .collect()
        })
    }
}
