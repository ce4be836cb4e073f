//! Where a direction of a container is limited: what it sends at its own end of the pair, what it gets at the
//! host's. There a packet still belongs to its socket, or as nearly as can be had.

use super::Kernel;
use fairway_ipam::Netns;
use fairway_netlink::{Link, Netlink as _, NsError};

/// A link, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rates) enum Place {
    /// In this namespace.
    Host {
        /// Its index.
        index: u32,
        /// Its name, and its alias: indices come again, and names can be changed.
        link: String,
        /// See [`Place::Host::link`].
        alias: String,
    },
    /// In a container's.
    Inside {
        /// The namespace.
        netns: Netns,
        /// The host's end of the pair. A container may give its own another name.
        peer: u32,
    },
}

/// Why a link cannot be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::rates) enum Away {
    #[error("there is no link {0} any more")]
    Gone(String),
    #[error("in {0} there is no other end of its link")]
    NoPeer(String),
    #[error("{0} is another namespace by now")]
    Another(String),
    #[error(transparent)]
    Namespace(#[from] NsError),
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
}

impl Place {
    /// A way to the links there, and this one. It is not to be kept: it holds the namespace.
    pub(in crate::rates) fn open<K: Kernel>(&self, kernel: &K) -> Result<(K::Links, Link), Away> {
        match self {
            Place::Host { index, link, .. } => {
                let mut links = kernel.here()?;
                let found = links.link_by_index(*index)?;
                let found = found.filter(|found| self.is(found));
                let found = found.ok_or_else(|| Away::Gone(link.clone()))?;
                Ok((links, found))
            }
            Place::Inside { netns, .. } => {
                let mut links = kernel.inside(netns)?;
                let mut found = links.links()?;
                found.retain(|found| self.is(found));
                let found = found.pop();
                let found = found.ok_or_else(|| Away::NoPeer(netns.path.clone()))?;
                Ok((links, found))
            }
        }
    }

    /// Is it this link?
    pub(in crate::rates) fn is(&self, found: &Link) -> bool {
        match self {
            Place::Host { index, link, alias } => {
                let named = found.name == *link || found.alias.as_ref() == Some(alias);
                found.index == *index && named
            }
            Place::Inside { peer, .. } => found.is_veth() && found.peer_index == Some(*peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_netlink::LinkKind;

    #[test]
    fn a_link_is_known_whatever_it_is_called() {
        let host = Place::Host {
            index: 7,
            link: "fw1".to_owned(),
            alias: "fairway:net/c/eth0".to_owned(),
        };
        let mut link = Link::new(7, "fw1");
        assert!(host.is(&link));
        link.name = "other".to_owned();
        assert!(!host.is(&link));
        link.alias = Some("fairway:net/c/eth0".to_owned());
        assert!(host.is(&link));
        assert!(!host.is(&Link::new(8, "fw1")));

        let inside = Place::Inside {
            netns: Netns {
                path: String::new(),
                device: 0,
                inode: 0,
            },
            peer: 7,
        };
        let mut link = Link::new(2, "renamed");
        link.peer_index = Some(7);
        assert!(!inside.is(&link));
        link.kind = Some(LinkKind::Veth);
        assert!(inside.is(&link));
        link.peer_index = Some(8);
        assert!(!inside.is(&link));
    }
}
