//! macspoofchk, beside the reference's and with frames.

use std::time::Duration;

use fairway_lab::{Cni, Lab, Ns, Result, json, poll};
use fairway_netfilter::{Error, Netfilter, spoof};
use fairway_netlink::MacAddr;

use crate::common::*;

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

fn table(ns: &Ns) -> String {
    ns.run("nft list table bridge nat").unwrap()
}

fn set(ns: &Ns, host_ifname: &str, mac: MacAddr) {
    within(ns, |nf| spoof::setup(nf, &ATTACHMENT, host_ifname, mac)).unwrap();
}

fn check(ns: &Ns) -> std::result::Result<(), Error> {
    within(ns, |nf| spoof::check(nf, &ATTACHMENT, "veth1", MAC))
}

fn unset(ns: &Ns) {
    within(ns, |nf| spoof::teardown(nf, &ATTACHMENT)).unwrap();
}

fn reference(lab: &Lab, container: &Ns) -> Cni {
    lab.reference("bridge")
        .container(ATTACHMENT.container_id)
        .netns(container)
        .config(json!({
            "cniVersion": "1.0.0", "name": ATTACHMENT.network, "type": "bridge",
            "bridge": "br0", "macspoofchk": true, "ipam": {},
        }))
}

#[test]
fn rules_are_those_of_the_reference_and_either_removes_them() -> Result {
    let lab = Lab::new()?;
    let container = lab.container()?;
    let result = reference(&lab, &container).add()?.ok()?;
    let host_ifname = result["interfaces"][1]["name"].as_str().unwrap();
    let mac: MacAddr = result["interfaces"][2]["mac"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let twin = lab.machine("twin")?;
    set(&twin, host_ifname, mac);
    assert_eq!(table(&twin), table(lab.node()));
    assert_eq!(expressions(&twin), expressions(lab.node()));

    let node = lab.node();
    let before = node.run("nft -a list table bridge nat")?;
    set(node, host_ifname, mac);
    assert_eq!(node.run("nft -a list table bridge nat")?, before);
    unset(node);
    assert!(!table(node).contains("cni-br-iface"));

    set(node, host_ifname, mac);
    reference(&lab, &container).del(Some(&result))?.ok()?;
    assert!(!table(node).contains("cni-br-iface"), "{}", table(node));
    Ok(())
}

#[test]
fn setup_puts_right_and_check_tells() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    check(node).unwrap_err();
    set(node, "veth1", MAC);
    check(node).unwrap();
    let good = table(node);
    let chain = "cni-br-iface-abc123-eth0";
    for damage in [
        format!("nft flush chain bridge nat {chain}"),
        format!("nft flush chain bridge nat {chain}-mac"),
        format!("nft insert rule bridge nat {chain}-mac accept"),
        "nft flush chain bridge nat PREROUTING".to_owned(),
        format!(
            "nft add rule bridge nat PREROUTING iifname veth1 jump {chain} comment macspoofchk-abc123-eth0"
        ),
        format!(
            "nft flush chain bridge nat {chain}; nft flush chain bridge nat PREROUTING; nft delete chain bridge nat {chain}"
        ),
    ] {
        node.sh(&damage)?;
        let error = check(node).unwrap_err();
        assert!(
            matches!(
                error,
                Error::MissingRule { .. } | Error::ChangedChain { .. }
            ),
            "{damage}: {error:?}"
        );
        set(node, "veth1", MAC);
        check(node).unwrap();
        assert_eq!(sorted(&table(node)), sorted(&good), "{damage}");
    }
    // Another address and another interface replace the old ones.
    set(node, "veth2", MacAddr([2, 0, 0, 0, 0, 2]));
    let listed = table(node);
    assert!(
        !listed.contains("veth1") && !listed.contains("02:00:00:00:00:01"),
        "{listed}"
    );
    unset(node);
    unset(node);
    assert!(!table(node).contains("abc123"));
    Ok(())
}

/// Chains are listed by age.
fn sorted(table: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = table.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn long_container_ids_fit_or_are_refused() -> Result {
    let lab = Lab::new()?;
    let set = |id: &str| {
        let attachment = fairway_netfilter::Attachment {
            container_id: id,
            ..ATTACHMENT
        };
        within(lab.node(), |nf| {
            let set = spoof::setup(nf, &attachment, "veth1", MAC);
            spoof::check(nf, &attachment, "veth1", MAC).ok();
            set
        })
    };
    for length in [64, 111] {
        set(&"f".repeat(length)).unwrap();
        assert!(table(lab.node()).contains(&format!("macspoofchk-{}-eth0", "f".repeat(length))));
    }
    let before = table(lab.node());
    assert!(matches!(
        set(&"f".repeat(112)),
        Err(Error::NameTooLong { .. })
    ));
    assert_eq!(table(lab.node()), before);
    Ok(())
}

#[test]
fn a_forged_address_does_not_pass() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let (a, b) = (lab.container()?, lab.container()?);
    node.sh("ip link add br0 type bridge; ip link set br0 up")?;
    for (container, port, address) in [(&a, "veth1", "10.5.0.1/24"), (&b, "veth2", "10.5.0.2/24")] {
        lab.wire(node, port, container, "eth0")?;
        node.run(&format!("ip link set {port} master br0"))?;
        container.addr("eth0", address)?;
    }
    let own = a.sh("ip -br link show eth0 | awk '{print $3}'")?;
    let own: MacAddr = own.trim().parse().unwrap();
    // What they know of each other's old addresses must not answer for the rule.
    let ping = || {
        b.run("ip neigh flush dev eth0").unwrap();
        a.run("ping -c 1 -W 1 10.5.0.2").is_ok()
    };
    let reached = || poll(Duration::from_secs(20), "an answer to a ping", ping);
    within(node, |nf: &mut Netfilter| {
        spoof::setup(nf, &ATTACHMENT, "veth1", own)
    })
    .unwrap();
    reached()?;
    a.sh("ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99; ip link set eth0 up")?;
    assert!(!ping() && !ping());
    unset(node);
    reached()
}

/// An ADD without macspoofchk takes any ID, so DEL must too.
#[test]
fn del_does_not_mind_ids_that_no_chain_could_be_named_after() -> Result {
    let lab = Lab::new()?;
    for exists in [false, true] {
        if exists {
            set(lab.node(), "veth1", MAC);
        }
        for length in [233, 234, 237, 238, 242, 300, 4000, 70_000] {
            let attachment = fairway_netfilter::Attachment {
                container_id: &"f".repeat(length),
                ..ATTACHMENT
            };
            within(lab.node(), |nf| spoof::teardown(nf, &attachment))
                .unwrap_or_else(|error| panic!("{length}: {error}"));
        }
    }
    check(lab.node()).unwrap();
    Ok(())
}
