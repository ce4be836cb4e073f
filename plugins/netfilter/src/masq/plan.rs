//! Which of the iptables rules that are there have to go: the same for rules
//! read through netlink and for those that `iptables-save` printed.
//!
//! A chain is named after network and container written together, so two
//! interfaces of a container in one network share it, and so do container "tb" of
//! network "ne" and container "b" of network "net". The reference's DEL of one
//! then takes the other's masquerading away, or fails. Our rules bear a tag with
//! the interface, and all bear a comment: a chain stays while a jump to it is
//! somebody else's.

use std::collections::BTreeMap;

use crate::Attachment;
use crate::names::{instance_hash, parse_xt_comment, xt_chain};
use crate::valid::Valid;

/// The chain that jumps to containers' chains are in.
pub(super) const POSTROUTING: &str = "POSTROUTING";

/// A rule of table nat; `id` is what it is deleted by.
#[derive(Debug, Clone)]
pub(crate) struct Seen<Id> {
    pub(crate) chain: String,
    pub(crate) target: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) id: Id,
}

/// What goes: rules of POSTROUTING, and perhaps the chain that they jump to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Removal<Id> {
    pub(super) chain: String,
    pub(super) jumps: Vec<Id>,
    pub(super) whole_chain: bool,
}

/// An attachment's part of what is in POSTROUTING. The chain is known to exist.
pub(super) fn teardown<Id>(attachment: &Attachment<'_>, seen: Vec<Seen<Id>>) -> Removal<Id> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    let own = instance_hash(attachment);
    let (jumps, others): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .filter(|rule| rule.chain == POSTROUTING && rule.target.as_ref() == Some(&chain))
        .partition(|rule| match &rule.tag {
            Some(tag) => *tag == own,
            None => rule.owner().is_none_or(|(network, container)| {
                network == attachment.network && container == attachment.container_id
            }),
        });
    Removal {
        chain,
        jumps: jumps.into_iter().map(|rule| rule.id).collect(),
        whole_chain: others.is_empty(),
    }
}

impl<Id> Seen<Id> {
    /// Network and container in the comment.
    fn owner(&self) -> Option<(String, String)> {
        parse_xt_comment(self.comment.as_deref()?)
    }

    /// The container's chain that the rule is about: where it is, or jumps to.
    fn about(&self) -> Option<&str> {
        match self.chain.as_str() {
            POSTROUTING => self.target.as_deref(),
            chain => Some(chain),
        }
    }

    /// Whether the rule is of no valid attachment; none where it is not the
    /// network's. A comment may be anybody's; with the chain's name it is not.
    ///
    /// A comment that was cut tells nothing: such a rule goes by our tag, and one
    /// of the reference or of iptables-legacy, which bears none, stays.
    fn is_dead(&self, valid: &Valid) -> Option<bool> {
        let Some((network, container)) = self.owner() else {
            let ours = self.tag.as_ref().filter(|tag| valid.is_of_network(tag));
            return ours.map(|tag| valid.disowns_instance(tag));
        };
        if network != valid.network || self.about()? != xt_chain(&network, &container) {
            return None;
        }
        Some(match &self.tag {
            Some(tag) => valid.disowns_instance(tag),
            None => !valid.containers.contains(&container),
        })
    }
}

/// What of a whole table nat belongs to no valid attachment of the network.
pub(super) fn gc<Id>(valid: &Valid, seen: Vec<Seen<Id>>) -> Vec<Removal<Id>> {
    struct Chain<Id> {
        dead: bool,
        live: bool,
        dead_jumps: Vec<Id>,
    }
    let mut chains: BTreeMap<String, Chain<Id>> = BTreeMap::new();
    for rule in seen {
        let Some(name) = rule.about() else {
            continue;
        };
        let chain = chains.entry(name.to_owned()).or_insert_with(|| Chain {
            dead: false,
            live: false,
            dead_jumps: Vec::new(),
        });
        match (rule.is_dead(valid), rule.chain.as_str()) {
            (Some(true), POSTROUTING) => {
                chain.dead = true;
                chain.dead_jumps.push(rule.id);
            }
            (Some(true), _) => chain.dead = true,
            // Somebody's jump keeps a chain, also that of another network.
            (Some(false), _) | (None, POSTROUTING) => chain.live = true,
            (None, _) => {}
        }
    }
    chains
        .into_iter()
        .filter(|(_, chain)| !chain.dead_jumps.is_empty() || (chain.dead && !chain.live))
        .map(|(name, chain)| Removal {
            chain: name,
            jumps: chain.dead_jumps,
            whole_chain: !chain.live,
        })
        .collect()
}
