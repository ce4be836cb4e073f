//! The iptables backend where iptables is a face of nf_tables: the rules that
//! `iptables-nft` writes, written as it writes them, without running it.
//!
//! Matches and targets of iptables are expressions of nf_tables that carry
//! iptables' own structures; with them `iptables -S`, `-D` and `iptables-save`
//! work on our rules as on their own.
//!
//! The chain exists only together with its jump, and the kernel does not delete
//! a chain that is jumped to. So the usual ADD needs one look, whether the chain
//! is there, however many containers the node has.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;

use super::plan::{self, POSTROUTING, Removal, Seen};
use super::{MULTICAST_V4, MULTICAST_V6};
use crate::names::{instance_hash, xt_chain, xt_comment};
use crate::nft::Table;
use crate::nft::address::{Side, match_address};
use crate::nft::expr::{Expr, Verdict};
use crate::nft::rule::{ListedRule, Rule};
use crate::nft::socket::NftSocket;
use crate::nft::transaction::{Hook, Transaction};
use crate::valid::Valid;
use crate::{Attachment, Error};

const TABLES: [Table; 2] = [Table::IP_NAT, Table::IP6_NAT];

/// An attachment's rules for one family.
struct Wanted {
    table: Table,
    chain: String,
    /// In the chain, in this order.
    inside: Vec<Rule>,
    /// In POSTROUTING.
    jumps: Vec<Rule>,
}

impl Wanted {
    /// For the family of the table; none where no address is of it.
    fn of(table: Table, attachment: &Attachment<'_>, addresses: &[IpNetwork]) -> Option<Self> {
        let v4 = table == Table::IP_NAT;
        let comment = xt_comment(attachment.network, attachment.container_id);
        let tag = instance_hash(attachment);
        let chain = xt_chain(attachment.network, attachment.container_id);
        let multicast = if v4 {
            MULTICAST_V4.into()
        } else {
            MULTICAST_V6.into()
        };
        let rule = |matches: Vec<Expr>, end: Expr| Rule {
            exprs: [
                matches,
                vec![Expr::XtComment(comment.clone()), Expr::Counter, end],
            ]
            .concat(),
            comment: None,
            tag: Some(tag.clone()),
            compat: Some(0),
        };
        let (mut inside, mut jumps) = (Vec::new(), Vec::new());
        for address in addresses.iter().filter(|address| address.is_ipv4() == v4) {
            // As `-d NETWORK`, which for all addresses is no match at all.
            let local = match address.prefix() {
                0 => Vec::new(),
                _ => match_address(Side::Destination, *address, true),
            };
            push_new(&mut inside, rule(local, Expr::Verdict(Verdict::Accept)));
            push_new(
                &mut inside,
                rule(
                    match_address(Side::Destination, multicast, false),
                    Expr::XtMasquerade { v6: !v4 },
                ),
            );
            push_new(
                &mut jumps,
                rule(
                    match_address(Side::Source, address.ip().into(), true),
                    Expr::Verdict(Verdict::Jump(chain.clone())),
                ),
            );
        }
        (!jumps.is_empty()).then_some(Self {
            table,
            chain,
            inside,
            jumps,
        })
    }

    fn all(attachment: &Attachment<'_>, addresses: &[IpNetwork]) -> Vec<Self> {
        let families = TABLES.map(|table| Self::of(table, attachment, addresses));
        families.into_iter().flatten().collect()
    }
}

fn push_new(rules: &mut Vec<Rule>, rule: Rule) {
    if !rules.contains(&rule) {
        rules.push(rule);
    }
}

pub(super) fn setup(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    let families = Wanted::all(attachment, addresses);
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        for wanted in &families {
            let Wanted { table, chain, .. } = wanted;
            if nft.has_chain(*table, chain)? {
                complete(nft, &mut tx, wanted)?;
                continue;
            }
            if nft.has_chain(*table, POSTROUTING)? {
                tx.add_new_chain(*table, chain)?;
            } else {
                tx.add_table(*table, None)?;
                tx.add_new_chain(*table, chain)?;
                tx.add_chain(*table, POSTROUTING, Some(Hook::POSTROUTING_NAT), None)?;
            }
            for rule in &wanted.inside {
                tx.add_rule(*table, chain, rule)?;
            }
            for rule in &wanted.jumps {
                tx.add_rule(*table, POSTROUTING, rule)?;
            }
        }
        Ok(tx)
    })
}

/// Adds what the leftovers of an earlier ADD lack, and deletes what is in them
/// twice or was for another address of this interface.
fn complete(nft: &mut NftSocket, tx: &mut Transaction, wanted: &Wanted) -> Result<(), Error> {
    let Wanted { table, chain, .. } = wanted;
    let jumps = nft.rules_where(*table, Some(POSTROUTING), |rule| rule.leads_to(chain))?;
    let inside = nft.rules(*table, Some(chain))?;
    for (name, listed, rules) in [
        (chain.as_str(), inside, &wanted.inside),
        (POSTROUTING, jumps, &wanted.jumps),
    ] {
        let mut missing: Vec<&Rule> = rules.iter().collect();
        for rule in &listed {
            if let Some(found) = missing.iter().position(|wanted| rule.is(wanted)) {
                missing.remove(found);
            } else if rules
                .iter()
                .any(|wanted| rule.is(wanted) || rule.tag == wanted.tag)
            {
                tx.delete_rule(*table, name, rule.handle)?;
            }
        }
        for rule in missing {
            tx.add_rule(*table, name, rule)?;
        }
    }
    Ok(())
}

pub(super) fn teardown(nft: &mut NftSocket, attachment: &Attachment<'_>) -> Vec<Error> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    let remove = |table| {
        nft.transact(|nft| {
            let mut tx = Transaction::default();
            if nft.has_chain(table, &chain)? {
                let seen =
                    nft.rules_where(table, Some(POSTROUTING), |rule| rule.leads_to(&chain))?;
                let seen = seen.into_iter().map(Seen::from).collect();
                apply(&mut tx, table, &plan::teardown(attachment, seen))?;
            }
            Ok(tx)
        })
    };
    TABLES
        .map(remove)
        .into_iter()
        .filter_map(Result::err)
        .collect()
}

pub(super) fn check(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    for wanted in Wanted::all(attachment, addresses) {
        let Wanted {
            table,
            chain,
            inside,
            jumps,
        } = wanted;
        for (name, rules, what) in [
            (
                chain.as_str(),
                inside,
                "rule for the container's subnet and all others",
            ),
            (POSTROUTING, jumps, "jump to the container's chain"),
        ] {
            let listed = match name {
                POSTROUTING => nft.rules_where(table, Some(name), |rule| rule.leads_to(&chain))?,
                _ => nft.rules(table, Some(name))?,
            };
            if !rules.iter().all(|rule| listed.iter().any(|l| l.is(rule))) {
                return Err(Error::MissingRule {
                    family: table.family_name,
                    table: table.name,
                    chain: name.to_owned(),
                    what: format!("{what} ({chain})"),
                });
            }
        }
    }
    Ok(())
}

pub(super) fn gc(nft: &mut NftSocket, valid: &Valid) -> Vec<Error> {
    let remove = |table| {
        nft.transact_all(|nft| {
            let mut changes = BTreeMap::new();
            for removal in removals(nft, table, valid)? {
                let mut tx = Transaction::default();
                apply(&mut tx, table, &removal)?;
                changes.insert(removal.chain, tx);
            }
            Ok(changes)
        })
    };
    TABLES.map(remove).into_iter().flatten().collect()
}

fn removals(nft: &mut NftSocket, table: Table, valid: &Valid) -> Result<Vec<Removal<u64>>, Error> {
    let rules = nft.rules(table, None)?;
    Ok(plan::gc(valid, rules.into_iter().map(Seen::from).collect()))
}

fn apply(tx: &mut Transaction, table: Table, removal: &Removal<u64>) -> Result<(), Error> {
    for handle in &removal.jumps {
        tx.delete_rule(table, POSTROUTING, *handle)?;
    }
    if removal.whole_chain {
        tx.delete_chain(table, &removal.chain)?;
    }
    Ok(())
}

impl From<ListedRule> for Seen<u64> {
    fn from(rule: ListedRule) -> Self {
        Self {
            target: rule.target().map(str::to_owned),
            chain: rule.chain,
            comment: rule.comment,
            tag: rule.tag,
            id: rule.handle,
        }
    }
}
