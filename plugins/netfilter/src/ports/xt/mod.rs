//! The iptables backend, written natively: table nat of both families.
//!
//! What the host's ports lead to is a chain of the container's own, jumped to from
//! CNI-HOSTPORT-DNAT by the ports and from nowhere else. The rules in that chain are
//! enough to say who has which port, so an ADD looks there, and into the chain of another
//! container only if both have a port of the same number.

mod chains;
mod seen;

use std::collections::BTreeMap;

pub(super) use chains::{Chains, sources};
pub(super) use seen::others;

use super::taken::settle;
use super::{Forward, Mapping, Marking, Wanted, nftables, program};
use crate::backend::Programs;
use crate::names::{instance_hash, xt_dnat_chain};
use crate::nft::Table;
use crate::nft::rule::{ListedRule, Rule};
use crate::nft::socket::NftSocket;
use crate::nft::transaction::Transaction;
use crate::valid::Valid;
use crate::xt::XtRule;
use crate::{Attachment, Error};
use seen::{Entry, entries, forward_of, own};

const TABLES: [Table; 2] = [Table::IP_NAT, Table::IP6_NAT];
pub(super) const DNAT: &str = "CNI-HOSTPORT-DNAT";

pub(super) fn setup(
    nft: &mut NftSocket,
    programs: &Programs,
    wanted: &Wanted<'_>,
) -> Result<Vec<Mapping>, Error> {
    let tag = instance_hash(&wanted.attachment);
    let mut settled = Vec::new();
    nft.transact(|nft| {
        let mut foreign = others(nft, wanted)?;
        foreign.extend(nftables::others(nft, wanted)?);
        foreign.extend(program::others(programs, wanted)?);
        let own = own(nft, &wanted.attachment)?;
        settled = settle(wanted, &foreign, &own)?;
        let mut tx = Transaction::default();
        for address in wanted.addresses {
            let chains = Chains::of(wanted, *address, &settled);
            complete(nft, &mut tx, &chains, &wanted.attachment, &tag)?;
        }
        // What was free is free only as long as nobody else has come.
        tx.depend_on_look();
        Ok(tx)
    })
    .map_err(|error| no_such_chain(error, wanted))?;
    Ok(settled)
}

/// The kernel knows no chain of the name that was configured.
fn no_such_chain(error: Error, wanted: &Wanted<'_>) -> Error {
    match (&error, &wanted.marking) {
        (Error::Netlink(netlink), Marking::Chain(chain)) if netlink.is_not_found() => {
            Error::NoChain {
                chain: chain.clone(),
            }
        }
        _ => error,
    }
}

fn native(rule: &XtRule, v4: bool, tag: Option<&String>) -> Result<Rule, Error> {
    rule.native(v4, tag.cloned()).ok_or(Error::NotNative)
}

/// Adds what is missing, and deletes what an earlier ADD left and is not wanted any more.
fn complete(
    nft: &mut NftSocket,
    tx: &mut Transaction,
    chains: &Chains,
    attachment: &Attachment<'_>,
    tag: &String,
) -> Result<(), Error> {
    let table = if chains.v4 { TABLES[0] } else { TABLES[1] };
    if nft.table(table)?.is_none() {
        tx.add_table(table, None)?;
    }
    for shared in &chains.shared {
        if !nft.has_chain(table, shared.chain)? {
            tx.add_chain(table, shared.chain, shared.hook, None)?;
        }
    }
    for shared in &chains.shared {
        let Some(rule) = &shared.rule else {
            continue;
        };
        let rule = native(rule, chains.v4, None)?;
        let there = nft.rules(table, Some(shared.chain))?;
        if there.iter().any(|listed| listed.is(&rule)) {
            continue;
        }
        match shared.first {
            true => tx.insert_rule(table, shared.chain, &rule)?,
            false => tx.add_rule(table, shared.chain, &rule)?,
        }
    }
    let jumps = nft.rules_where(table, Some(DNAT), |rule| rule.leads_to(&chains.chain))?;
    let (inside, jumps) = match nft.has_chain(table, &chains.chain)? {
        true => (nft.rules(table, Some(&chains.chain))?, jumps),
        false => {
            tx.add_new_chain(table, &chains.chain)?;
            (Vec::new(), Vec::new())
        }
    };
    let own_jumps = jumps
        .into_iter()
        .filter(|rule| Entry::read(rule).is_some_and(|entry| entry.is_of(attachment)));
    let own_inside = inside
        .into_iter()
        .filter(|rule| rule.tag.as_ref().is_none_or(|there| there == tag));
    for (chain, there, wanted) in [
        (
            chains.chain.as_str(),
            own_inside.collect::<Vec<_>>(),
            &chains.inside,
        ),
        (DNAT, own_jumps.collect(), &chains.jumps),
    ] {
        let wanted: Vec<Rule> = wanted
            .iter()
            .map(|rule| native(rule, chains.v4, Some(tag)))
            .collect::<Result<_, _>>()?;
        if crate::nft::rule::same(&there, &wanted) {
            continue;
        }
        // In their order, so all of them anew.
        for rule in &there {
            tx.delete_rule(table, chain, rule.handle)?;
        }
        for rule in &wanted {
            tx.add_rule(table, chain, rule)?;
        }
    }
    Ok(())
}

pub(super) fn check(
    nft: &mut NftSocket,
    wanted: &Wanted<'_>,
    mappings: &[Mapping],
) -> Result<(), Error> {
    for address in wanted.addresses {
        let chains = Chains::of(wanted, *address, mappings);
        let table = if chains.v4 { TABLES[0] } else { TABLES[1] };
        let shared = chains.shared.iter();
        let shared = shared.filter_map(|one| Some((one.chain, one.rule.as_ref()?)));
        let inside = chains
            .inside
            .iter()
            .map(|rule| (chains.chain.as_str(), rule));
        let jumps = chains.jumps.iter().map(|rule| (DNAT, rule));
        let mut listed: Option<(&str, Vec<ListedRule>)> = None;
        for (chain, rule) in shared.chain(inside).chain(jumps) {
            if listed.as_ref().is_none_or(|(of, _)| *of != chain) {
                listed = Some((chain, nft.rules(table, Some(chain))?));
            }
            let there = listed.iter().flat_map(|(_, rules)| rules);
            let wanted = rule.native(chains.v4, None);
            if !wanted.is_some_and(|wanted| there.clone().any(|listed| listed.is(&wanted))) {
                return Err(Error::MissingRule {
                    family: table.family_name,
                    table: table.name,
                    chain: chain.to_owned(),
                    what: format!("rule {}", rule.line(chain)),
                });
            }
        }
    }
    Ok(())
}

pub(super) fn teardown(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
) -> Result<Vec<Forward>, Error> {
    let chain = xt_dnat_chain(attachment.network, attachment.container_id);
    let mut gone = Vec::new();
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        gone.clear();
        for table in TABLES {
            if nft.has_chain(table, &chain)? {
                let entries = nft.rules_where(table, Some(DNAT), |rule| rule.leads_to(&chain))?;
                let entries = entries.iter().filter_map(Entry::read).collect();
                let dead = |entry: &Entry| entry.is_of(attachment);
                let tag = instance_hash(attachment);
                let tagged = |there: &str| there == tag;
                gone.extend(remove(nft, &mut tx, table, &chain, entries, dead, tagged)?);
            }
        }
        Ok(tx)
    })?;
    Ok(gone)
}

/// Removes the dead entries of a chain, and the chain if none is left; else what in it bears
/// the tag of a dead one.
fn remove(
    nft: &mut NftSocket,
    tx: &mut Transaction,
    table: Table,
    chain: &str,
    entries: Vec<Entry>,
    dead: impl Fn(&Entry) -> bool,
    dead_tag: impl Fn(&str) -> bool,
) -> Result<Vec<Forward>, Error> {
    let v4 = table == Table::IP_NAT;
    let (dead, live): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(dead);
    for entry in &dead {
        tx.delete_rule(table, DNAT, entry.handle)?;
    }
    let rules = nft.rules(table, Some(chain))?;
    if live.is_empty() {
        tx.delete_chain(table, chain)?;
        return Ok(rules
            .iter()
            .filter_map(|rule| forward_of(rule, v4))
            .collect());
    }
    let mut gone = Vec::new();
    for rule in rules {
        if rule.tag.as_deref().is_some_and(&dead_tag) {
            tx.delete_rule(table, chain, rule.handle)?;
            gone.extend(forward_of(&rule, v4));
        }
    }
    Ok(gone)
}

pub(super) fn gc(nft: &mut NftSocket, valid: &Valid) -> Result<Vec<Forward>, Error> {
    let mut gone = Vec::new();
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        gone.clear();
        for table in TABLES {
            let mut by_chain: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
            for entry in entries(nft, table)? {
                by_chain.entry(entry.chain.clone()).or_default().push(entry);
            }
            for (chain, entries) in by_chain {
                if !entries.iter().any(|entry| entry.is_dead(valid)) {
                    continue;
                }
                let dead = |entry: &Entry| entry.is_dead(valid);
                let tagged = |tag: &str| valid.disowns_instance(tag);
                gone.extend(remove(nft, &mut tx, table, &chain, entries, dead, tagged)?);
            }
        }
        Ok(tx)
    })?;
    Ok(gone)
}
