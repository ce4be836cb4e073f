//! The iptables backend, written natively.

use fairway_lab::{Lab, Result};
use fairway_netfilter::Backend;

use crate::common::*;

/// The commands that the reference runs for one address.
fn reference_commands(chain: &str, comment: &str, addresses: &[&str]) -> String {
    let mut script = String::new();
    for address in addresses {
        let (program, multicast) = match address.contains(':') {
            true => ("ip6tables", "ff00::/8"),
            false => ("iptables", "224.0.0.0/4"),
        };
        let ip = address.split('/').next().unwrap();
        let nat = format!("{program} -w -t nat");
        let rules = [
            format!("{chain} -d {address} -j ACCEPT"),
            format!("{chain} ! -d {multicast} -j MASQUERADE"),
            format!("POSTROUTING -s {ip} -j {chain}"),
        ];
        script += &format!("{nat} -N {chain} 2>/dev/null || true\n");
        for rule in rules {
            let rule = format!("{rule} -m comment --comment '{comment}'");
            script += &format!("{nat} -C {rule} 2>/dev/null || {nat} -A {rule}\n");
        }
    }
    script
}

const CHAIN: &str = "CNI-70a29d9dc18bc4d652ea5d59";
const COMMENT: &str = r#"name: "mynet" id: "abc123""#;

#[test]
fn rules_are_those_that_iptables_writes() -> Result {
    for addresses in [
        &["10.22.0.2/16"][..],
        &["fd00:22::2/64"],
        &["10.22.0.2/16", "fd00:22::2/64"],
        &["10.1.2.3/24", "10.1.2.4/24", "10.9.9.9/9"],
        &["10.1.2.3/32", "192.168.77.129/25", "172.16.0.1/12", "10.0.0.1/0"],
        &["fd00::5/128", "fd00:1::5/61", "fd00:2::1/0", "64:ff9b::1.2.3.4/96"],
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
