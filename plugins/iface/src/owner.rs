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
/// The most bytes of an alias (`IFALIASZ` less the final zero).
const ALIAS_MAX: usize = 255;
/// The first index that is asked for.
const INDEX: u32 = 1 << 20;
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
        (0..NAMES).map(move |salt| format!("{PREFIX}{:08x}", self.salted(salt)))
    }

    /// The indexes that its link may ask for: beyond those that the kernel counts up to, and below what is
    /// told in 21 bits.
    pub fn indexes(self) -> impl Iterator<Item = u32> {
        (0..).map(move |salt| INDEX | (self.salted(salt) & (INDEX - 1)))
    }

    fn salted(self, salt: u32) -> u32 {
        let parts = [self.network, "\0", self.container_id, "\0", self.ifname];
        let bytes = parts.iter().flat_map(|part| part.bytes());
        bytes.chain(salt.to_le_bytes()).fold(FNV_OFFSET, fnv_1a)
    }

    /// The alias of its link: `fairway:NETWORK/CONTAINER/IFNAME`; none of the three holds a slash.
    ///
    /// The kernel takes 255 bytes. Where they do not fit: `fairway:#`, a hash of the network and one of
    /// all three.
    pub fn alias(self) -> String {
        format!("{ALIAS}{}", self.label(ALIAS_MAX - ALIAS.len()))
    }

    /// What tells the owner in no more than `room` bytes, which is 34 at least: written out, or hashed.
    pub fn label(self, room: usize) -> String {
        let plain = self.plain();
        match plain.len() <= room {
            true => plain,
            false => self.hashed(),
        }
    }

    fn plain(self) -> String {
        format!("{}/{}/{}", self.network, self.container_id, self.ifname)
    }

    fn hashed(self) -> String {
        let (network, all) = self.hashes();
        format!("#{network:016x}/{all:016x}")
    }

    /// Does a label tell this owner, in either way?
    pub fn is_told_by(self, label: &str) -> bool {
        match label.starts_with('#') {
            true => label == self.hashed(),
            false => label == self.plain(),
        }
    }

    fn hashes(self) -> (u64, u64) {
        let parts = [self.network, "\0", self.container_id, "\0", self.ifname];
        let all = parts.iter().flat_map(|part| part.bytes());
        (
            self.network.bytes().fold(FNV_OFFSET_64, fnv_1a_64),
            all.fold(FNV_OFFSET_64, fnv_1a_64),
        )
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

    /// Does a link say that it is some attachment's of ours?
    pub fn marks(link: &Link) -> bool {
        link.is_veth()
            && link
                .alias
                .as_deref()
                .is_some_and(|alias| alias.starts_with(ALIAS))
    }

    /// Does a link in a container say that it is another attachment's of ours? There a link of any kind may
    /// be, and its alias is the container's to change: one that says nothing is not kept.
    pub fn is_anothers(self, link: &Link) -> bool {
        let label = link
            .alias
            .as_deref()
            .and_then(|alias| alias.strip_prefix(ALIAS));
        label.is_some_and(|label| !self.is_told_by(label))
    }

    /// Does a link in a container say that it is this attachment's?
    pub fn is_marked(self, link: &Link) -> bool {
        let label = link
            .alias
            .as_deref()
            .and_then(|alias| alias.strip_prefix(ALIAS));
        label.is_some_and(|label| self.is_told_by(label))
    }

    /// Is a link that of an attachment of `network` that the runtime no longer knows?
    pub fn is_stale(link: &Link, network: &str, valid: &GcAttachments) -> bool {
        let alias = link.alias.as_deref().filter(|_| link.is_veth());
        let label = alias.and_then(|alias| alias.strip_prefix(ALIAS));
        label.is_some_and(|label| stale(label, network, valid))
    }
}

/// Does a label tell an attachment of `network` that is not in `valid`?
pub fn stale(label: &str, network: &str, valid: &GcAttachments) -> bool {
    let owner = |container_id, ifname| Owner {
        network,
        container_id,
        ifname,
    };
    if label.starts_with('#') {
        let ours = format!("#{:016x}/", owner("", "").hashes().0);
        let known = || {
            valid
                .iter()
                .any(|(id, ifname)| owner(id, ifname).is_told_by(label))
        };
        return label.starts_with(&ours) && !known();
    }
    let mut parts = label.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(id), Some(ifname)) => name == network && !valid.contains(id, ifname),
        _ => false,
    }
}

const FNV_OFFSET: u32 = 0x811c_9dc5;

/// One step of FNV-1a, 32 bits: the same name in every release of this program and of Rust.
fn fnv_1a(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

const FNV_OFFSET_64: u64 = 0xcbf2_9ce4_8422_2325;

/// One step of FNV-1a, 64 bits.
fn fnv_1a_64(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
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

    fn valid(pairs: &[(&str, &str)]) -> GcAttachments {
        let parse = |(id, ifname): &(&str, &str)| (id.parse().unwrap(), ifname.parse().unwrap());
        pairs.iter().map(parse).collect()
    }

    #[test]
    fn an_alias_tells_the_owner() {
        let link = veth(Some(&OWNER.alias()));
        assert!(Owner::marks(&link));
        assert!(Owner::is_stale(
            &link,
            "net",
            &valid(&[("c1", "eth1"), ("c2", "eth0")])
        ));
        assert!(!Owner::is_stale(&link, "net", &valid(&[("c1", "eth0")])));
        assert!(!Owner::is_stale(&link, "other", &valid(&[])));
        for other in [None, Some(""), Some("uplink")] {
            assert!(!Owner::marks(&veth(other)));
            assert!(!Owner::is_stale(&veth(other), "net", &valid(&[])));
        }
    }

    #[test]
    fn names_that_do_not_fit_an_alias_are_told_apart_all_the_same() {
        let network = "n".repeat(255);
        let long = Owner {
            network: &network,
            ..OWNER
        };
        let umlauts = Owner {
            ifname: "äääääää",
            ..long
        };
        let link = veth(Some(&long.alias()));
        assert!(long.alias().len() <= 255);
        assert_ne!(long.alias(), umlauts.alias());
        assert!(long.owns(&link) && !umlauts.owns(&link));
        assert!(Owner::is_stale(
            &link,
            &network,
            &valid(&[("c1", "äääääää")])
        ));
        assert!(!Owner::is_stale(&link, &network, &valid(&[("c1", "eth0")])));
        assert!(!Owner::is_stale(&link, "net", &valid(&[])));
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
