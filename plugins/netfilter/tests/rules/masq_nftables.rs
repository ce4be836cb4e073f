//! The nftables backend, against what the reference feeds to `nft`.

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Attachment, Backend, Error, masq};

use crate::common::*;

/// The reference's transaction for one ADD (its `knftables` writes this).
fn reference_script(checks: &str) -> String {
    format!(
        r#"add table inet cni_plugins_masquerade {{ comment "Masquerading for plugins from github.com/containernetworking/plugins" ; }}
add chain inet cni_plugins_masquerade masq_checks {{ comment "Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet" ; }}
add chain inet cni_plugins_masquerade postrouting {{ type nat hook postrouting priority 100 ; }}
flush chain inet cni_plugins_masquerade postrouting
add rule inet cni_plugins_masquerade postrouting ip daddr == 224.0.0.0/4  return
add rule inet cni_plugins_masquerade postrouting ip6 daddr == ff00::/8  return
add rule inet cni_plugins_masquerade postrouting goto masq_checks
{checks}"#
    )
}

fn load(ns: &Ns, checks: &str) -> Result {
    let nft = ns.command("nft").args(["-f", "-"]);
    nft.stdin(reference_script(checks)).run().map(drop)
}

const CHECK: &str = "add rule inet cni_plugins_masquerade masq_checks";

#[test]
fn rules_are_those_of_the_reference() -> Result {
    let lab = Lab::new()?;
    let (ours, theirs) = (lab.machine("ours")?, lab.machine("theirs")?);
    // The containers of the reference's own unit test, and odd prefixes.
    for (network, ifname, id, addresses, hash) in [
        (
            "unit-test",
            "eth0",
            "one",
            &["192.168.1.1/24"][..],
            "6fd94d501e58f0aa-287fc69eff0574a2",
        ),
        (
            "unit-test",
            "eth0",
            "two",
            &["192.168.1.2/24", "2001:db8::2/64"],
            "6fd94d501e58f0aa-d750b2c8f0f25d5f",
        ),
        (
            "alternate",
            "net1",
            "three",
            &[
                "10.0.0.5/21",
                "10.0.0.6/32",
                "10.0.1.7/0",
                "2001:db8::5/61",
                "2001:db8::6/128",
                "2001:db8:1::7/0",
            ],
            "82783ef24bdc7036-acb19d111858e348",
        ),
    ] {
        let mut script = String::new();
        for address in addresses {
            let family = if address.contains(':') { "ip6" } else { "ip" };
            let ip = address.split('/').next().unwrap();
            let subnet: ipnetwork::IpNetwork = address.parse().unwrap();
            let subnet = format!("{}/{}", subnet.network(), subnet.prefix());
            script += &format!(
                "{CHECK} {family} saddr == {ip} {family} daddr != {subnet} masquerade \
                 comment \"{hash}, net: {network}, if: {ifname}, id: {id}\"\n"
            );
        }
        load(&theirs, &script)?;
        let attachment = Attachment {
            network,
            container_id: id,
            ifname,
        };
        setup(&ours, Backend::Nftables, &attachment, addresses).unwrap();
        assert_eq!(ruleset(&ours), ruleset(&theirs), "{id}");
        assert_eq!(expressions(&ours), expressions(&theirs), "{id}");
    }
    Ok(())
}

#[test]
fn a_long_comment_is_cut_where_the_reference_cuts_it() -> Result {
    let lab = Lab::new()?;
    let id = "0123456789abcdef".repeat(4);
    let attachment = Attachment {
        network: "a-rather-long-network",
        container_id: &id,
        ifname: "eth0",
    };
    setup(lab.node(), Backend::Nftables, &attachment, &["10.0.0.2/8"]).unwrap();
    let listed = ruleset(lab.node());
    let comment = listed.rsplit("comment \"").next().unwrap();
    let comment = comment.split('"').next().unwrap();
    assert_eq!(comment.len(), 128, "{listed}");
    // `nft` takes no more than that, so it is as long as it can be.
    let other = lab.machine("other")?;
    load(
        &other,
        &format!("{CHECK} masquerade comment \"{comment}\"\n"),
    )?;
    load(
        &other,
        &format!("{CHECK} masquerade comment \"{comment}x\"\n"),
    )
    .unwrap_err();
    masq_checks_left(lab.node(), &attachment, 0);
    Ok(())
}

fn masq_checks_left(ns: &Ns, attachment: &Attachment<'_>, left: usize) {
    teardown(ns, attachment).unwrap();
    assert_eq!(ruleset(ns).matches("saddr").count(), left);
}

#[test]
fn nothing_is_written_twice() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let addresses = ["192.168.1.2/24", "2001:db8::2/64"];
    setup(node, Backend::Nftables, &ATTACHMENT, &addresses).unwrap();
    // Handles tell a rule that stayed from one that was written anew.
    let with_handles = |ns: &Ns| ns.run("nft -a list ruleset");
    let before = with_handles(node)?;
    setup(node, Backend::Nftables, &ATTACHMENT, &addresses).unwrap();
    assert_eq!(with_handles(node)?, before);
    // Other addresses replace them; another container's rules stay.
    setup(
        node,
        Backend::Nftables,
        &container("other"),
        &["10.0.0.9/8"],
    )
    .unwrap();
    setup(node, Backend::Nftables, &ATTACHMENT, &["192.168.1.3/24"]).unwrap();
    let listed = ruleset(node);
    assert!(!listed.contains("192.168.1.2 ") && !listed.contains("2001:db8::2 "));
    assert!(listed.contains("192.168.1.3 ") && listed.contains("10.0.0.9 "));
    masq_checks_left(node, &ATTACHMENT, 1);
    masq_checks_left(node, &ATTACHMENT, 1);
    masq_checks_left(node, &container("other"), 0);
    Ok(())
}

#[test]
fn a_damaged_postrouting_is_put_right() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    setup(node, Backend::Nftables, &ATTACHMENT, &["10.0.0.2/8"]).unwrap();
    let good = ruleset(node);
    let chain = "inet cni_plugins_masquerade postrouting";
    for damage in [
        format!("nft flush chain {chain}"),
        format!("nft insert rule {chain} accept"),
        format!("nft add rule {chain} drop"),
        "nft delete table inet cni_plugins_masquerade".to_owned(),
    ] {
        node.run(&damage)?;
        let check = within(node, |nf| {
            masq::check(
                nf,
                Backend::Nftables,
                &ATTACHMENT,
                &addresses(&["10.0.0.2/8"]),
            )
        });
        assert!(matches!(check, Err(Error::ChangedChain { .. })), "{damage}");
        setup(node, Backend::Nftables, &ATTACHMENT, &["10.0.0.2/8"]).unwrap();
        assert_eq!(ruleset(node), good, "{damage}");
    }
    Ok(())
}

#[test]
fn a_chain_of_that_name_on_another_hook_is_an_error() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    node.sh(
        "nft add table inet cni_plugins_masquerade
         nft add chain inet cni_plugins_masquerade postrouting '{ type filter hook input priority 0; }'",
    )?;
    let before = ruleset(node);
    let refused = setup(node, Backend::Nftables, &ATTACHMENT, &["10.0.0.2/8"]).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("inet cni_plugins_masquerade postrouting"),
        "{text}"
    );
    assert_eq!(ruleset(node), before);
    Ok(())
}

#[test]
fn check_names_what_is_missing() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let texts = ["10.0.0.2/8", "fd00::2/64"];
    let check = || {
        within(node, |nf| {
            masq::check(nf, Backend::Nftables, &ATTACHMENT, &addresses(&texts))
        })
    };
    check().unwrap_err();
    setup(node, Backend::Nftables, &ATTACHMENT, &texts).unwrap();
    check().unwrap();
    setup(node, Backend::Nftables, &ATTACHMENT, &texts[..1]).unwrap();
    let missing = check().unwrap_err();
    assert!(missing.to_string().contains("fd00::2"), "{missing}");
    Ok(())
}
