//! iptables-legacy: the same rules, by its programs.

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Backend, Netfilter, masq};

use crate::common::*;

const ADDRESSES: [&str; 4] = ["10.1.2.3/24", "10.0.0.1/0", "fd00::5/128", "fd00:1::5/61"];

fn legacy_saved(ns: &Ns) -> Result<String> {
    let text = ns.sh("iptables-legacy-save -c -t nat; ip6tables-legacy-save -c -t nat")?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    // Packets of the namespace's own are counted in the built-in chains.
    Ok(lines
        .map(|line| line.split(" [").next().unwrap_or(line).to_owned() + "\n")
        .collect())
}

#[test]
fn rules_are_those_that_iptables_legacy_writes() -> Result {
    let lab = Lab::new()?;
    let path = legacy_path(&lab);
    let (ours, theirs) = (lab.machine("ours")?, lab.machine("theirs")?);
    let script = reference_commands(CHAIN, COMMENT, &ADDRESSES);
    theirs.sh(&script.replace("tables -w", "tables-legacy -w"))?;
    within(&ours, |_| {
        let mut nf = Netfilter::open().unwrap().with_path(path.as_os_str());
        let addresses = addresses(&ADDRESSES);
        masq::setup(&mut nf, Backend::Iptables, &ATTACHMENT, &addresses).unwrap();
    });
    assert_eq!(legacy_saved(&ours)?, legacy_saved(&theirs)?);
    // nf_tables has none of it.
    assert_eq!(expressions(&ours), []);
    Ok(())
}

#[test]
fn del_finds_legacy_rules_though_iptables_is_now_the_other() -> Result {
    let lab = Lab::new()?;
    let path = legacy_path(&lab);
    let node = lab.node();
    within(node, |_| {
        let mut nf = Netfilter::open().unwrap().with_path(path.as_os_str());
        let addresses = addresses(&ADDRESSES);
        masq::setup(&mut nf, Backend::Iptables, &ATTACHMENT, &addresses).unwrap();
    });
    assert!(legacy_saved(node)?.contains(CHAIN));
    teardown(node, &ATTACHMENT).unwrap();
    assert!(!legacy_saved(node)?.contains("CNI-"));
    Ok(())
}

#[test]
fn a_missing_program_is_named() -> Result {
    let lab = Lab::new()?;
    let path = lab.scratch().join("half");
    std::fs::create_dir(&path).unwrap();
    std::os::unix::fs::symlink("/usr/sbin/xtables-legacy-multi", path.join("iptables")).unwrap();
    let refused = within(lab.node(), |_| {
        let mut nf = Netfilter::open().unwrap().with_path(path.as_os_str());
        let addresses = addresses(&["10.0.0.2/8"]);
        masq::setup(&mut nf, Backend::Iptables, &ATTACHMENT, &addresses).unwrap_err()
    });
    assert_eq!(refused.to_string(), "iptables-restore is not installed");
    Ok(())
}
