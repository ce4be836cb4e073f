//! The nftables backend: table `inet cni_firewall`, which keeps bridges apart.

use super::{Ingress, Wanted};
use crate::Error;
use crate::nft::Table;
use crate::nft::expr::{Expr, IFNAME_SIZE, Verdict};
use crate::nft::rule::Rule;
use crate::nft::socket::NftSocket;
use crate::nft::transaction::{Hook, Transaction};

const TABLE: Table = Table::FIREWALL;
const TABLE_COMMENT: &str = "CNI firewall plugin: bridges that are apart";
const FORWARD: &str = "forward";
const STAGE_1: &str = "isolation_stage_1";
const STAGE_2: &str = "isolation_stage_2";

fn rule(exprs: Vec<Expr>) -> Rule {
    Rule {
        exprs,
        comment: None,
        tag: None,
        compat: None,
    }
}

fn on(load: Expr, name: &str, equal: bool) -> [Expr; 2] {
    let mut data = name.as_bytes().to_vec();
    data.resize(IFNAME_SIZE, 0);
    [load, Expr::Compare { equal, data }]
}

/// Chain and rule, in the order of their writing. Each goes to the end of its chain.
fn rules(wanted: &Wanted<'_>) -> Vec<(&'static str, Rule)> {
    let jump = |chain: &str| Expr::Verdict(Verdict::Jump(chain.to_owned()));
    let bridge = wanted.bridge;
    let mut all = Vec::new();
    if wanted.ingress == Ingress::Open {
        return all;
    }
    all.push((FORWARD, rule(vec![jump(STAGE_1)])));
    if wanted.ingress == Ingress::Isolated {
        let mut back = on(Expr::LoadInputName, bridge, true).to_vec();
        back.extend(on(Expr::LoadOutputName, bridge, true));
        back.push(Expr::Verdict(Verdict::Drop));
        all.push((STAGE_1, rule(back)));
    }
    let mut away = on(Expr::LoadInputName, bridge, true).to_vec();
    away.extend(on(Expr::LoadOutputName, bridge, false));
    away.push(jump(STAGE_2));
    all.push((STAGE_1, rule(away)));
    let mut into = on(Expr::LoadOutputName, bridge, true).to_vec();
    into.push(Expr::Verdict(Verdict::Drop));
    all.push((STAGE_2, rule(into)));
    all
}

pub(super) fn setup(nft: &mut NftSocket, wanted: &Wanted<'_>) -> Result<(), Error> {
    let rules = rules(wanted);
    if rules.is_empty() {
        return Ok(());
    }
    nft.transact(|nft| {
        let mut tx = Transaction::default();
        if nft.table(TABLE)?.is_none() {
            tx.add_table(TABLE, Some(TABLE_COMMENT))?;
        }
        for (chain, hook) in [
            (FORWARD, Some(Hook::FORWARD_FILTER)),
            (STAGE_1, None),
            (STAGE_2, None),
        ] {
            if !nft.has_chain(TABLE, chain)? {
                tx.add_chain(TABLE, chain, hook, None)?;
            }
        }
        for (chain, rule) in &rules {
            let there = nft.rules(TABLE, Some(chain))?;
            if !there.iter().any(|there| there.does(rule)) {
                tx.add_rule(TABLE, chain, rule)?;
            }
        }
        // Two at once would write each rule twice.
        if !tx.is_empty() {
            tx.depend_on_look();
        }
        Ok(tx)
    })
}

pub(super) fn check(nft: &mut NftSocket, wanted: &Wanted<'_>) -> Result<(), Error> {
    for (chain, rule) in rules(wanted) {
        let there = nft.rules(TABLE, Some(chain))?;
        if !there.iter().any(|there| there.does(&rule)) {
            return Err(Error::MissingRule {
                family: TABLE.family_name,
                table: TABLE.name,
                chain: chain.to_owned(),
                what: format!("rule for bridge {}", wanted.bridge),
            });
        }
    }
    Ok(())
}
