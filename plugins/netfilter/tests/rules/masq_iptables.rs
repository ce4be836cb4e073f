//! The iptables backend, written natively.

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Backend, Error, Netfilter, masq};

use crate::common::*;

type Outcome = std::result::Result<(), Error>;

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
fn a_comment_without_room_is_cut_as_iptables_cuts_it() -> Result {
    let texts = ["10.22.0.2/16", "fd00:22::2/64"];
    let wanted = addresses(&texts);
    for (legacy, network_len) in [(false, 200), (false, 240), (false, 255), (true, 200)] {
        let lab = Lab::new()?;
        let path = legacy.then(|| legacy_path(&lab));
        let (network, id) = ("n".repeat(network_len), "c".repeat(64));
        let attachment = fairway_netfilter::Attachment {
            network: &network,
            container_id: &id,
            ifname: "eth0",
        };
        let run = |ns: &Ns, f: &(dyn Fn(&mut Netfilter) -> Outcome + Sync)| {
            within(ns, |_| {
                let nf = Netfilter::open().unwrap();
                f(&mut match &path {
                    Some(path) => nf.with_path(path.as_os_str()),
                    None => nf,
                })
            })
        };
        let save = |ns: &Ns| match legacy {
            true => ns.sh("iptables-legacy-save -t nat; ip6tables-legacy-save -t nat"),
            false => ns.sh("iptables-save -t nat; ip6tables-save -t nat"),
        };
        let rules = |ns: &Ns| -> Result<Vec<String>> {
            let text = save(ns)?;
            let lines = text.lines().filter(|line| line.starts_with("-A"));
            Ok(lines.map(str::to_owned).collect())
        };
        let ours = lab.machine("ours")?;
        let setup = |nf: &mut Netfilter| masq::setup(nf, Backend::Iptables, &attachment, &wanted);
        let check = |nf: &mut Netfilter| masq::check(nf, Backend::Iptables, &attachment, &wanted);
        let teardown = |nf: &mut Netfilter| masq::teardown(nf, &attachment);
        let gc = |nf: &mut Netfilter, valid: &[(String, String)]| {
            let errors = masq::gc(nf, &network, valid);
            errors.into_iter().next().map_or(Ok(()), Err)
        };
        run(&ours, &setup).unwrap();
        run(&ours, &check).unwrap();

        let listed = save(&ours)?;
        let start = listed.find("CNI-").unwrap();
        let chain = &listed[start..start + CHAIN.len()];
        let comment = format!("name: \"{network}\" id: \"{id}\"");
        let theirs = lab.machine("theirs")?;
        let script = reference_commands(chain, &comment, &texts);
        theirs.sh(&match legacy {
            true => script.replace("tables -w", "tables-legacy -w"),
            false => script,
        })?;
        assert_eq!(rules(&ours)?, rules(&theirs)?);
        assert_eq!(expressions(&ours), expressions(&theirs));

        // A second ADD has nothing to do; whatever is valid stays; of what is
        // not, only our tag tells whose it is.
        let before = rules(&ours)?;
        for ns in [&ours, &theirs] {
            run(ns, &check).unwrap();
            run(ns, &setup).unwrap();
            run(ns, &|nf| gc(nf, &[(id.clone(), "eth0".to_owned())])).unwrap();
            assert_eq!(rules(ns)?, before);
            run(ns, &|nf| gc(nf, &[(id[1..].to_owned(), "eth0".to_owned())])).unwrap();
        }
        assert_eq!(rules(&theirs)?, before);
        assert_eq!(rules(&ours)?.is_empty(), !legacy);
        run(&ours, &setup).unwrap();
        for ns in [&ours, &theirs] {
            run(ns, &teardown).unwrap();
            assert!(!save(ns)?.contains("CNI-"));
        }
    }
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
