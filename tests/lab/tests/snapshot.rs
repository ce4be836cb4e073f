//! Snapshots see what is left behind, and see no difference where there is none.

use fairway_lab::{Error, Feature, Lab, Ns, Result, Snapshot, json, poll, require};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(300);
const SETTLES: Duration = Duration::from_secs(20);

fn left(before: &Snapshot, ns: &Ns) -> String {
    let differ = before.unchanged(ns, SOON);
    let Err(Error::Differ { diff, .. }) = differ else {
        return String::new();
    };
    diff
}

#[test]
fn each_kind_of_trace_is_seen() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let before = Snapshot::take(node)?;
    before.unchanged(node, SOON)?;
    let traces = [
        (
            "ip link add x type veth peer name y",
            "ip link del x",
            "[link]\n+ y exists true\n+ y linkinfo info_kind \"veth\"\n+ x exists true\n",
        ),
        (
            "ip addr add 10.9.0.1/32 dev lo",
            "ip addr del 10.9.0.1/32 dev lo",
            "10.9.0.1",
        ),
        (
            "ip addr add fd09::1/128 dev lo",
            "ip addr del fd09::1/128 dev lo",
            "fd09::1",
        ),
        (
            "ip route add 10.8.0.0/16 dev lo table 77",
            "ip route del 10.8.0.0/16 dev lo table 77",
            "[route]",
        ),
        (
            "ip -6 rule add from fd08::/16 table 5",
            "ip -6 rule del from fd08::/16 table 5",
            "[rule6]",
        ),
        (
            "iptables -t nat -N CNI-abc",
            "iptables -t nat -X CNI-abc",
            "+ nat chain CNI-abc -",
        ),
        (
            "ip6tables -A FORWARD -j DROP",
            "ip6tables -D FORWARD -j DROP",
            "+ filter -A FORWARD -j DROP",
        ),
        (
            "nft add table inet mine",
            "nft delete table inet mine",
            "[nft]\n+ table inet mine",
        ),
        (
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
            "echo 0 > /proc/sys/net/ipv4/ip_forward",
            "+ ipv4/ip_forward = 1",
        ),
    ];
    for (make, unmake, trace) in traces {
        node.sh(make)?;
        let seen = left(&before, node);
        assert!(seen.contains(trace), "{make}: {seen}");
        node.sh(unmake)?;
        before.unchanged(node, SETTLES)?;
    }
    Ok(())
}

#[test]
fn the_order_of_rules_counts() -> Result {
    let (a, b) = (Ns::new("a")?, Ns::new("b")?);
    a.sh("iptables -A FORWARD -j ACCEPT; iptables -A FORWARD -j DROP")?;
    b.sh("iptables -A FORWARD -j DROP; iptables -A FORWARD -j ACCEPT")?;
    let (a, b) = (Snapshot::take(&a)?, Snapshot::take(&b)?);
    assert_eq!(a.diff(&b).lines().count(), 3, "{}", a.diff(&b));
    Ok(())
}

/// Two labs, the same plugin: random names, MACs and indexes must not show, but a key must.
#[test]
fn portable_snapshots_of_two_labs_agree() -> Result {
    if !require(Feature::Bridge)? {
        return Ok(());
    }
    let make = |hairpin: bool, shift: bool| -> Result<(Lab, Ns)> {
        let lab = Lab::new()?;
        if shift {
            lab.node()
                .sh("ip link add x type veth peer name y; ip link del x")?;
        }
        let c = lab.container()?;
        let cni = lab.reference("bridge").netns(&c).config(json!({
            "cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0",
            "isGateway": true, "ipMasq": true, "hairpinMode": hairpin,
            "ipam": {"type": "host-local", "dataDir": lab.scratch(),
                     "ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]]},
        }));
        cni.add()?.ok()?;
        Ok((lab, c))
    };
    let take = |(lab, c): &(Lab, Ns)| Snapshot::portable(&[lab.node(), c], &[]);
    // Operational states and link-local addresses come a moment later.
    let agree = |one: &(Lab, Ns), other: &(Lab, Ns)| -> Result<[Snapshot; 2]> {
        let mut last = [take(one)?, take(other)?];
        let _ = poll(SETTLES, "", || {
            last[0] == last[1] || {
                if let (Ok(a), Ok(b)) = (take(one), take(other)) {
                    last = [a, b];
                }
                last[0] == last[1]
            }
        });
        Ok(last)
    };
    let one = make(false, false)?;
    let [a, b] = agree(&one, &make(false, true)?)?;
    a.same(&b, "two runs of the same")?;
    let text = a.to_string();
    for part in [
        "veth#1 mtu 1500",
        "br0 address \"<mac node/br0>\"",
        "<ll>",
        "[c1 addr]",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let differs = a.diff(&take(&make(true, false)?)?);
    assert!(differs.contains("hairpin"), "{differs}");
    Ok(())
}

#[test]
fn every_probe_gives_a_verdict() -> Result {
    for feature in Feature::ALL {
        feature.lacking()?;
    }
    assert!(require(Feature::Veth)? && require(Feature::Bridge)?);
    Ok(())
}
