//! The iptables backend by its programs: for iptables-legacy, and for conditions that only
//! iptables can read.
//!
//! Nothing is locked between the look and the change, so the change is followed by another
//! look: of two that took the same port the one whose rule came later gives it back.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use super::taken::{Foreign, settle};
use super::xt::{self, Chains, DNAT};
use super::{Forward, Mapping, Protocol, Wanted, nftables};
use crate::backend::Programs;
use crate::names::{parse_xt_dnat_comment, xt_dnat_chain};
use crate::nft::socket::NftSocket;
use crate::save::{SavedRule, SavedTable};
use crate::tool::Tool;
use crate::valid::Valid;
use crate::xt::XtRule;
use crate::{Attachment, Error};

const TABLE: &str = "nat";
/// How often ports are settled anew when others were faster.
const TRIES: u32 = 8;

fn saved(rule: &XtRule, chain: &str) -> Result<SavedRule, Error> {
    SavedRule::parse(&rule.line(chain)).ok_or(Error::NotNative)
}

/// A jump to a container's chain.
struct Entry {
    owner: Option<(String, String)>,
    protocol: Option<Protocol>,
    ports: Vec<u16>,
    chain: String,
    rule: SavedRule,
}

fn entries(table: &SavedTable) -> impl Iterator<Item = Entry> {
    let jumps = table.rules.iter().filter(|rule| rule.chain == DNAT);
    jumps.filter_map(|rule| {
        let ports = rule.word_after("--dports").unwrap_or_default();
        let comment = rule.word_after("--comment");
        Some(Entry {
            owner: comment.as_deref().and_then(parse_xt_dnat_comment),
            protocol: rule.word_after("-p").and_then(|name| name.parse().ok()),
            ports: ports
                .split(',')
                .filter_map(|port| port.parse().ok())
                .collect(),
            chain: rule.word_after("-j")?,
            rule: rule.clone(),
        })
    })
}

fn forward_of(rule: &SavedRule) -> Option<Forward> {
    if rule.word_after("-j").as_deref() != Some("DNAT") {
        return None;
    }
    let at: Option<IpNetwork> = rule.word_after("-d").and_then(|ip| ip.parse().ok());
    Some(Forward {
        protocol: rule.word_after("-p")?.parse().ok()?,
        at: at.map(|network| network.ip()),
        host_port: rule.word_after("--dport")?.parse().ok()?,
        to: rule.word_after("--to-destination")?.parse().ok()?,
    })
}

fn forwards_in(table: &SavedTable, chain: &str) -> Vec<Forward> {
    let inside = table.rules.iter().filter(|rule| rule.chain == chain);
    inside.filter_map(forward_of).collect()
}

fn foreign_in(table: &SavedTable, own: &str) -> Vec<Foreign> {
    let mut foreign = Vec::new();
    for entry in entries(table).filter(|entry| entry.chain != own) {
        let (network, container_id) = entry.owner.unzip();
        for forward in forwards_in(table, &entry.chain) {
            if Some(forward.protocol) == entry.protocol && entry.ports.contains(&forward.host_port)
            {
                foreign.push(Foreign {
                    network: network.clone(),
                    container_id: container_id.clone(),
                    forward,
                });
            }
        }
    }
    foreign
}

/// The mappings of others in the tables of iptables-legacy, where there are such.
pub(super) fn others(programs: &Programs, wanted: &Wanted<'_>) -> Result<Vec<Foreign>, Error> {
    let own = xt_dnat_chain(wanted.attachment.network, wanted.attachment.container_id);
    let mut foreign = Vec::new();
    for v4 in [true, false] {
        if wanted.address(v4).is_some()
            && let Some(tool) = Tool::for_legacy(programs, v4, TABLE)
        {
            foreign.extend(foreign_in(&tool.save()?, &own));
        }
    }
    Ok(foreign)
}

pub(super) fn setup(
    nft: &mut NftSocket,
    programs: &Programs,
    wanted: &Wanted<'_>,
) -> Result<Vec<Mapping>, Error> {
    let own_chain = xt_dnat_chain(wanted.attachment.network, wanted.attachment.container_id);
    let mut last = None;
    for _ in 0..TRIES {
        let mut tables = Vec::new();
        let (mut own, mut foreign) = (Vec::new(), nftables::others(nft, wanted)?);
        foreign.extend(xt::others(nft, wanted)?);
        for address in wanted.addresses {
            let tool = Tool::installed(programs, address.is_ipv4(), TABLE);
            let table = tool.save()?;
            own.extend(forwards_in(&table, &own_chain));
            foreign.extend(foreign_in(&table, &own_chain));
            tables.push((tool, *address, table));
        }
        let settled = settle(wanted, &foreign, &own)?;
        for (tool, address, table) in &tables {
            let chains = Chains::of(wanted, *address, &settled);
            tool.restore(&changes(table, &chains)?)?;
        }
        match came_later(&tables, &own_chain, &settled)? {
            None => return Ok(settled),
            Some(error) => {
                teardown(programs, &wanted.attachment)?;
                for (tool, _, _) in &tables {
                    remove(tool, |entry| entry.chain == own_chain)?;
                }
                last = Some(error);
            }
        }
        // A port that was named stays what it is.
        if wanted.range.is_none() {
            break;
        }
    }
    Err(last.unwrap_or(Error::NotNative))
}

/// Whether somebody else's jump for one of the ports stands before ours.
fn came_later(
    tables: &[(Tool<'_>, IpNetwork, SavedTable)],
    own: &str,
    settled: &[Mapping],
) -> Result<Option<Error>, Error> {
    for (tool, _, _) in tables {
        let table = tool.save()?;
        let all: Vec<Entry> = entries(&table).collect();
        let Some(at) = all.iter().position(|entry| entry.chain == own) else {
            continue;
        };
        for entry in &all[..at] {
            for forward in forwards_in(&table, &entry.chain) {
                let same = |mapping: &Mapping| {
                    (mapping.host_port, mapping.protocol) == (forward.host_port, forward.protocol)
                        && forward
                            .at
                            .is_none_or(|at| mapping.only_at().is_none_or(|own| own == at))
                };
                if let Some(index) = settled.iter().position(same) {
                    let (network, container_id) = entry.owner.clone().unzip();
                    return Ok(Some(Error::PortTaken {
                        index,
                        port: forward.host_port,
                        protocol: forward.protocol,
                        holder: super::Holder {
                            network,
                            container_id,
                            to: forward.to,
                        },
                    }));
                }
            }
        }
    }
    Ok(None)
}

/// The lines that make what is there what is wanted.
fn changes(table: &SavedTable, chains: &Chains) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for shared in &chains.shared {
        if shared.hook.is_none() && !table.has_chain(shared.chain) {
            lines.push(format!("-N {}", shared.chain));
        }
    }
    for shared in &chains.shared {
        let Some(rule) = &shared.rule else {
            continue;
        };
        let rule = saved(rule, shared.chain)?;
        if table.rules.iter().any(|there| there.is(&rule)) {
            continue;
        }
        lines.push(match shared.first {
            true => rule.line.replacen("-A ", "-I ", 1),
            false => rule.line,
        });
    }
    match table.has_chain(&chains.chain) {
        true => lines.push(format!("-F {}", chains.chain)),
        false => lines.push(format!("-N {}", chains.chain)),
    }
    for rule in &chains.inside {
        lines.push(rule.line(&chains.chain));
    }
    let jumps: Vec<SavedRule> = chains
        .jumps
        .iter()
        .map(|rule| saved(rule, DNAT))
        .collect::<Result<_, _>>()?;
    let there = entries(table).filter(|entry| entry.chain == chains.chain);
    let there: Vec<SavedRule> = there.map(|entry| entry.rule).collect();
    let same = there.len() == jumps.len() && there.iter().zip(&jumps).all(|(a, b)| a.is(b));
    if !same {
        lines.extend(there.iter().map(SavedRule::deletion));
        lines.extend(jumps.into_iter().map(|rule| rule.line));
    }
    Ok(lines)
}

pub(super) fn check(
    programs: &Programs,
    wanted: &Wanted<'_>,
    mappings: &[Mapping],
) -> Result<(), Error> {
    for address in wanted.addresses {
        let tool = Tool::installed(programs, address.is_ipv4(), TABLE);
        let (table, chains) = (tool.save()?, Chains::of(wanted, *address, mappings));
        let shared = chains.shared.iter();
        let shared = shared.filter_map(|one| Some((one.chain, one.rule.as_ref()?)));
        let inside = chains
            .inside
            .iter()
            .map(|rule| (chains.chain.as_str(), rule));
        let jumps = chains.jumps.iter().map(|rule| (DNAT, rule));
        for (chain, rule) in shared.chain(inside).chain(jumps) {
            let rule = saved(rule, chain)?;
            if !table.rules.iter().any(|there| there.is(&rule)) {
                return Err(Error::MissingRule {
                    family: if tool.v4 { "ip" } else { "ip6" },
                    table: TABLE,
                    chain: chain.to_owned(),
                    what: format!("rule {}", rule.line),
                });
            }
        }
    }
    Ok(())
}

pub(super) fn teardown(
    programs: &Programs,
    attachment: &Attachment<'_>,
) -> Result<Vec<Forward>, Error> {
    let chain = xt_dnat_chain(attachment.network, attachment.container_id);
    in_legacy_tables(programs, |entry| entry.chain == chain)
}

pub(super) fn gc(programs: &Programs, valid: &Valid) -> Result<Vec<Forward>, Error> {
    in_legacy_tables(programs, |entry| {
        entry.owner.as_ref().is_some_and(|(network, id)| {
            *network == valid.network
                && entry.chain == xt_dnat_chain(network, id)
                && !valid.containers.contains(id)
        })
    })
}

fn in_legacy_tables(
    programs: &Programs,
    condemned: impl Fn(&Entry) -> bool,
) -> Result<Vec<Forward>, Error> {
    let (mut gone, mut errors) = (Vec::new(), Vec::new());
    for v4 in [true, false] {
        if let Some(tool) = Tool::for_legacy(programs, v4, TABLE) {
            match remove(&tool, &condemned) {
                Ok(forwards) => gone.extend(forwards),
                Err(error) => errors.push(error),
            }
        }
    }
    Error::collect(errors).map(|()| gone)
}

/// Removes chains and the jumps to them.
fn remove(tool: &Tool<'_>, condemned: impl Fn(&Entry) -> bool) -> Result<Vec<Forward>, Error> {
    let table = tool.save()?;
    let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in entries(&table).filter(condemned) {
        let deletions = chains.entry(entry.chain).or_default();
        deletions.push(entry.rule.deletion());
    }
    let (mut lines, mut gone) = (Vec::new(), Vec::new());
    for (chain, deletions) in chains {
        gone.extend(forwards_in(&table, &chain));
        lines.extend(deletions);
        lines.extend([format!("-F {chain}"), format!("-X {chain}")]);
    }
    tool.restore(&lines)?;
    Ok(gone)
}
