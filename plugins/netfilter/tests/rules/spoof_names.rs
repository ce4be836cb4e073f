//! macspoofchk where the names of two attachments run together to one chain's.

use std::sync::Barrier;
use std::thread;

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Attachment, Error, spoof};
use fairway_netlink::MacAddr;

use crate::common::*;

const MACS: [MacAddr; 2] = [MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2])];
const VETHS: [&str; 2] = ["veth1", "veth2"];
const PAIRS: [[(&str, &str); 2]; 4] = [
    [("abc", "eth0"), ("abc", "eth0-mac")],
    [("abc", "eth0-mac"), ("abc", "eth0")],
    [("a-b", "c"), ("a", "b-c")],
    [("a", "b-c"), ("a-b", "c")],
];

fn attachment((container_id, ifname): (&'static str, &'static str)) -> Attachment<'static> {
    Attachment {
        network: ATTACHMENT.network,
        container_id,
        ifname,
    }
}

fn set(ns: &Ns, who: &Attachment<'_>, n: usize) -> std::result::Result<(), Error> {
    within(ns, |nf| spoof::setup(nf, who, VETHS[n], MACS[n]))
}

fn check(ns: &Ns, who: &Attachment<'_>, n: usize) -> std::result::Result<(), Error> {
    within(ns, |nf| spoof::check(nf, who, VETHS[n], MACS[n]))
}

fn unset(ns: &Ns, who: &Attachment<'_>) {
    within(ns, |nf| spoof::teardown(nf, who)).unwrap();
}

/// Neither ADD nor DEL of the second may touch what is there.
fn stays(node: &Ns, second: &Attachment<'_>) {
    let before = node.run("nft -a list table bridge nat").unwrap();
    let refused = set(node, second, 1).unwrap_err();
    assert!(matches!(refused, Error::ForeignChain { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("cni-br-iface-a"), "{text}");
    assert!(text.contains("another attachment (macspoofchk-a"), "{text}");
    unset(node, second);
    assert_eq!(node.run("nft -a list table bridge nat").unwrap(), before);
}

#[test]
fn whoever_has_the_chain_keeps_it() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    for pair in PAIRS {
        let [first, second] = pair.map(attachment);
        set(node, &first, 0).unwrap();
        stays(node, &second);
        check(node, &first, 0).unwrap();
        set(node, &first, 0).unwrap();
        unset(node, &first);
        set(node, &second, 1).unwrap();
        check(node, &second, 1).unwrap();
        unset(node, &second);
        assert!(!ruleset(node).contains("cni-br-iface"));
    }
    Ok(())
}

#[test]
fn of_two_at_once_one_gets_the_chain() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    for round in 0..10 {
        for pair in PAIRS {
            let pair = pair.map(attachment);
            let start = Barrier::new(2);
            let (pair, start) = (&pair, &start);
            let add = |n: usize| {
                within(node, |nf| {
                    start.wait();
                    spoof::setup(nf, &pair[n], VETHS[n], MACS[n])
                })
            };
            let done = thread::scope(|scope| {
                let first = scope.spawn(move || add(0));
                let second = scope.spawn(move || add(1));
                [first, second].map(|thread| thread.join().unwrap().is_ok())
            });
            assert_eq!(done.iter().filter(|done| **done).count(), 1, "{round}");
            let winner = usize::from(done[1]);
            check(node, &pair[winner], winner).unwrap();
            unset(node, &pair[1 - winner]);
            check(node, &pair[winner], winner).unwrap();
            unset(node, &pair[winner]);
        }
    }
    Ok(())
}

/// The reference tags nothing, but its comments tell some apart.
#[test]
fn a_chain_of_the_reference_is_told_by_its_comment() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let chain = "cni-br-iface-abc-eth0";
    node.sh(&format!(
        "nft add table bridge nat
         nft add chain bridge nat PREROUTING '{{ type filter hook prerouting priority -300; }}'
         nft add chain bridge nat {chain}
         nft add chain bridge nat {chain}-mac
         nft add rule bridge nat PREROUTING iifname veth1 jump {chain} comment macspoofchk-abc-eth0
         nft add rule bridge nat {chain} jump {chain}-mac comment macspoofchk-abc-eth0
         nft add rule bridge nat {chain}-mac drop comment macspoofchk-abc-eth0"
    ))?;
    stays(node, &attachment(("abc", "eth0-mac")));
    unset(node, &attachment(("abc", "eth0")));
    assert!(!ruleset(node).contains(chain));
    Ok(())
}

/// What a forgotten network left of the same interface is no stranger's.
#[test]
fn another_network_of_the_interface_replaces_it() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let now = attachment(("abc", "eth0"));
    let old = Attachment {
        network: "old",
        ..now
    };
    set(node, &old, 0).unwrap();
    set(node, &now, 1).unwrap();
    check(node, &now, 1).unwrap();
    assert!(!ruleset(node).contains("veth1"));
    Ok(())
}
