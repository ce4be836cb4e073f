//! The iptables backend by its programs: for iptables-legacy, whose tables only
//! its own ways reach, and for whatever else stands behind the name.
//!
//! An ADD runs one program per family: it tries to make the chain anew, which
//! fails as a whole where it is there, and only then looks. DEL and GC look at
//! /proc first, which names the legacy tables of the namespace.

use ipnetwork::IpNetwork;

use super::plan::{self, POSTROUTING, Removal, Seen};
use super::{MULTICAST_V4, MULTICAST_V6};
use crate::backend::Programs;
use crate::names::{xt_chain, xt_comment};
use crate::save::{SavedRule, quoted};
use crate::tool::Tool;
use crate::valid::Valid;
use crate::{Attachment, Error};

const TABLE: &str = "nat";

/// The rules of an attachment for one family, in order.
fn wanted(attachment: &Attachment<'_>, addresses: &[IpNetwork], v4: bool) -> Vec<SavedRule> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    let comment = quoted(&xt_comment(attachment.network, attachment.container_id));
    let multicast: IpNetwork = if v4 {
        MULTICAST_V4.into()
    } else {
        MULTICAST_V6.into()
    };
    let mut rules: Vec<SavedRule> = Vec::new();
    for address in addresses.iter().filter(|address| address.is_ipv4() == v4) {
        let local = match address.prefix() {
            0 => String::new(),
            prefix => format!("-d {}/{prefix} ", address.network()),
        };
        let source = IpNetwork::from(address.ip());
        for line in [
            format!("-A {chain} {local}-m comment --comment {comment} -j ACCEPT"),
            format!("-A {chain} ! -d {multicast} -m comment --comment {comment} -j MASQUERADE"),
            format!("-A {POSTROUTING} -s {source} -m comment --comment {comment} -j {chain}"),
        ] {
            let new = SavedRule::parse(&line);
            rules.extend(new.filter(|new| !rules.iter().any(|rule| rule.is(new))));
        }
    }
    rules
}

pub(super) fn setup(
    programs: &Programs,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    for v4 in [true, false] {
        let rules = wanted(attachment, addresses, v4);
        if rules.is_empty() {
            continue;
        }
        let tool = Tool::installed(programs, v4, TABLE);
        let mut lines = vec![format!("-N {chain}")];
        lines.extend(rules.iter().map(|rule| rule.line.clone()));
        match tool.restore(&lines) {
            Err(Error::Command { .. }) => complete(&tool, &chain, &rules)?,
            done => done?,
        }
    }
    Ok(())
}

/// Adds what the leftovers of an earlier ADD lack, and deletes what is twice.
fn complete(tool: &Tool<'_>, chain: &str, wanted: &[SavedRule]) -> Result<(), Error> {
    let table = tool.save()?;
    let mut lines = Vec::new();
    if !table.has_chain(chain) {
        lines.push(format!("-N {chain}"));
    }
    for rule in wanted {
        match table.rules.iter().filter(|saved| saved.is(rule)).count() {
            0 => lines.push(rule.line.clone()),
            count => lines.extend((1..count).map(|_| rule.deletion())),
        }
    }
    tool.restore(&lines)
}

pub(super) fn teardown(programs: &Programs, attachment: &Attachment<'_>) -> Vec<Error> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    for_each_family(programs, |tool| {
        let table = tool.save()?;
        if !table.has_chain(&chain) {
            return Ok(Vec::new());
        }
        let seen = table.rules.into_iter().map(Seen::from).collect();
        Ok(vec![plan::teardown(attachment, seen)])
    })
}

pub(super) fn gc(programs: &Programs, valid: &Valid) -> Vec<Error> {
    for_each_family(programs, |tool| {
        let rules = tool.save()?.rules.into_iter();
        Ok(plan::gc(valid, rules.map(Seen::from).collect()))
    })
}

fn for_each_family(
    programs: &Programs,
    find: impl Fn(&Tool<'_>) -> Result<Vec<Removal<SavedRule>>, Error>,
) -> Vec<Error> {
    let mut errors = Vec::new();
    for v4 in [true, false] {
        let Some(tool) = Tool::for_legacy(programs, v4, TABLE) else {
            continue;
        };
        match find(&tool) {
            Ok(removals) => {
                errors.extend(removals.iter().filter_map(|r| remove(&tool, r).err()));
            }
            Err(error) => errors.push(error),
        }
    }
    errors
}

fn remove(tool: &Tool<'_>, removal: &Removal<SavedRule>) -> Result<(), Error> {
    let mut lines: Vec<String> = removal.jumps.iter().map(SavedRule::deletion).collect();
    if removal.whole_chain {
        lines.push(format!("-F {}", removal.chain));
        lines.push(format!("-X {}", removal.chain));
    }
    tool.restore(&lines)
}

pub(super) fn check(
    programs: &Programs,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    for v4 in [true, false] {
        let rules = wanted(attachment, addresses, v4);
        if rules.is_empty() {
            continue;
        }
        let tool = Tool::installed(programs, v4, TABLE);
        let table = tool.save()?;
        for rule in rules {
            if !table.rules.iter().any(|saved| saved.is(&rule)) {
                return Err(Error::MissingRule {
                    family: if tool.v4 { "ip" } else { "ip6" },
                    table: "nat",
                    chain: rule.chain,
                    what: format!("rule {}", rule.line),
                });
            }
        }
    }
    Ok(())
}

/// Whether this kernel lets iptables-legacy have a table nat.
pub(crate) fn works(programs: &Programs) -> bool {
    Tool::installed(programs, true, TABLE).save().is_ok()
}

impl From<SavedRule> for Seen<SavedRule> {
    fn from(rule: SavedRule) -> Self {
        Self {
            chain: rule.chain.clone(),
            target: rule.word_after("-j").or_else(|| rule.word_after("-g")),
            comment: rule.word_after("--comment"),
            tag: None,
            id: rule,
        }
    }
}
