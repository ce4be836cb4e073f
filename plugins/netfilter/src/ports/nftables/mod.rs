//! The nftables backend: table `cni_hostport` of both families, one rule per mapping in
//! chain `hostports`.
//!
//! The comment on a rule is the container's ID, which the reference plugin finds it by; our
//! tag says which network and interface it is of. Older reference plugins have rules for one
//! address of the host in a chain of their own, `hostip_hostports`.

mod rules;

use std::io::Write as _;
use std::process::{Command, Stdio};

use ipnetwork::IpNetwork;

use super::taken::{Foreign, settle};
use super::{Forward, Mapping, Wanted, program, xt};
use crate::backend::Programs;
use crate::names::{instance_hash, nft_ports_comment};
use crate::nft::Table;
use crate::nft::rule::{ListedRule, Rule, same};
use crate::nft::socket::NftSocket;
use crate::nft::transaction::{Hook, Transaction};
use crate::valid::Valid;
use crate::{Attachment, Error};
use rules::{entry, forward_of, jump, rule, table_of, wanted_rules};

const TABLES: [Table; 2] = [Table::IP_HOSTPORT, Table::IP6_HOSTPORT];
const TABLE_COMMENT: &str = "CNI portmap plugin";
const ALL: &str = "hostports_all";
const PORTS: &str = "hostports";
const PORTS_AT_IP: &str = "hostip_hostports";
const PREROUTING: &str = "prerouting";
const OUTPUT: &str = "output";
const MASQUERADING: &str = "masquerading";
/// Where rules of containers are.
const OF_CONTAINERS: [&str; 3] = [PORTS, PORTS_AT_IP, MASQUERADING];

/// Rules of the reference plugin bear no tag.
fn is_of(rule: &ListedRule, attachment: &Attachment<'_>) -> bool {
    match &rule.tag {
        Some(tag) => *tag == instance_hash(attachment),
        None => rule.comment.as_deref() == Some(&nft_ports_comment(attachment.container_id)),
    }
}

/// The mappings of others.
pub(super) fn others(nft: &mut NftSocket, wanted: &Wanted<'_>) -> Result<Vec<Foreign>, Error> {
    let mut foreign = Vec::new();
    for table in TABLES {
        for chain in [PORTS, PORTS_AT_IP] {
            for rule in nft.rules(table, Some(chain))? {
                if !is_of(&rule, &wanted.attachment)
                    && let Some(forward) = forward_of(&rule)
                {
                    foreign.push(Foreign {
                        network: None,
                        container_id: rule.comment,
                        forward,
                    });
                }
            }
        }
    }
    Ok(foreign)
}

pub(super) fn setup(
    nft: &mut NftSocket,
    programs: &Programs,
    wanted: &Wanted<'_>,
) -> Result<Vec<Mapping>, Error> {
    let mut settled = Vec::new();
    nft.transact(|nft| {
        let mut foreign = others(nft, wanted)?;
        foreign.extend(xt::others(nft, wanted)?);
        foreign.extend(program::others(programs, wanted)?);
        let mut own = Vec::new();
        for table in TABLES {
            let rules = nft.rules(table, Some(PORTS))?;
            let mine = rules.iter().filter(|rule| is_of(rule, &wanted.attachment));
            own.extend(mine.filter_map(forward_of));
        }
        settled = settle(wanted, &foreign, &own)?;
        let mut tx = Transaction::default();
        for address in wanted.addresses {
            shared(nft, &mut tx, wanted, address.is_ipv4())?;
            complete(nft, &mut tx, wanted, *address, &settled)?;
        }
        // What was free is free only as long as nobody else has come.
        tx.depend_on_look();
        Ok(tx)
    })?;
    for address in wanted.addresses {
        by_nft(programs, wanted, address.is_ipv4())?;
    }
    Ok(settled)
}

/// The chains that all containers share, in which only the conditions may differ. The last
/// one's hold, as they do with the reference plugin.
fn shared(
    nft: &mut NftSocket,
    tx: &mut Transaction,
    wanted: &Wanted<'_>,
    v4: bool,
) -> Result<(), Error> {
    let table = table_of(v4);
    let leads_on = [rule(vec![jump(PORTS_AT_IP)]), rule(vec![jump(PORTS)])];
    let mut wants = vec![(ALL, None, Some(leads_on.to_vec()))];
    for (chain, hook) in [
        (PREROUTING, Hook::PREROUTING_NAT),
        (OUTPUT, Hook::OUTPUT_NAT),
    ] {
        let rules = entry(wanted, v4).map(|rule| vec![rule]);
        wants.push((chain, Some(hook), rules));
    }
    let mut bare = vec![(PORTS, None), (PORTS_AT_IP, None)];
    if wanted.snat {
        bare.push((MASQUERADING, Some(Hook::POSTROUTING_NAT)));
    }
    let mut missing = Vec::new();
    let all = bare
        .into_iter()
        .chain(wants.iter().map(|(chain, hook, _)| (*chain, *hook)));
    for (chain, hook) in all {
        if !nft.has_chain(table, chain)? {
            missing.push((chain, hook));
        }
    }
    if !missing.is_empty() && nft.table(table)?.is_none() {
        tx.add_table(table, Some(TABLE_COMMENT))?;
    }
    for (chain, hook) in &missing {
        tx.add_chain(table, chain, *hook, None)?;
    }
    for (chain, _, rules) in &wants {
        let Some(rules) = rules else {
            continue;
        };
        if same(&nft.rules(table, Some(chain))?, rules) {
            continue;
        }
        tx.flush_chain(table, chain)?;
        for rule in rules {
            tx.add_rule(table, chain, rule)?;
        }
    }
    Ok(())
}

fn complete(
    nft: &mut NftSocket,
    tx: &mut Transaction,
    wanted: &Wanted<'_>,
    address: IpNetwork,
    mappings: &[Mapping],
) -> Result<(), Error> {
    let table = table_of(address.is_ipv4());
    let [ports, masquerade] = wanted_rules(wanted, address, mappings);
    for (chain, rules) in [
        (PORTS, ports),
        (PORTS_AT_IP, Vec::new()),
        (MASQUERADING, masquerade),
    ] {
        let there = nft.rules(table, Some(chain))?.into_iter();
        let there: Vec<_> = there
            .filter(|rule| is_of(rule, &wanted.attachment))
            .collect();
        if same(&there, &rules) {
            continue;
        }
        for stale in &there {
            tx.delete_rule(table, chain, stale.handle)?;
        }
        for rule in &rules {
            tx.add_rule(table, chain, rule)?;
        }
    }
    Ok(())
}

/// Has `nft` write the rules whose conditions only it can read. They are written anew each
/// time, as there is nothing to compare them with.
fn by_nft(programs: &Programs, wanted: &Wanted<'_>, v4: bool) -> Result<(), Error> {
    if entry(wanted, v4).is_some() {
        return Ok(());
    }
    let (table, conditions) = (table_of(v4), wanted.conditions(v4).text());
    let mut script = String::new();
    for chain in [PREROUTING, OUTPUT] {
        let chain = format!("{} {} {chain}", table.family_name, table.name);
        script.push_str(&format!(
            "flush chain {chain}\nadd rule {chain} {conditions} fib daddr type local jump {ALL}\n"
        ));
    }
    let program = "nft".to_owned();
    let Some(path) = programs.find(&program) else {
        return Err(Error::NotInstalled { program });
    };
    let run = || {
        let mut child = Command::new(&path)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut pipe) = child.stdin.take() {
            // A child that ends early says why on its stderr.
            let _ = pipe.write_all(script.as_bytes());
        }
        child.wait_with_output()
    };
    let output = match run() {
        Ok(output) => output,
        Err(source) => return Err(Error::Spawn { program, source }),
    };
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Command {
        program,
        status: output.status,
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

pub(super) fn check(
    nft: &mut NftSocket,
    wanted: &Wanted<'_>,
    mappings: &[Mapping],
) -> Result<(), Error> {
    let missing = |table: Table, chain: &str, what: String| Error::MissingRule {
        family: table.family_name,
        table: table.name,
        chain: chain.to_owned(),
        what,
    };
    for address in wanted.addresses {
        let v4 = address.is_ipv4();
        let table = table_of(v4);
        for chain in [PREROUTING, OUTPUT] {
            let there = nft.rules(table, Some(chain))?;
            // Another network may have had other conditions.
            if !there.iter().any(|rule| rule.target() == Some(ALL)) {
                return Err(missing(table, chain, format!("jump to {ALL}")));
            }
        }
        let there = nft.rules(table, Some(ALL))?;
        if !there.iter().any(|rule| rule.target() == Some(PORTS)) {
            return Err(missing(table, ALL, format!("jump to {PORTS}")));
        }
        let [ports, masquerade] = wanted_rules(wanted, *address, mappings);
        // The reference plugin has masqueraded less, and more, in its time: as long as the
        // container's packets to itself are.
        let masquerade: Vec<Rule> = masquerade.into_iter().take(1).collect();
        for (chains, rules, what) in [
            (&[PORTS, PORTS_AT_IP][..], ports, "rule for a port"),
            (&[MASQUERADING], masquerade, "rule that masquerades"),
        ] {
            let mut there = Vec::new();
            for chain in chains {
                there.extend(nft.rules(table, Some(chain))?);
            }
            for (at, rule) in rules.iter().enumerate() {
                if !there.iter().any(|listed| listed.is(rule)) {
                    let what = match mappings.iter().filter(|one| one.is_of(v4)).nth(at) {
                        Some(mapping) if chains.len() > 1 => {
                            let Mapping {
                                protocol,
                                host_port,
                                ..
                            } = mapping;
                            format!("{what}: {protocol} {host_port} to {}", address.ip())
                        }
                        _ => format!("{what} what {} sends to itself", address.ip()),
                    };
                    return Err(missing(table, chains[0], what));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn teardown(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
) -> Result<Vec<Forward>, Error> {
    remove(nft, |rule| is_of(rule, attachment))
}

pub(super) fn gc(nft: &mut NftSocket, valid: &Valid) -> Result<Vec<Forward>, Error> {
    remove(nft, |rule| {
        let tag = rule.tag.as_deref();
        tag.is_some_and(|tag| valid.disowns_instance(tag))
    })
}

fn remove(
    nft: &mut NftSocket,
    condemned: impl Fn(&ListedRule) -> bool,
) -> Result<Vec<Forward>, Error> {
    let mut gone = Vec::new();
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        gone.clear();
        for table in TABLES {
            if nft.table(table)?.is_none() {
                continue;
            }
            for chain in OF_CONTAINERS {
                for rule in nft.rules(table, Some(chain))? {
                    if condemned(&rule) {
                        tx.delete_rule(table, chain, rule.handle)?;
                        gone.extend(forward_of(&rule));
                    }
                }
            }
        }
        Ok(tx)
    })?;
    Ok(gone)
}
