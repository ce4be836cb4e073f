//! The iptables backend, written natively: table filter of both families.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::{Ingress, Wanted};
use crate::names::instance_hash;
use crate::nft::Table;
use crate::nft::rule::{ListedRule, Rule};
use crate::nft::socket::NftSocket;
use crate::nft::transaction::{Hook, Transaction};
use crate::valid::Valid;
use crate::xt::{Link, Match, Target, XtRule};
use crate::{Attachment, Error};

const TABLES: [Table; 2] = [Table::IP_FILTER, Table::IP6_FILTER];
pub(super) const FORWARD: &str = "FORWARD";
pub(super) const OWN: &str = "CNI-FORWARD";
const STAGE_1: &str = "CNI-ISOLATION-STAGE-1";
const STAGE_2: &str = "CNI-ISOLATION-STAGE-2";
const EITHER: &str = "CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)";

/// A rule, and where it goes.
pub(super) struct Placed {
    pub(super) chain: String,
    pub(super) rule: XtRule,
    /// Before all others of the chain.
    pub(super) first: bool,
    /// Of this attachment alone.
    pub(super) own: bool,
}

/// The chains that are needed beside FORWARD.
pub(super) fn chains(wanted: &Wanted<'_>) -> Vec<String> {
    let mut chains = vec![OWN.to_owned(), wanted.admin_chain.to_owned()];
    if wanted.ingress != Ingress::Open {
        chains.extend([STAGE_1.to_owned(), STAGE_2.to_owned()]);
    }
    chains
}

/// The rules of one family, in the order of their writing.
pub(super) fn rules(wanted: &Wanted<'_>, v4: bool) -> Vec<Placed> {
    let jump = |chain: &str| XtRule::new(Target::Jump(chain.to_owned()));
    let shared = |chain: &str, rule, first| Placed {
        chain: chain.to_owned(),
        rule,
        first,
        own: false,
    };
    let mut all = vec![
        shared(
            FORWARD,
            jump(OWN).comment("CNI firewall plugin rules"),
            true,
        ),
        shared(
            OWN,
            jump(wanted.admin_chain).comment("CNI firewall plugin admin overrides"),
            true,
        ),
    ];
    for ip in wanted.addresses.iter().filter(|ip| ip.is_ipv4() == v4) {
        all.extend(of_address(*ip).map(|rule| Placed {
            own: true,
            ..shared(OWN, rule, false)
        }));
    }
    let policy = match wanted.ingress {
        Ingress::Open => return all,
        Ingress::SameBridge => "same-bridge",
        Ingress::Isolated => "isolated",
    };
    let policy = format!("CNI firewall plugin rules (ingressPolicy: {policy})");
    let on = |equal| {
        let name = wanted.bridge.to_owned();
        Some(Link { name, equal })
    };
    let leave = || XtRule::new(Target::Return).comment(EITHER);
    all.push(shared(FORWARD, jump(STAGE_1).comment(EITHER), true));
    let mut away = jump(STAGE_2).comment(&policy);
    (away.iif, away.oif) = (on(true), on(false));
    all.push(shared(STAGE_1, away, true));
    if wanted.ingress == Ingress::Isolated {
        let mut back = XtRule::new(Target::Drop).comment(&policy);
        (back.iif, back.oif) = (on(true), on(true));
        all.push(shared(STAGE_1, back, true));
    }
    all.push(shared(STAGE_1, leave(), false));
    let mut into = XtRule::new(Target::Drop).comment(EITHER);
    into.oif = on(true);
    all.push(shared(STAGE_2, into, true));
    all.push(shared(STAGE_2, leave(), false));
    all
}

/// What lets through answers to an address, and all that it sends.
pub(super) fn of_address(ip: IpAddr) -> [XtRule; 2] {
    let host = Some((IpNetwork::from(ip), true));
    let mut answers = XtRule::new(Target::Accept).with(Match::Established);
    answers.dst = host;
    let mut sent = XtRule::new(Target::Accept);
    sent.src = host;
    [answers, sent]
}

fn native(rule: &XtRule, v4: bool, tag: Option<String>) -> Result<Rule, Error> {
    rule.native(v4, tag).ok_or(Error::NotNative)
}

fn table_of(v4: bool) -> Table {
    let [four, six] = TABLES;
    if v4 { four } else { six }
}

pub(super) fn setup(nft: &mut NftSocket, wanted: &Wanted<'_>) -> Result<(), Error> {
    let tag = instance_hash(&wanted.attachment);
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        for v4 in wanted.families() {
            let table = table_of(v4);
            if nft.table(table)?.is_none() {
                tx.add_table(table, None)?;
            }
            if !nft.has_chain(table, FORWARD)? {
                tx.add_chain(table, FORWARD, Some(Hook::FORWARD_FILTER), None)?;
            }
            for chain in chains(wanted) {
                if !nft.has_chain(table, &chain)? {
                    tx.add_chain(table, &chain, None, None)?;
                }
            }
            let mut listed: Vec<(String, Vec<ListedRule>)> = Vec::new();
            for placed in rules(wanted, v4) {
                let tag = placed.own.then(|| tag.clone());
                let rule = native(&placed.rule, v4, tag.clone())?;
                if !listed.iter().any(|(chain, _)| *chain == placed.chain) {
                    let there = nft.rules(table, Some(&placed.chain))?;
                    listed.push((placed.chain.clone(), there));
                }
                let mut there = listed
                    .iter()
                    .filter(|(chain, _)| *chain == placed.chain)
                    .flat_map(|(_, rules)| rules);
                // Another one's rule for the address goes with the other.
                if there.any(|there| there.does(&rule) && (!placed.own || there.tag == tag)) {
                    continue;
                }
                if !placed.own {
                    // Two at once would write it twice.
                    tx.depend_on_look();
                }
                match placed.first {
                    true => tx.insert_rule(table, &placed.chain, &rule)?,
                    false => tx.add_rule(table, &placed.chain, &rule)?,
                }
            }
        }
        Ok(tx)
    })
}

pub(super) fn check(nft: &mut NftSocket, wanted: &Wanted<'_>) -> Result<(), Error> {
    for v4 in wanted.families() {
        let table = table_of(v4);
        for placed in rules(wanted, v4) {
            let rule = native(&placed.rule, v4, None)?;
            let there = nft.rules(table, Some(&placed.chain))?;
            if !there.iter().any(|there| there.does(&rule)) {
                return Err(Error::MissingRule {
                    family: table.family_name,
                    table: table.name,
                    what: format!("rule {}", placed.rule.line(&placed.chain)),
                    chain: placed.chain,
                });
            }
        }
    }
    Ok(())
}

pub(super) fn teardown(
    nft: &mut NftSocket,
    attachment: &Attachment<'_>,
    addresses: &[IpAddr],
) -> Result<(), Error> {
    let tag = instance_hash(attachment);
    let mut known: Vec<(bool, Rule)> = Vec::new();
    for ip in addresses {
        for rule in of_address(*ip) {
            known.push((ip.is_ipv4(), native(&rule, ip.is_ipv4(), None)?));
        }
    }
    remove(nft, |rule, v4| match &rule.tag {
        Some(there) => *there == tag,
        None => known
            .iter()
            .any(|(family, known)| *family == v4 && rule.does(known)),
    })
}

pub(super) fn gc(nft: &mut NftSocket, valid: &Valid) -> Result<(), Error> {
    remove(nft, |rule, _| {
        let tag = rule.tag.as_deref();
        tag.is_some_and(|tag| valid.disowns_instance(tag))
    })
}

fn remove(nft: &mut NftSocket, condemned: impl Fn(&ListedRule, bool) -> bool) -> Result<(), Error> {
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        for table in TABLES {
            for rule in nft.rules(table, Some(OWN))? {
                if condemned(&rule, table == Table::IP_FILTER) {
                    tx.delete_rule(table, OWN, rule.handle)?;
                }
            }
        }
        Ok(tx)
    })
}
