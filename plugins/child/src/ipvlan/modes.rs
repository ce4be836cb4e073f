//! Which mode a master's other ipvlan links have: the kernel gives all of them the one that is asked for last, and does
//! not tell, for a master knows nothing of what stands on it elsewhere.
//!
//! So its own namespace is looked at, and those that the runtime keeps beside this container's. Who keeps them
//! elsewhere (`/proc/PID/ns/net`) is not found; there CHECK tells of a mode that was changed.

use crate::conf::Conf;
use fairway_cni::{FieldError, Sandbox};
use fairway_iface::Error;
use fairway_netlink::{Handle, IpvlanMode, Link, LinkKind, NetNs, Netlink};
use std::{fs, path::Path};

/// Where namespaces have names.
const FOLDERS: [&str; 2] = ["/run/netns", "/var/run/netns"];
/// The most of them that are looked into; mostly the first has an answer.
const MOST: usize = 512;

/// Is `mode` that of the links that are there?
///
/// # Errors
/// Names the field where it is not.
pub(crate) fn must_agree(
    space: &mut dyn Netlink,
    conf: &Conf,
    sandbox: &Sandbox,
    (parent, mode): (&Link, IpvlanMode),
) -> Result<(), Error> {
    let here = space.links()?.into_iter().find_map(|link| {
        let there = of(&link, parent).filter(|_| link.peer_nsid.is_none())?;
        Some((there, link.name))
    });
    let found = match here {
        Some(found) => Some(found),
        None if conf.in_container => None,
        None => beside(sandbox, parent),
    };
    match found {
        Some((there, place)) if there != mode => Err(Error::InUse(FieldError::Value {
            path: "mode".to_owned(),
            value: format!("{:?}", mode.to_string()),
            reason: format!(
                "master {} has links of mode {there} ({place}), and all of them would change theirs",
                parent.name
            ),
        })),
        _ => Ok(()),
    }
}

/// The mode of one that stands on the master in another container, and the name of its namespace.
fn beside(sandbox: &Sandbox, parent: &Link) -> Option<(IpvlanMode, String)> {
    let own = Path::new(&sandbox.netns);
    let folder = own.parent()?;
    FOLDERS.iter().find(|known| folder == Path::new(known))?;
    let entries = fs::read_dir(folder).ok()?.flatten().take(MOST);
    let mut paths = entries.map(|entry| entry.path()).filter(|path| path != own);
    paths.find_map(|path| {
        let netns = NetNs::open(&path).ok()?;
        let mut space = Handle::open_in(&netns).ok()?;
        let ifname = sandbox.attachment.ifname.as_str();
        let link = space.link_by_name(ifname).ok()??;
        let mode = of(&link, parent).filter(|_| link.peer_nsid.is_some())?;
        Some((mode, path.display().to_string()))
    })
}

/// The mode of a link, if it is an ipvlan with this index for a parent.
fn of(link: &Link, parent: &Link) -> Option<IpvlanMode> {
    match link.kind {
        Some(LinkKind::Ipvlan(mode)) if link.peer_index == Some(parent.index) => Some(mode),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{Announce, Make};
    use fairway_cni::{Attachment, Fault as _};
    use fairway_netlink::{ChildKind, fake};

    #[test]
    fn of_the_masters_own_namespace() {
        let (mut host, _) = fake::namespaces();
        let parent = host.put_link(Link::new(0, "up0"));
        let other = host.put_link(Link::new(0, "up1"));
        let mut shim = Link::new(0, "shim");
        shim.kind = Some(LinkKind::Ipvlan(IpvlanMode::L2));
        shim.peer_index = Some(parent);
        host.put_link(shim);
        let sandbox = Sandbox {
            attachment: Attachment {
                container_id: "c1".parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: "/proc/1/ns/net".to_owned(),
        };
        let mut asked = |index, mode| {
            let conf = Conf {
                make: Make::Child(ChildKind::Ipvlan { mode }),
                master: None,
                in_container: false,
                mtu: None,
                mac: None,
                announce: Announce::Both,
                chained: None,
            };
            let parent = host.link_by_index(index).unwrap().unwrap();
            must_agree(&mut host, &conf, &sandbox, (&parent, mode))
        };
        asked(parent, IpvlanMode::L2).unwrap();
        asked(other, IpvlanMode::L3).unwrap();
        let error = asked(parent, IpvlanMode::L3).unwrap_err();
        assert_eq!(error.code().number(), 105);
        let start = "mode: \"l3\": master up0 has links of mode l2 (shim)";
        assert!(error.to_string().starts_with(start), "{error}");
    }
}
