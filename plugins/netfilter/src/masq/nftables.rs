//! The nftables backend: table `inet cni_plugins_masquerade`, one rule per
//! address in chain `masq_checks`.
//!
//! The reference writes the rules of `postrouting` anew on each ADD. Here they
//! are written when they are not as they should be, so a usual ADD changes
//! nothing that others use too.

use ipnetwork::IpNetwork;

use crate::names::{instance_hash, nft_comment};
use crate::nft::Table;
use crate::nft::address::{Side, match_address, match_family};
use crate::nft::expr::{Expr, Verdict};
use crate::nft::rule::{Rule, same};
use crate::nft::socket::NftSocket;
use crate::nft::transaction::{Hook, Transaction};
use crate::valid::Valid;
use crate::{Attachment, Error};

const TABLE: Table = Table::MASQUERADE;
const CHECKS: &str = "masq_checks";
const POSTROUTING: &str = "postrouting";
const TABLE_COMMENT: &str = "Masquerading for plugins from github.com/containernetworking/plugins";
const CHECKS_COMMENT: &str =
    "Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet";

pub(super) fn setup(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    let wanted = rules_for(attachment, addresses);
    let instance = instance_hash(attachment);
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        let shared = postrouting_rules();
        if !same(&nft.rules(TABLE, Some(POSTROUTING))?, &shared) {
            tx.add_table(TABLE, Some(TABLE_COMMENT))?;
            tx.add_chain(TABLE, CHECKS, None, Some(CHECKS_COMMENT))?;
            tx.add_chain(TABLE, POSTROUTING, Some(Hook::POSTROUTING_NAT), None)?;
            tx.flush_chain(TABLE, POSTROUTING)?;
            for rule in &shared {
                tx.add_rule(TABLE, POSTROUTING, rule)?;
            }
        }
        let present =
            nft.rules_where(TABLE, Some(CHECKS), |rule| rule.comment_begins(&instance))?;
        if !same(&present, &wanted) {
            for stale in &present {
                tx.delete_rule(TABLE, CHECKS, stale.handle)?;
            }
            for rule in &wanted {
                tx.add_rule(TABLE, CHECKS, rule)?;
            }
        }
        Ok(tx)
    })
}

pub(super) fn teardown(nft: &mut NftSocket, attachment: &Attachment<'_>) -> Result<(), Error> {
    remove(nft, &instance_hash(attachment), |_| true)
}

pub(super) fn gc(nft: &mut NftSocket, valid: &Valid) -> Result<(), Error> {
    remove(nft, &valid.network_prefix, |comment| {
        valid.disowns_instance(comment)
    })
}

/// Removes the checks whose comment begins so and is condemned.
fn remove(nft: &mut NftSocket, start: &str, condemned: impl Fn(&str) -> bool) -> Result<(), Error> {
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        for rule in nft.rules_where(TABLE, Some(CHECKS), |rule| rule.comment_begins(start))? {
            if rule.comment.as_deref().is_some_and(&condemned) {
                tx.delete_rule(TABLE, CHECKS, rule.handle)?;
            }
        }
        Ok(tx)
    })
}

pub(super) fn check(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    if !same(&nft.rules(TABLE, Some(POSTROUTING))?, &postrouting_rules()) {
        return Err(Error::ChangedChain {
            family: TABLE.family_name,
            table: TABLE.name,
            chain: POSTROUTING.to_owned(),
        });
    }
    let instance = instance_hash(attachment);
    let present = nft.rules_where(TABLE, Some(CHECKS), |rule| rule.comment_begins(&instance))?;
    for (address, rule) in addresses.iter().zip(rules_for(attachment, addresses)) {
        if !present.iter().any(|listed| listed.is(&rule)) {
            return Err(Error::MissingRule {
                family: TABLE.family_name,
                table: TABLE.name,
                chain: CHECKS.to_owned(),
                what: format!("rule that masquerades {}", address.ip()),
            });
        }
    }
    Ok(())
}

fn rule(exprs: Vec<Expr>, comment: Option<String>) -> Rule {
    Rule {
        exprs,
        comment,
        tag: None,
        compat: None,
    }
}

/// One rule per address: from it, but not to its subnet.
fn rules_for(attachment: &Attachment<'_>, addresses: &[IpNetwork]) -> Vec<Rule> {
    let comment = nft_comment(attachment);
    addresses
        .iter()
        .map(|address| {
            let mut exprs = match_family(address.is_ipv4());
            exprs.extend(match_address(Side::Source, address.ip().into(), true));
            exprs.extend(match_address(Side::Destination, *address, false));
            exprs.push(Expr::Masquerade);
            rule(exprs, Some(comment.clone()))
        })
        .collect()
}

/// Multicast is none of ours, all else goes through the checks.
fn postrouting_rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = super::MULTICAST
        .into_iter()
        .map(|multicast| {
            let mut exprs = match_family(multicast.is_ipv4());
            exprs.extend(match_address(Side::Destination, multicast, true));
            exprs.push(Expr::Verdict(Verdict::Return));
            rule(exprs, None)
        })
        .collect();
    let goto = Verdict::Goto(CHECKS.to_owned());
    rules.push(rule(vec![Expr::Verdict(goto)], None));
    rules
}
