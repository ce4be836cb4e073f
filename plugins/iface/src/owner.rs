//! Which attachment a host-side link belongs to.
//!
//! The host's end of a pair is named after the attachment (`fw` and eight hex digits), so that a DEL
//! whose namespace is gone still finds it, and says in its alias whose it is, so that GC can tell what
//! this network owns from what it must not touch. Reference plugins pick random names and find nothing.

use fairway_cni::{Attachment, GcAttachments};
use fairway_netlink::Link;

/// What every host-side name of ours begins with.
const PREFIX: &str = "fw";
/// What every alias of ours begins with.
const ALIAS: &str = "fairway:";
/// How many names an attachment may have, should others have taken the first.
pub const NAMES: u32 = 8;

/// An attachment in a network, as owner of a link on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The network's name.
    pub network: &'a str,
    /// The container's id.
    pub container_id: &'a str,
    /// The interface inside the container.
    pub ifname: &'a str,
}

impl<'a> Owner<'a> {
    /// The owner that an attachment is.
    pub fn new(network: &'a str, attachment: &'a Attachment) -> Self {
        Owner {
            network,
            container_id: attachment.container_id.as_str(),
            ifname: attachment.ifname.as_str(),
        }
    }

    /// The names that its host-side link may have, most wanted first.
    pub fn names(self) -> impl Iterator<Item = String> {
        (0..NAMES).map(move |salt| {
            let parts = [self.network, "\0", self.container_id, "\0", self.ifname];
            let hash = parts
                .iter()
                .flat_map(|part| part.bytes())
                .chain(salt.to_le_bytes())
                .fold(FNV_OFFSET, fnv_1a);
            format!("{PREFIX}{hash:08x}")
        })
    }

    /// The alias of its link: `fairway:NETWORK/CONTAINER/IFNAME`. None of the three holds a slash.
    pub fn alias(self) -> String {
        // The kernel takes 255 bytes. A container id that long is cut and then matches no attachment
        // exactly; GC leaves such a link alone, DEL finds it by name.
        let mut alias = format!(
            "{ALIAS}{}/{}/{}",
            self.network, self.container_id, self.ifname
        );
        alias.truncate(255);
        alias
    }

    /// Is this link its own? One with no alias is taken for the remains of an ADD that was killed
    /// before it could set it: the name alone is 32 bits of evidence.
    pub fn owns(self, link: &Link) -> bool {
        link.is_veth()
            && link
                .alias
                .as_deref()
                .is_none_or(|alias| alias.is_empty() || alias == self.alias())
    }

    /// The owner that a link's alias names, if it is one of ours.
    pub fn of(link: &'a Link) -> Option<Self> {
        let alias = link.alias.as_deref()?.strip_prefix(ALIAS)?;
        let mut parts = alias.splitn(3, '/');
        let owner = Owner {
            network: parts.next()?,
            container_id: parts.next()?,
            ifname: parts.next()?,
        };
        (link.is_veth() && owner.alias().len() < 255).then_some(owner)
    }

    /// Is it an attachment of `network` that the runtime no longer knows?
    pub fn is_stale(self, network: &str, valid: &GcAttachments) -> bool {
        self.network == network && !valid.contains(self.container_id, self.ifname)
    }
}

const FNV_OFFSET: u32 = 0x811c_9dc5;

/// One step of FNV-1a, 32 bits: the same name in every release of this program and of Rust.
fn fnv_1a(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_netlink::LinkKind;

    const OWNER: Owner<'static> = Owner {
        network: "net",
        container_id: "c1",
        ifname: "eth0",
    };

    fn veth(alias: Option<&str>) -> Link {
        let mut link = Link::new(7, "fw00000000");
        link.kind = Some(LinkKind::Veth);
        link.alias = alias.map(ToOwned::to_owned);
        link
    }

    #[test]
    fn names_are_stable_and_different() {
        let names: Vec<_> = OWNER.names().collect();
        // A change of these would orphan every link that an earlier release made.
        assert_eq!(names[0], "fw88d7eaa1");
        assert_eq!(names.len(), 8);
        assert!(names.iter().all(|name| name.len() == 10));
        assert_ne!(names[0], names[1]);
        let other = Owner {
            ifname: "eth1",
            ..OWNER
        };
        assert_ne!(other.names().next(), OWNER.names().next());
    }

    #[test]
    fn an_alias_tells_the_owner() {
        assert_eq!(Owner::of(&veth(Some(&OWNER.alias()))), Some(OWNER));
        for other in [None, Some(""), Some("uplink"), Some("fairway:net")] {
            assert_eq!(Owner::of(&veth(other)), None);
        }
    }

    #[test]
    fn a_link_without_alias_is_the_remains_of_an_add() {
        assert!(OWNER.owns(&veth(None)));
        assert!(OWNER.owns(&veth(Some(&OWNER.alias()))));
        assert!(!OWNER.owns(&veth(Some("fairway:net/c2/eth0"))));
        let mut bridge = veth(None);
        bridge.kind = None;
        assert!(!OWNER.owns(&bridge));
    }
}
