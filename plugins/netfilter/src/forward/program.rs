//! The iptables backend by its programs, for iptables-legacy.

use std::net::IpAddr;

use super::Wanted;
use super::xt::{self, OWN, of_address};
use crate::Error;
use crate::backend::Programs;
use crate::save::{SavedRule, SavedTable};
use crate::tool::Tool;
use crate::xt::XtRule;

const TABLE: &str = "filter";

fn saved(rule: &XtRule, chain: &str) -> Result<SavedRule, Error> {
    SavedRule::parse(&rule.line(chain)).ok_or(Error::NotNative)
}

pub(super) fn setup(programs: &Programs, wanted: &Wanted<'_>) -> Result<(), Error> {
    for v4 in wanted.families() {
        let tool = Tool::installed(programs, v4, TABLE);
        let lines = changes(&tool.save()?, wanted, v4)?;
        tool.restore(&lines)?;
    }
    Ok(())
}

fn changes(table: &SavedTable, wanted: &Wanted<'_>, v4: bool) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for chain in xt::chains(wanted) {
        if !table.has_chain(&chain) {
            lines.push(format!("-N {chain}"));
        }
    }
    for placed in xt::rules(wanted, v4) {
        let rule = saved(&placed.rule, &placed.chain)?;
        if table.rules.iter().any(|there| there.does(&rule)) {
            continue;
        }
        lines.push(match placed.first {
            true => rule.line.replacen("-A ", "-I ", 1),
            false => rule.line,
        });
    }
    Ok(lines)
}

pub(super) fn check(programs: &Programs, wanted: &Wanted<'_>) -> Result<(), Error> {
    for v4 in wanted.families() {
        let table = Tool::installed(programs, v4, TABLE).save()?;
        for placed in xt::rules(wanted, v4) {
            let rule = saved(&placed.rule, &placed.chain)?;
            if !table.rules.iter().any(|there| there.does(&rule)) {
                return Err(Error::MissingRule {
                    family: if v4 { "ip" } else { "ip6" },
                    table: TABLE,
                    chain: placed.chain,
                    what: format!("rule {}", rule.line),
                });
            }
        }
    }
    Ok(())
}

/// Nothing in these tables tells whose an address was.
pub(super) fn teardown(programs: &Programs, addresses: &[IpAddr]) -> Result<(), Error> {
    let mut errors = Vec::new();
    for v4 in [true, false] {
        if let Some(tool) = Tool::for_legacy(programs, v4, TABLE) {
            errors.extend(remove(&tool, addresses, v4).err());
        }
    }
    Error::collect(errors)
}

fn remove(tool: &Tool<'_>, addresses: &[IpAddr], v4: bool) -> Result<(), Error> {
    let of_family: Vec<&IpAddr> = addresses.iter().filter(|ip| ip.is_ipv4() == v4).collect();
    if of_family.is_empty() {
        return Ok(());
    }
    let table = tool.save()?;
    let mut lines = Vec::new();
    for ip in of_family {
        for rule in of_address(*ip) {
            let rule = saved(&rule, OWN)?;
            let there = table.rules.iter().filter(|there| there.does(&rule));
            lines.extend(there.map(SavedRule::deletion));
        }
    }
    tool.restore(&lines)
}
