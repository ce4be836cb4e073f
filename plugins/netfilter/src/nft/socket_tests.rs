//! The socket against the kernel: above all, somebody reloads the ruleset between
//! our look and our change. In namespaces of their own, as root.

use std::collections::BTreeMap;

use fairway_lab::{Lab, Ns};

use super::Table;
use super::rule::Rule;
use super::socket::NftSocket;
use super::transaction::Transaction;

const TABLE: Table = Table::IP_NAT;

/// A ruleset with a chain `c` of that many rules, all for `address`. Its table is
/// made anew, so each time the rules have the same handles.
fn load(node: &Ns, address: &str, rules: usize) {
    let rule = format!("add rule ip nat c ip saddr {address} counter\n");
    let script = format!(
        "flush ruleset\nadd table ip nat\nadd chain ip nat c\n{}",
        rule.repeat(rules)
    );
    node.sh(&format!("nft -f - <<'END'\n{script}END")).unwrap();
}

fn count(node: &Ns, address: &str) -> usize {
    node.run("nft list ruleset")
        .unwrap()
        .matches(address)
        .count()
}

/// Deletions of the rules of chain `c` for 10.0.0.1, by number.
fn deletions(nft: &mut NftSocket) -> Vec<Transaction> {
    let mut list = Vec::new();
    for rule in nft.rules(TABLE, Some("c")).unwrap() {
        let ours = format!("{:?}", rule.exprs).contains("[10, 0, 0, 1]");
        if ours {
            let mut tx = Transaction::default();
            tx.delete_rule(TABLE, "c", rule.handle).unwrap();
            list.push(tx);
        }
    }
    list
}

#[test]
fn a_handle_of_a_table_that_is_gone_deletes_nothing() {
    let lab = Lab::new().unwrap();
    let node = lab.node();
    load(node, "10.0.0.1", 3);
    let mut tries = 0;
    node.inside(|| {
        NftSocket::open().unwrap().transact(|nft| {
            let mut all = Transaction::default();
            deletions(nft).into_iter().for_each(|tx| all.append(tx));
            tries += 1;
            if tries == 1 {
                load(node, "10.9.9.9", 3);
            }
            Ok(all)
        })
    })
    .unwrap()
    .unwrap();
    assert_eq!((tries, count(node, "10.9.9.9")), (2, 3));
}

#[test]
fn a_list_of_changes_is_made_from_one_look() {
    let lab = Lab::new().unwrap();
    let node = lab.node();
    load(node, "10.0.0.1", 3);
    let mut looks = 0;
    let errors = node
        .inside(|| {
            NftSocket::open().unwrap().transact_all(|nft| {
                let list = deletions(nft).into_iter().enumerate();
                let list: BTreeMap<_, _> = list.map(|(n, tx)| (n.to_string(), tx)).collect();
                looks += 1;
                if looks == 1 {
                    load(node, "10.9.9.9", 2);
                    let more = "nft add rule ip nat c ip saddr 10.0.0.1";
                    node.run(more).unwrap();
                }
                Ok(list)
            })
        })
        .unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(looks, 2);
    assert_eq!((count(node, "10.9.9.9"), count(node, "10.0.0.1")), (2, 0));
}

#[test]
fn what_only_adds_does_not_care_for_others() {
    let lab = Lab::new().unwrap();
    let node = lab.node();
    load(node, "10.0.0.1", 1);
    let mut tries = 0;
    node.inside(|| {
        NftSocket::open().unwrap().transact(|nft| {
            let mut tx = Transaction::default();
            let rule = Rule {
                exprs: Vec::new(),
                comment: Some("new".to_owned()),
                tag: None,
                compat: None,
            };
            assert_eq!(nft.rules(TABLE, Some("c"))?.len(), 1);
            tx.add_rule(TABLE, "c", &rule)?;
            tries += 1;
            node.run("nft add table ip other").unwrap();
            Ok(tx)
        })
    })
    .unwrap()
    .unwrap();
    assert_eq!((tries, count(node, "\"new\"")), (1, 1));
}

#[test]
fn a_chain_whose_name_the_kernel_does_not_take_is_not_there() {
    let lab = Lab::new().unwrap();
    let node = lab.node();
    for length in [255, 256, 1000] {
        let name = "c".repeat(length);
        let found = node.inside(|| {
            let mut nft = NftSocket::open().unwrap();
            let chain = nft.has_chain(TABLE, &name).unwrap();
            chain || !nft.rules(TABLE, Some(&name)).unwrap().is_empty()
        });
        assert!(!found.unwrap(), "{length}");
    }
}
