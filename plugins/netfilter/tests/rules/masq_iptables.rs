//! The iptables backend, written natively.

use fairway_lab::{Lab, Result};
use fairway_netfilter::Backend;

use crate::common::*;

#[test]
fn rules_are_those_that_iptables_writes() -> Result {
    for addresses in [
        &["10.22.0.2/16"][..],
        &["fd00:22::2/64"],
        &["10.22.0.2/16", "fd00:22::2/64"],
        &["10.1.2.3/24", "10.1.2.4/24", "10.9.9.9/9"],
        &[
            "10.1.2.3/32",
            "192.168.77.129/25",
            "172.16.0.1/12",
            "10.0.0.1/0",
        ],
        &[
            "fd00::5/128",
            "fd00:1::5/61",
            "fd00:2::1/0",
            "64:ff9b::1.2.3.4/96",
        ],
    ] {
        let lab = Lab::new()?;
        let theirs = lab.machine("theirs")?;
        theirs.sh(&reference_commands(CHAIN, COMMENT, addresses))?;
        let ours = lab.machine("ours")?;
        setup(&ours, Backend::Iptables, &ATTACHMENT, addresses).unwrap();
        assert_eq!(saved(&ours), saved(&theirs), "{addresses:?}");
        assert_eq!(ruleset(&ours), ruleset(&theirs), "{addresses:?}");
        assert_eq!(expressions(&ours), expressions(&theirs), "{addresses:?}");
    }
    Ok(())
}

#[test]
fn iptables_works_on_our_rules() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let addresses = ["10.22.0.2/16", "fd00:22::2/64"];
    setup(node, Backend::Iptables, &ATTACHMENT, &addresses).unwrap();
    // What the reference's DEL runs.
    for (program, ip) in [("iptables", "10.22.0.2"), ("ip6tables", "fd00:22::2")] {
        let nat = format!("{program} -w -t nat");
        node.sh(&format!(
            "{nat} -C POSTROUTING -s {ip} -j {CHAIN} -m comment --comment '{COMMENT}'
             {nat} -D POSTROUTING -s {ip} -j {CHAIN} -m comment --comment '{COMMENT}'
             {nat} -F {CHAIN}
             {nat} -X {CHAIN}"
        ))?;
    }
    assert_eq!(expressions(node), []);
    // And back again out of a saved copy, which knows nothing of our tag.
    setup(node, Backend::Iptables, &ATTACHMENT, &addresses).unwrap();
    let before = saved(node);
    node.sh(
        "iptables-save >copy; iptables -t nat -F; iptables-restore <copy; rm copy"
            .replace("copy", lab.scratch().join("copy").to_str().unwrap())
            .as_str(),
    )?;
    assert_eq!(saved(node), before);
    teardown(node, &ATTACHMENT).unwrap();
    assert_eq!(expressions(node), []);
    Ok(())
}

#[test]
fn what_others_have_in_the_table_stays() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    node.sh(
        "nft add table ip nat '{ flags dormant; }'
         nft add chain ip nat POSTROUTING '{ type nat hook postrouting priority 100; policy drop; }'
         iptables -t nat -N CNI-000000000000000000000000
         iptables -t nat -A POSTROUTING -s 10.22.0.2 -j CNI-000000000000000000000000
         iptables -t nat -A POSTROUTING -s 10.22.0.2 -m comment --comment 'name: \"mynet\" id: \"abc123\"' -j RETURN",
    )?;
    let before = ruleset(node);
    setup(node, Backend::Iptables, &ATTACHMENT, &["10.22.0.2/16"]).unwrap();
    assert!(saved(node).contains(CHAIN));
    teardown(node, &ATTACHMENT).unwrap();
    assert_eq!(ruleset(node), before);
    Ok(())
}

#[test]
fn a_network_name_without_room_is_refused_with_nothing_written() -> Result {
    let lab = Lab::new()?;
    let network = "n".repeat(240);
    let attachment = fairway_netfilter::Attachment {
        network: &network,
        ..ATTACHMENT
    };
    let refused = setup(lab.node(), Backend::Iptables, &attachment, &["10.0.0.2/8"]);
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("at most 255 fit"), "{text}");
    assert_eq!(ruleset(lab.node()), "");
    // nftables cuts its comments, and DEL of either must not be bothered.
    setup(lab.node(), Backend::Nftables, &attachment, &["10.0.0.2/8"]).unwrap();
    teardown(lab.node(), &attachment).unwrap();
    assert!(!ruleset(lab.node()).contains("saddr"));
    Ok(())
}

#[test]
fn what_the_kernel_refuses_is_tried_by_iptables_and_told() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    // Neither way can put source translation on another hook.
    node.sh("nft add table ip nat
         nft add chain ip nat POSTROUTING '{ type filter hook input priority 0; }'")?;
    let refused = setup(node, Backend::Iptables, &ATTACHMENT, &["10.0.0.2/8"]).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("add rule ip nat"), "{text}");
    assert!(
        text.contains("iptables-save") || text.contains("iptables-restore"),
        "{text}"
    );
    teardown(node, &ATTACHMENT).unwrap();
    assert!(!ruleset(node).contains("CNI-"));
    Ok(())
}
