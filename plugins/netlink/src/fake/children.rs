//! The model's links that stand on another one, and links that change their namespace.

use nix::errno::Errno;

use super::recorder::changed;
use super::{Change, Recorder};
use crate::child::{ChildKind, ChildSpec};
use crate::error::Result;
use crate::link::{Link, LinkChange, LinkKind};

impl Recorder {
    pub(super) fn new_child(&self, spec: &ChildSpec<'_>) -> Result<()> {
        let goes_to = match spec.netns {
            Some(_) => self.place.other(),
            None => self.place,
        };
        let change = Change::CreateChild {
            name: spec.name.clone(),
            parent: spec.parent,
            mtu: spec.mtu,
            mac: spec.mac,
            kind: spec.kind,
            place: goes_to,
        };
        self.change(change, "create child", &spec.name, |model, place| {
            model.free(goes_to, &spec.name)?;
            if spec.index.is_none() {
                model.free(place, &spec.name)?;
            }
            let parent = spec.parent.map(|index| model.get(place, index));
            let parent = parent.transpose()?.cloned();
            let kind = match spec.kind {
                ChildKind::Macvlan { mode, .. } => LinkKind::Macvlan(mode),
                ChildKind::Ipvlan { mode } => LinkKind::Ipvlan(mode),
                ChildKind::Vlan { id } => LinkKind::Vlan { id },
                ChildKind::Dummy => LinkKind::Other("dummy".to_owned()),
            };
            if parent.is_none() && spec.kind != ChildKind::Dummy {
                return Err(Errno::EINVAL);
            }
            let same = |link: &Link| link.kind.as_ref() == Some(&kind);
            let taken = matches!(kind, LinkKind::Vlan { .. })
                && model
                    .links
                    .values()
                    .any(|(_, link)| same(link) && link.peer_index == spec.parent);
            if taken {
                return Err(Errno::EEXIST);
            }
            let inherits = !matches!(kind, LinkKind::Macvlan(_));
            let mac = parent.as_ref().and_then(|parent| parent.mac);
            let index = model.put(
                goes_to,
                Link {
                    mac: spec.mac.or(mac.filter(|_| inherits)),
                    mtu: spec.mtu.or(parent.map(|parent| parent.mtu)).unwrap_or(1500),
                    kind: Some(kind),
                    ..Link::new(0, &spec.name)
                },
            );
            model.get_mut(goes_to, index)?.peer_index = spec.parent;
            model.settle();
            Ok(())
        })
    }

    pub(super) fn moved_link(&self, index: u32, change: &LinkChange) -> Result<()> {
        let call = Change::MoveLink(index, change.clone());
        self.change(call, "move link", index, |model, place| {
            let link = model.get(place, index)?.clone();
            let there = place.other();
            model.free(there, change.name.as_ref().unwrap_or(&link.name))?;
            let mut link = Link {
                up: false,
                master: None,
                ..link
            };
            changed(&mut link, change);
            model.links.insert(index, (there, link));
            model
                .addresses
                .retain(|(_, address)| address.index != index);
            model.routes.retain(|(_, route)| route.oif != Some(index));
            model.neighbours.retain(|(_, known)| known.index != index);
            model.settle();
            Ok(())
        })
    }
}
