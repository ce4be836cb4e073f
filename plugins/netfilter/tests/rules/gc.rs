//! GC: what a network owns and nobody uses goes, all else stays.

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Attachment, Backend, Error, Netfilter, masq, spoof};
use fairway_netlink::MacAddr;
use fairway_netlink::raw::attr::Attrs;
use fairway_netlink::raw::{Message, RawSocket, protocols};

use crate::common::*;

fn gc(ns: &Ns, path: Option<&std::path::Path>, network: &str, valid: &[(&str, &str)]) {
    let valid: Vec<(String, String)> = valid
        .iter()
        .map(|(id, ifname)| ((*id).to_owned(), (*ifname).to_owned()))
        .collect();
    let errors: Vec<Error> = within(ns, |_| {
        let mut nf = Netfilter::open().unwrap();
        if let Some(path) = path {
            nf = nf.with_path(path.as_os_str());
        }
        masq::gc(&mut nf, network, &valid)
    });
    assert!(errors.is_empty(), "{errors:?}");
}

fn in_network(network: &'static str, id: &'static str) -> Attachment<'static> {
    Attachment {
        network,
        container_id: id,
        ifname: "eth0",
    }
}

/// Which of the addresses 10.N.0.2 and fd00:N::2 have rules, by N.
fn served(text: &str) -> Vec<u8> {
    let has =
        |n: &u8| text.contains(&format!("10.{n}.0.2")) || text.contains(&format!("fd00:{n}::2"));
    (1..10).filter(has).collect()
}

#[test]
fn only_dead_attachments_of_the_network_go() -> Result {
    for backend in [Backend::Iptables, Backend::Nftables] {
        let lab = Lab::new()?;
        let node = lab.node();
        let add = |attachment: Attachment<'_>, n: u8| {
            let texts = [format!("10.{n}.0.2/24"), format!("fd00:{n}::2/64")];
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            setup(node, backend, &attachment, &texts).unwrap();
        };
        add(in_network("net", "live"), 1);
        add(in_network("net", "dead"), 2);
        add(in_network("net2", "dead"), 3);
        add(in_network("ne", "tdead"), 4);
        add(in_network("other", "live"), 5);
        // A container with one live and one dead interface.
        add(in_network("net", "half"), 6);
        add(
            Attachment {
                ifname: "net1",
                ..in_network("net", "half")
            },
            7,
        );
        gc(
            node,
            None,
            "net",
            &[("live", "eth0"), ("half", "net1"), ("x", "eth0")],
        );
        // iptables has one chain for "net" + "dead" and "ne" + "tdead"; and the
        // shared chain of both interfaces lets both subnets through still.
        let jumps = |ns| match backend {
            Backend::Nftables => ruleset(ns),
            Backend::Iptables => {
                let text = saved(ns);
                let jumps = text.lines().filter(|line| line.contains(" -s "));
                jumps.map(|line| format!("{line}\n")).collect()
            }
        };
        assert_eq!(served(&jumps(node)), [1, 3, 4, 5, 7], "{backend}");
        gc(node, None, "net", &[]);
        assert_eq!(served(&jumps(node)), [3, 4, 5], "{backend}");
    }
    Ok(())
}

#[test]
fn rules_of_the_reference_are_told_by_their_comment() -> Result {
    for legacy in [false, true] {
        let lab = Lab::new()?;
        let node = lab.node();
        let path = legacy.then(|| legacy_path(&lab));
        let face = |script: String| match legacy {
            true => script.replace("tables -w", "tables-legacy -w"),
            false => script,
        };
        node.sh(&face(reference_commands(
            CHAIN,
            COMMENT,
            &["10.1.0.2/24", "fd00:1::2/64"],
        )))?;
        // The comment alone makes no chain ours, the name of the chain neither.
        node.sh(&face(format!(
            "iptables -w -t nat -N KUBE-X
             iptables -w -t nat -A KUBE-X -j RETURN -m comment --comment '{COMMENT}'
             iptables -w -t nat -A POSTROUTING -s 10.8.0.2 -j KUBE-X -m comment --comment '{COMMENT}'
             iptables -w -t nat -N CNI-HOSTPORT-MASQ
             iptables -w -t nat -A POSTROUTING -s 10.9.0.2 -j CNI-HOSTPORT-MASQ"
        )))?;
        let list = || -> Result<String> {
            node.sh(&face(
                "iptables -w -t nat -S; ip6tables -w -t nat -S".to_owned(),
            ))
        };
        let before = list()?;
        let path = path.as_deref();
        gc(node, path, "mynet", &[("abc123", "net7")]);
        gc(node, path, "mynet2", &[]);
        gc(node, path, "myne", &[]);
        assert_eq!(list()?, before);
        // An orphaned chain, whose jump is gone, goes too.
        node.sh(&face(format!(
            "iptables -w -t nat -D POSTROUTING -s 10.1.0.2 -j {CHAIN} -m comment --comment '{COMMENT}'"
        )))?;
        gc(node, path, "mynet", &[("abc", "eth0")]);
        assert_eq!(served(&list()?), [8, 9]);
        assert!(!list()?.contains(CHAIN));
        assert!(list()?.contains("-A KUBE-X"));
    }
    Ok(())
}

#[test]
fn what_sticks_does_not_keep_the_others() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    for (id, address) in [
        ("a", "10.1.0.2/24"),
        ("abc123", "10.2.0.2/24"),
        ("z", "10.3.0.2/24"),
    ] {
        setup(
            node,
            Backend::Iptables,
            &in_network("mynet", id),
            &[address],
        )
        .unwrap();
    }
    // A jump from where nobody looks.
    node.sh(&format!(
        "iptables -t nat -N X; iptables -t nat -A X -j {CHAIN}"
    ))?;
    let errors = within(node, |nf| masq::gc(nf, "mynet", &[]));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].to_string().contains(CHAIN), "{}", errors[0]);
    let rules = saved(node);
    assert_eq!(served(&rules), [2], "{rules}");
    let error = teardown(node, &ATTACHMENT).unwrap_err();
    assert!(error.to_string().contains(CHAIN), "{error}");
    Ok(())
}

#[test]
fn spoof_checks_go_by_our_tag_alone() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    for (network, id) in [("net", "live"), ("net", "dead"), ("other", "dead2")] {
        within(node, |nf| {
            spoof::setup(nf, &in_network(network, id), "veth1", mac)
        })
        .unwrap();
    }
    // As the reference leaves it: no telling whose network's.
    node.sh(
        "nft add chain bridge nat cni-br-iface-theirs-eth0
         nft add rule bridge nat PREROUTING iifname veth9 jump cni-br-iface-theirs-eth0 comment macspoofchk-theirs-eth0",
    )?;
    let valid = [("live".to_owned(), "eth0".to_owned())];
    let errors = within(node, |nf| spoof::gc(nf, "net", &valid));
    assert!(errors.is_empty(), "{errors:?}");
    let listed = ruleset(node);
    assert!(!listed.contains("-dead-eth0"), "{listed}");
    for kept in ["-live-eth0", "-dead2-eth0", "-theirs-eth0"] {
        assert!(
            listed.contains(&format!("jump cni-br-iface{kept}")),
            "{listed}"
        );
    }
    Ok(())
}

/// How often the rules of a namespace were changed.
fn generation(ns: &Ns) -> u32 {
    const GET_GENERATION: u16 = 10 << 8 | 16;
    let ask = || {
        let mut socket = RawSocket::open(protocols::NETLINK_NETFILTER).unwrap();
        let message = Message::new("look up", "generation", GET_GENERATION).body(vec![0; 4]);
        let id = |_, body: &[u8]| Attrs::after(4, body).find_kind(1)?.u32_be();
        socket.get(&message, id).unwrap()
    };
    ns.inside(ask).unwrap()
}

#[test]
fn all_dead_of_a_table_go_by_one_look_and_one_change() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    for id in ["a", "b", "c", "d"] {
        let attachment = in_network("net", id);
        setup(node, Backend::Iptables, &attachment, &["10.1.0.2/24"]).unwrap();
        within(node, |nf| spoof::setup(nf, &attachment, "veth1", mac)).unwrap();
    }
    let before = generation(node);
    gc(node, None, "net", &[]);
    assert_eq!(generation(node), before + 1);
    let errors = within(node, |nf| spoof::gc(nf, "net", &[]));
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(generation(node), before + 2);
    assert_eq!(expressions(node), []);
    Ok(())
}
