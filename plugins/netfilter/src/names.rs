//! The names that a ruleset is found by.
//!
//! A node changes over between the reference plugins and these with containers
//! running, so the one must find what the other left: every chain name and
//! comment here is theirs, to the byte. They are compatibility facts, not
//! choices, and must never change.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha512};

use crate::{Attachment, Error};

/// Longest name of a chain that iptables takes.
const XT_CHAIN_LEN: usize = 28;
/// Bytes of the comment match of iptables, its final NUL included.
pub(crate) const XT_COMMENT_SIZE: usize = 256;
/// Longest comment that `nft` puts on a rule (its final NUL not counted).
const NFT_COMMENT_MAX: usize = 128;
/// Longest name of a chain that the kernel takes.
const NFT_CHAIN_MAX: usize = 255;
/// Hex digits of each half of an instance hash.
const HASH_LEN: usize = 16;

const XT_DNAT: &str = "dnat ";

const SPOOF_CHAIN_PREFIX: &str = "cni-br-iface-";
const SPOOF_MAC_SUFFIX: &str = "-mac";
const SPOOF_COMMENT_PREFIX: &str = "macspoofchk-";

/// The first `len` hex digits of the SHA-512 of `text`.
fn hash(text: &str, len: usize) -> String {
    let mut hex = String::with_capacity(2 * 64);
    for byte in Sha512::digest(text.as_bytes()) {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.truncate(len);
    hex
}

/// The iptables chain of a container in a network, whatever the interface.
pub(crate) fn xt_chain(network: &str, container_id: &str) -> String {
    const PREFIX: &str = "CNI-";
    let digits = hash(
        &format!("{network}{container_id}"),
        XT_CHAIN_LEN - PREFIX.len(),
    );
    format!("{PREFIX}{digits}")
}

/// The iptables chain of a container's ports in a network.
pub(crate) fn xt_dnat_chain(network: &str, container_id: &str) -> String {
    const PREFIX: &str = "CNI-DN-";
    let digits = hash(
        &format!("{network}{container_id}"),
        XT_CHAIN_LEN - PREFIX.len(),
    );
    format!("{PREFIX}{digits}")
}

/// The comment on each jump to that chain.
pub(crate) fn xt_dnat_comment(network: &str, container_id: &str) -> String {
    let comment = format!("{XT_DNAT}{}", xt_comment(network, container_id));
    cut(comment, XT_COMMENT_SIZE - 1)
}

/// Network and container of such a comment.
pub(crate) fn parse_xt_dnat_comment(comment: &str) -> Option<(String, String)> {
    parse_xt_comment(comment.strip_prefix(XT_DNAT)?)
}

/// The comment on each nftables rule of a container's ports, cut where `nft` would refuse it.
pub(crate) fn nft_ports_comment(container_id: &str) -> String {
    cut(container_id.replace('"', ""), NFT_COMMENT_MAX)
}

/// The comment on each iptables rule of a container, cut to what the match has
/// room for, as iptables cuts it. (Names are ASCII, so no character is split.)
pub(crate) fn xt_comment(network: &str, container_id: &str) -> String {
    let comment = format!("name: {} id: {}", quote(network), quote(container_id));
    cut(comment, XT_COMMENT_SIZE - 1)
}

/// At most `max` bytes of the text, in whole characters.
pub(crate) fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

/// Network and container of such a comment; none where it is somebody else's, or
/// was cut.
pub(crate) fn parse_xt_comment(comment: &str) -> Option<(String, String)> {
    let (network, rest) = unquote(comment.strip_prefix("name: ")?)?;
    let (container_id, rest) = unquote(rest.strip_prefix(" id: ")?)?;
    rest.is_empty().then_some((network, container_id))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// One quoted word at the start of `text`, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let mut word = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((word, &body[at + 1..])),
            '\\' => word.push(chars.next()?.1),
            _ => word.push(c),
        }
    }
    None
}

/// What the comments of all rules of a network begin with.
pub(crate) fn network_hash(network: &str) -> String {
    hash(network, HASH_LEN)
}

/// What the comments of all rules of one attachment begin with.
pub(crate) fn instance_hash(attachment: &Attachment<'_>) -> String {
    let Attachment {
        network,
        container_id,
        ifname,
    } = attachment;
    let instance = hash(&format!("{ifname}:{container_id}"), HASH_LEN);
    format!("{}-{instance}", network_hash(network))
}

/// The comment on each nftables rule of an attachment, cut where `nft` would
/// refuse it.
pub(crate) fn nft_comment(attachment: &Attachment<'_>) -> String {
    let bare = |text: &str| text.replace('"', "");
    let comment = format!(
        "{}, net: {}, if: {}, id: {}",
        instance_hash(attachment),
        bare(attachment.network),
        bare(attachment.ifname),
        bare(attachment.container_id),
    );
    cut(comment, NFT_COMMENT_MAX)
}

/// The half of an instance hash that tells container and interface.
fn interface_half(instance: &str) -> &str {
    instance.split_once('-').map_or("", |(_, half)| half)
}

/// The names of the two chains and the comment that check an interface's MAC
/// address.
///
/// They do not tell all attachments apart: `a-b` with `c` has those of `a` with
/// `b-c`, and an interface `eth0-mac` has for its first chain what `eth0` has for
/// its second.
pub(crate) struct SpoofNames {
    pub(crate) iface_chain: String,
    pub(crate) mac_chain: String,
    pub(crate) comment: String,
    /// What our rules are tagged with.
    pub(crate) tag: String,
}

impl SpoofNames {
    /// # Errors
    /// [`Error::NameTooLong`] where `nft` has no room for the comment (the
    /// kernel would take the chains, but nobody could list them again).
    pub(crate) fn new(attachment: &Attachment<'_>) -> Result<Self, Error> {
        let names = Self::of(attachment);
        if names.comment.len() > NFT_COMMENT_MAX {
            return Err(Error::NameTooLong {
                what: "macspoofchk comment",
                name: names.comment,
                max: NFT_COMMENT_MAX,
            });
        }
        Ok(names)
    }

    /// The same without the check: for looking up what can never be there.
    pub(crate) fn of(attachment: &Attachment<'_>) -> Self {
        let id = format!("{}-{}", attachment.container_id, attachment.ifname);
        let iface_chain = format!("{SPOOF_CHAIN_PREFIX}{id}");
        Self {
            mac_chain: format!("{iface_chain}{SPOOF_MAC_SUFFIX}"),
            iface_chain,
            comment: format!("{SPOOF_COMMENT_PREFIX}{id}"),
            tag: instance_hash(attachment),
        }
    }

    /// Whether a rule with that tag and comment is another container's or
    /// interface's. The network does not count: a container has no two interfaces
    /// of one name.
    pub(crate) fn disown(&self, tag: Option<&str>, comment: Option<&str>) -> bool {
        match (tag, comment) {
            (Some(tag), _) => interface_half(tag) != interface_half(&self.tag),
            (None, Some(comment)) => {
                comment.starts_with(SPOOF_COMMENT_PREFIX) && comment != self.comment
            }
            (None, None) => false,
        }
    }

    /// Whether the kernel takes such names at all; it does not even look for
    /// longer ones. Both chains are made together, so the longer one tells.
    pub(crate) fn can_exist(&self) -> bool {
        self.mac_chain.len() <= NFT_CHAIN_MAX
    }
}

/// Whether a chain of table `bridge nat` is one of [`SpoofNames`]'.
pub(crate) fn is_spoof_chain(chain: &str) -> bool {
    chain.starts_with(SPOOF_CHAIN_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment<'a>(network: &'a str, container_id: &'a str, ifname: &'a str) -> Attachment<'a> {
        Attachment {
            network,
            container_id,
            ifname,
        }
    }

    #[test]
    fn chains_are_named_as_the_reference_names_them() {
        // Seen in iptables-save after the reference's bridge plugin.
        assert_eq!(xt_chain("mynet", "abc123"), "CNI-70a29d9dc18bc4d652ea5d59");
        assert_eq!(
            xt_comment("mynet", "abc123"),
            r#"name: "mynet" id: "abc123""#
        );
    }

    #[test]
    fn instance_comments_match_the_references_own_unit_test() {
        assert_eq!(
            nft_comment(&attachment("unit-test", "two", "eth0")),
            "6fd94d501e58f0aa-d750b2c8f0f25d5f, net: unit-test, if: eth0, id: two"
        );
        assert_eq!(
            nft_comment(&attachment("alternate", "three", "net1")),
            "82783ef24bdc7036-acb19d111858e348, net: alternate, if: net1, id: three"
        );
    }

    #[test]
    fn a_long_comment_is_cut_and_never_inside_a_character() {
        let long = "x".repeat(64);
        assert_eq!(
            nft_comment(&attachment("a-network", &long, "eth0")).len(),
            128
        );
        let wide = "é".repeat(64);
        assert_eq!(
            nft_comment(&attachment("a-network", &wide, "eth0")).len(),
            127
        );
    }

    #[test]
    fn comments_that_do_not_fit_are_refused() {
        let id = "x".repeat(112);
        assert!(matches!(
            SpoofNames::new(&attachment("n", &id, "eth0")),
            Err(Error::NameTooLong { max: 128, .. })
        ));
        assert!(SpoofNames::new(&attachment("n", &id[1..], "eth0")).is_ok());
    }

    #[test]
    fn xt_comments_are_cut_where_iptables_cuts_them() {
        let whole = xt_comment(&"n".repeat(200), &"c".repeat(40));
        assert_eq!(whole.len(), 255);
        assert!(parse_xt_comment(&whole).is_some());
        let cut = xt_comment(&"n".repeat(200), &"c".repeat(64));
        assert_eq!((cut.len(), &cut[254..]), (255, "c"));
        assert_eq!(parse_xt_comment(&cut), None);
        assert_eq!(xt_comment(&"é".repeat(200), "c").len(), 255);
        assert_eq!(xt_comment(&format!("x{}", "é".repeat(200)), "c").len(), 254);
    }

    #[test]
    fn xt_comments_are_read_back() {
        for (network, id) in [
            ("n", "c"),
            ("with.dot-_", "9"),
            (r#"q"uo\te"#, "x y"),
            ("", ""),
        ] {
            let comment = xt_comment(network, id);
            assert_eq!(
                parse_xt_comment(&comment),
                Some((network.to_owned(), id.to_owned())),
                "{comment}"
            );
        }
        for foreign in [
            "",
            "name: ",
            "name: \"a",
            "name: \"a\" id: \"b",
            "name: \"a\" id: \"b\" more",
            "dnat name: \"a\" id: \"b\"",
            "name: \"a\\",
        ] {
            assert_eq!(parse_xt_comment(foreign), None, "{foreign}");
        }
    }
}
