//! Which of the iptables rules that are there have to go: the same for rules
//! read through netlink and for those that `iptables-save` printed.
//!
//! A chain is named after network and container, so two interfaces of a
//! container in one network share it, and the reference's DEL of one takes the
//! other's masquerading away or fails. Our rules bear a tag with the interface:
//! a chain stays while a jump to it bears the tag of another one.

use std::collections::BTreeMap;

use crate::Attachment;
use crate::names::{instance_hash, parse_xt_comment, xt_chain};
use crate::valid::Valid;

/// The chain that jumps to containers' chains are in.
pub(super) const POSTROUTING: &str = "POSTROUTING";

/// A rule of table nat; `id` is what it is deleted by.
#[derive(Debug, Clone)]
pub(super) struct Seen<Id> {
    pub(super) chain: String,
    pub(super) target: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) id: Id,
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
        .partition(|rule| rule.tag.as_ref().is_none_or(|tag| *tag == own));
    Removal {
        chain,
        jumps: jumps.into_iter().map(|rule| rule.id).collect(),
        whole_chain: others.is_empty(),
    }
}

/// The chain that a rule is about, if it is one of this network's, and
/// whether the rule is of no valid attachment.
fn attribute<'a, Id>(valid: &Valid, rule: &'a Seen<Id>) -> Option<(&'a str, bool)> {
    let chain = match rule.chain.as_str() {
        POSTROUTING => rule.target.as_deref()?,
        chain => chain,
    };
    let (network, container) = parse_xt_comment(rule.comment.as_deref()?)?;
    // The comment may be anybody's; with the chain's name it is not.
    if network != valid.network || xt_chain(&network, &container) != chain {
        return None;
    }
    let dead = match &rule.tag {
        Some(tag) => valid.disowns_instance(tag),
        None => !valid.containers.contains(&container),
    };
    Some((chain, dead))
}

/// What of a whole table nat belongs to no valid attachment of the network.
pub(super) fn gc<Id>(valid: &Valid, seen: Vec<Seen<Id>>) -> Vec<Removal<Id>> {
    struct Chain<Id> {
        dead_jumps: Vec<Id>,
        live: bool,
    }
    let mut chains: BTreeMap<String, Chain<Id>> = BTreeMap::new();
    for rule in seen {
        let Some((chain, dead)) = attribute(valid, &rule) else {
            continue;
        };
        let is_jump = rule.chain == POSTROUTING;
        let entry = chains.entry(chain.to_owned()).or_insert(Chain {
            dead_jumps: Vec::new(),
            live: false,
        });
        match (is_jump, dead) {
            (true, true) => entry.dead_jumps.push(rule.id),
            (true, false) => entry.live = true,
            (false, dead) => entry.live |= !dead,
        }
    }
    chains
        .into_iter()
        .filter(|(_, chain)| !chain.live || !chain.dead_jumps.is_empty())
        .map(|(name, chain)| Removal {
            chain: name,
            jumps: chain.dead_jumps,
            whole_chain: !chain.live,
        })
        .collect()
}
