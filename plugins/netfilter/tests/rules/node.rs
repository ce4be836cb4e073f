//! The node's own table, as `nft` sees it.

use std::os::fd::AsFd;

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::Error;
use fairway_netfilter::node::{Monitor, NodeRules, NodeTable};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::common::*;

/// Two pools of which one masquerades, both families, odd prefixes.
pub(crate) fn rules() -> NodeRules {
    NodeRules {
        overlay: "fairway.vx".into(),
        pools: addresses(&["10.22.0.0/21", "10.30.0.0/16", "fd00:22::/61"]),
        masquerade: addresses(&["10.22.0.0/21", "fd00:22::/61"]),
        answers_only: true,
    }
}

const SCRIPT: &str = r#"add table inet fairway { comment "Masquerading of this node's containers; all of it is written by fairwayd" ; }
add chain inet fairway postrouting { type nat hook postrouting priority srcnat ; }
add rule inet fairway postrouting oifname "fairway.vx" return
add rule inet fairway postrouting ip daddr 10.22.0.0/21 return
add rule inet fairway postrouting ip daddr 10.30.0.0/16 return
add rule inet fairway postrouting ip6 daddr fd00:22::/61 return
add rule inet fairway postrouting ip daddr 224.0.0.0/4 return
add rule inet fairway postrouting ip6 daddr ff00::/8 return
add rule inet fairway postrouting ip saddr 10.22.0.0/21 masquerade
add rule inet fairway postrouting ip6 saddr fd00:22::/61 masquerade
add chain inet fairway forward { type filter hook forward priority filter ; }
add rule inet fairway forward iifname != "fairway.vx" return
add rule inet fairway forward ip daddr 10.22.0.0/21 return
add rule inet fairway forward ip daddr 10.30.0.0/16 return
add rule inet fairway forward ip6 daddr fd00:22::/61 return
add rule inet fairway forward ct direction reply return
add rule inet fairway forward ct status dnat return
add rule inet fairway forward drop comment "from the overlay, for no container, and no answer"
"#;

pub(crate) fn table(ns: &Ns) -> NodeTable {
    ns.inside(|| NodeTable::open().unwrap()).unwrap()
}

fn monitor(ns: &Ns) -> Monitor {
    ns.inside(|| Monitor::open().unwrap()).unwrap()
}

fn load(ns: &Ns, script: &str) -> Result {
    let nft = ns.command("nft").args(["-f", "-"]);
    nft.stdin(script.to_owned()).run().map(drop)
}

/// Ours in place of what is there, with a difference.
fn anew(from: &str, to: &str) -> String {
    let script = SCRIPT.replacen(from, to, 1);
    assert_ne!(script, SCRIPT);
    format!("add table inet fairway; delete table inet fairway; {script}")
}

/// With handles: another set of rules that says the same is told apart.
fn handles(ns: &Ns) -> String {
    ns.run("nft -a list ruleset").unwrap()
}

#[test]
fn it_is_as_nft_writes_it() -> Result {
    let lab = Lab::new()?;
    let (ours, theirs) = (lab.machine("ours")?, lab.machine("theirs")?);
    load(&theirs, SCRIPT)?;
    let mut node = table(&ours);
    assert!(!node.check(&rules()).unwrap());
    node.apply(&rules()).unwrap();
    assert!(node.check(&rules()).unwrap());
    assert_eq!(ruleset(&ours), ruleset(&theirs));
    assert_eq!(expressions(&ours), expressions(&theirs));
    // The other way round: what `nft` wrote is known for what it is.
    let mut other = table(&theirs);
    assert!(other.check(&rules()).unwrap());

    let listed = ours.json("nft -j list table inet fairway")?;
    let listed = listed["nftables"].as_array().unwrap();
    let of = |kind: &'static str| listed.iter().filter_map(move |object| object.get(kind));
    let hooks: Vec<_> = of("chain")
        .map(|chain| {
            let hook = ["type", "hook", "policy"].map(|key| chain[key].as_str().unwrap());
            (hook, chain["prio"].as_i64().unwrap())
        })
        .collect();
    let expected = [
        (["nat", "postrouting", "accept"], 100),
        (["filter", "forward", "accept"], 0),
    ];
    assert_eq!(hooks, expected);
    let found: Vec<_> = of("rule").collect();
    assert_eq!(found.len(), 8 + 7);
    for first in [found[0], found[8]] {
        assert_eq!(first["expr"][0]["match"]["right"], "fairway.vx");
    }
    let masquerading = found.iter().filter(|rule| {
        let exprs = rule["expr"].as_array().unwrap();
        exprs.iter().any(|expr| expr.get("masquerade").is_some())
    });
    assert_eq!(masquerading.count(), 2);
    Ok(())
}

#[test]
fn what_is_so_already_is_not_written_again() -> Result {
    let lab = Lab::new()?;
    let ns = lab.node();
    let mut node = table(ns);
    node.apply(&rules()).unwrap();
    let before = handles(ns);
    let mut monitor = monitor(ns);
    let mut shuffled = rules();
    shuffled.pools.reverse();
    shuffled.pools.push(shuffled.pools[0]);
    for same in [rules(), shuffled] {
        node.apply(&same).unwrap();
        assert!(node.check(&same).unwrap());
    }
    assert_eq!(handles(ns), before);
    assert!(!monitor.changed().unwrap());

    // Others go in place of all of them, and none is an answer too.
    let mut less = rules();
    less.masquerade.pop();
    let none = NodeRules {
        overlay: "vx".into(),
        ..NodeRules::default()
    };
    let known = NodeRules {
        answers_only: false,
        ..rules()
    };
    for (wanted, lines) in [(&less, 13), (&none, 3), (&known, 8), (&rules(), 14)] {
        assert!(!node.check(wanted).unwrap());
        node.apply(wanted).unwrap();
        assert!(node.check(wanted).unwrap());
        assert!(monitor.changed().unwrap());
        let listed = ruleset(ns);
        let ends = |line: &&str| line.ends_with("return") || line.ends_with("masquerade");
        assert_eq!(listed.lines().filter(ends).count(), lines, "{listed}");
    }
    Ok(())
}

#[test]
fn whatever_others_do_to_it_is_noticed_and_mended() -> Result {
    let lab = Lab::new()?;
    let ns = lab.node();
    load(
        ns,
        "add table inet theirs; add chain inet theirs postrouting",
    )?;
    let mut node = table(ns);
    node.apply(&rules()).unwrap();
    let sound = ruleset(ns);
    let mut monitor = monitor(ns);
    let chain = "inet fairway postrouting";
    for damage in [
        "flush ruleset",
        "delete table inet fairway",
        "flush table inet fairway",
        "delete table inet fairway; add table inet fairway",
        "add table inet fairway { flags dormant; }",
        &format!("add chain {chain} {{ policy drop; }}"),
        &format!("add rule {chain} counter"),
        &format!("insert rule {chain} ip saddr 10.22.0.1 accept"),
        "add chain inet fairway other; insert rule inet fairway other drop",
        "flush chain inet fairway forward; delete chain inet fairway forward",
        "flush chain inet fairway forward",
        "insert rule inet fairway forward accept",
        "add set inet fairway them { type ipv4_addr; }",
        &format!(
            "flush chain {chain}; delete chain {chain};
             add chain {chain} {{ type nat hook postrouting priority 99; }}"
        ),
        &anew("/8 return", "/8 accept"),
        &anew("masquerade\n", "masquerade fully-random\n"),
        &anew("priority srcnat", "priority srcnat + 1"),
        &anew("priority filter", "priority filter + 1"),
        &anew("hook forward", "hook input"),
        &anew("!= \"fairway.vx\"", "\"fairway.vx\""),
        &anew("direction reply", "direction original"),
        &anew("status dnat", "status snat"),
        &anew("status dnat", "status & dnat == 0"),
        &format!("{SCRIPT} add chain inet fairway later {{ type filter hook input priority 0; }}"),
    ] {
        assert!(!monitor.changed().unwrap(), "{damage}");
        load(ns, damage)?;
        assert!(monitor.changed().unwrap(), "{damage}");
        assert!(!node.check(&rules()).unwrap(), "{damage}");
        node.apply(&rules()).unwrap();
        assert!(node.check(&rules()).unwrap(), "{damage}");
        assert!(monitor.changed().unwrap(), "{damage}");
        let listed = ruleset(ns);
        let ours = listed.split("table inet fairway").nth(1).unwrap();
        assert_eq!(
            ours,
            sound.split("table inet fairway").nth(1).unwrap(),
            "{damage}"
        );
    }
    Ok(())
}

#[test]
fn the_rulesets_of_others_are_left_alone() -> Result {
    let lab = Lab::new()?;
    let ns = lab.node();
    let theirs = "add table ip fairway; add chain ip fairway postrouting
                  add rule ip fairway postrouting masquerade
                  add table inet fairway2; add chain inet fairway2 postrouting";
    load(ns, theirs)?;
    let before = ruleset(ns);
    let mut monitor = monitor(ns);
    let mut node = table(ns);
    // There is nothing to remove.
    node.remove().unwrap();
    assert!(!monitor.changed().unwrap());
    node.apply(&rules()).unwrap();
    assert!(monitor.changed().unwrap());
    let rest = ruleset(ns);
    assert!(rest.starts_with(&before), "{rest}");
    // What they do is none of ours.
    load(
        ns,
        "flush table ip fairway; delete table ip fairway; add rule inet fairway2 postrouting drop",
    )?;
    assert!(!monitor.changed().unwrap());
    load(ns, "delete table inet fairway2")?;
    load(ns, theirs)?;
    assert!(!monitor.changed().unwrap());
    assert!(node.check(&rules()).unwrap());
    node.remove().unwrap();
    assert!(monitor.changed().unwrap());
    assert!(!node.check(&rules()).unwrap());
    assert_eq!(ruleset(ns), before);
    node.remove().unwrap();
    Ok(())
}

#[test]
fn a_link_without_a_proper_name_is_refused_before_anything_is_changed() -> Result {
    let lab = Lab::new()?;
    let mut node = table(lab.node());
    node.apply(&rules()).unwrap();
    let before = handles(lab.node());
    for name in ["", "sixteen-bytes-xx"] {
        let wrong = NodeRules {
            overlay: name.into(),
            ..rules()
        };
        let refused = node.apply(&wrong).unwrap_err();
        assert!(matches!(
            refused,
            Error::NoName { .. } | Error::NameTooLong { .. }
        ));
        node.check(&wrong).unwrap_err();
    }
    assert_eq!(handles(lab.node()), before);
    Ok(())
}

#[test]
fn the_monitor_can_be_waited_for_and_says_when_it_lost_something() -> Result {
    let lab = Lab::new()?;
    let ns = lab.node();
    let mut monitor = monitor(ns);
    let readable = |monitor: &Monitor, timeout: u16| {
        let mut fds = [PollFd::new(monitor.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(timeout)).unwrap() == 1
    };
    assert!(!readable(&monitor, 0));
    let mut node = table(ns);
    node.apply(&rules()).unwrap();
    assert!(readable(&monitor, 10_000));
    assert!(monitor.changed().unwrap());
    assert!(!readable(&monitor, 0));

    // More rules of others than there is room for.
    let mut script = "add table inet theirs\nadd chain inet theirs c\n".to_owned();
    for n in 0..20_000 {
        script += &format!(
            "add rule inet theirs c ip daddr 10.0.{}.{} accept\n",
            n / 256 % 256,
            n % 256
        );
    }
    load(ns, &script)?;
    assert!(readable(&monitor, 10_000));
    assert!(monitor.changed().unwrap());
    assert!(!readable(&monitor, 0));
    load(ns, "flush ruleset")?;
    assert!(monitor.changed().unwrap());
    Ok(())
}
