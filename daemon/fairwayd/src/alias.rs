//! Whose a host-side link is: what the interface plugins write into its alias.
//!
//! `fairway:NETWORK/CONTAINER/IFNAME`, or hashes where that does not fit the kernel's 255 bytes. The same
//! rule as in the plugins' `owner` module, which tests here compare it with; the daemon must not depend on
//! plugins.

use fairway_ipam::AttachmentId;

const PREFIX: &str = "fairway:";
/// The most bytes of an alias (`IFALIASZ` less the final zero).
const MAX: usize = 255;

/// The alias of an attachment's link.
pub fn alias(attachment: &AttachmentId) -> String {
    let AttachmentId {
        network,
        container,
        ifname,
    } = attachment;
    let alias = format!("{PREFIX}{network}/{container}/{ifname}");
    if alias.len() <= MAX {
        return alias;
    }
    let all = [network, "\0", container, "\0", ifname].concat();
    format!("{PREFIX}#{:016x}/{:016x}", fnv(network), fnv(&all))
}

/// The attachment that an alias names; none where it names none, or holds hashes only.
pub fn attachment(alias: &str) -> Option<AttachmentId> {
    let rest = alias
        .strip_prefix(PREFIX)
        .filter(|rest| !rest.starts_with('#'))?;
    let mut parts = rest.splitn(3, '/').filter(|part| !part.is_empty());
    Some(AttachmentId {
        network: parts.next()?.to_owned(),
        container: parts.next()?.to_owned(),
        ifname: parts.next().filter(|name| !name.contains('/'))?.to_owned(),
    })
}

/// Does an alias say that its link is some attachment's of ours?
pub fn marks(alias: &str) -> bool {
    alias.starts_with(PREFIX)
}

/// FNV-1a, 64 bits.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_iface::Owner;

    fn id(network: &str, container: &str, ifname: &str) -> AttachmentId {
        AttachmentId {
            network: network.into(),
            container: container.into(),
            ifname: ifname.into(),
        }
    }

    #[test]
    fn it_is_what_the_plugins_write() {
        let long = "n".repeat(250);
        for id in [
            id("net", "c1", "eth0"),
            id(&long, "c1", "eth0"),
            id("n", &long, "äö"),
        ] {
            let owner = Owner {
                network: &id.network,
                container_id: &id.container,
                ifname: &id.ifname,
            };
            assert_eq!(alias(&id), owner.alias());
            assert!(marks(&alias(&id)));
        }
    }

    #[test]
    fn it_is_read_back_where_it_can_be() {
        let short = id("net", "c1", "eth0");
        assert_eq!(attachment(&alias(&short)), Some(short));
        for other in [
            "",
            "uplink",
            "fairway:",
            "fairway:net/c1",
            "fairway:net//eth0",
            "fairway:net/c1/",
            "fairway:#0123456789abcdef/0123456789abcdef",
            "fairway:net/c1/a/b",
        ] {
            assert_eq!(attachment(other), None, "{other}");
        }
    }
}
