//! `ipMasq` with both backends: packets really leave with the node's address.

use fairway_tests_netns::{
    Bed, Feature, Member, Ns, Result, Value, json, pings, poll, reaches, require,
};
use std::time::Duration;

/// Counts what comes from the node's own address, and what from anybody else.
const COUNT: &str = "nft 'table inet seen { chain in { type filter hook input priority 0; \
    icmp type echo-request ip saddr 192.0.2.1 counter comment \"node4\"; \
    icmp type echo-request ip saddr != 192.0.2.1 counter comment \"other4\"; \
    icmpv6 type echo-request ip6 saddr fd00:9::1 counter comment \"node6\"; \
    icmpv6 type echo-request ip6 saddr != fd00:9::1 counter comment \"other6\"; }; }'";

/// (from the node's IPv4 address, from others, the same for IPv6)
fn counted(outside: &Ns) -> Result<[u64; 4]> {
    let listed = outside.json("nft -j list chain inet seen in")?;
    let mut counts = [0; 4];
    for item in listed["nftables"].as_array().into_iter().flatten() {
        let names = ["node4", "other4", "node6", "other6"];
        let Some(at) = names
            .iter()
            .position(|name| item["rule"]["comment"] == *name)
        else {
            continue;
        };
        let parts = item["rule"]["expr"].as_array().into_iter().flatten();
        let packets = parts.filter_map(|part| part["counter"]["packets"].as_u64());
        counts[at] = packets.sum();
    }
    Ok(counts)
}

pub(crate) fn leaves_masqueraded(bed: &Bed, conf: &Value) -> Result<(Member, Ns)> {
    let outside = bed.outside()?;
    outside.sh(COUNT)?;
    let a = bed.add("a", conf)?;
    reaches(&a.ns, "192.0.2.2")?;
    reaches(&a.ns, "fd00:9::2")?;
    let seen = counted(&outside)?;
    assert!(seen[0] > 0 && seen[2] > 0, "{seen:?}");
    assert_eq!((seen[1], seen[3]), (0, 0), "came with another source");
    a.check()?;
    Ok((a, outside))
}

fn conf(bed: &Bed, backend: &str) -> Value {
    bed.conf(
        "bridge",
        json!({"isDefaultGateway": true, "ipMasq": true, "ipMasqBackend": backend}),
    )
}

#[test]
fn without_it_packets_keep_their_source() -> Result {
    let bed = Bed::new()?;
    let outside = bed.outside()?;
    outside.sh(COUNT)?;
    let a = bed.add("a", &bed.conf("bridge", json!({"isDefaultGateway": true})))?;
    assert!(!pings(&a.ns, "192.0.2.2", 0.3), "no answer can come back");
    // On a busy machine it gets there later than anybody has waited for an answer.
    let seen = || counted(&outside).is_ok_and(|seen| seen == [0, 1, 0, 0]);
    poll(Duration::from_secs(60), "it came with its own source", seen)
}

#[test]
fn with_nftables() -> Result {
    let bed = Bed::new()?;
    let (a, _outside) = leaves_masqueraded(&bed, &conf(&bed, "nftables"))?;
    let rules = bed
        .node()
        .run("nft list table inet cni_plugins_masquerade")?;
    assert!(
        rules.contains("10.1.0.2") && rules.contains("fd00:1::2"),
        "{rules}"
    );
    let iptables = bed
        .node()
        .sh("iptables-save -t nat; ip6tables-save -t nat")?;
    assert!(!iptables.contains("10.1.0.2"), "{iptables}");
    within_the_subnet_nothing_changes(&bed, &conf(&bed, "nftables"), &a)?;
    a.del()?;
    let rules = bed.node().run("nft list ruleset")?;
    assert!(
        !rules.contains("10.1.0.2") && !rules.contains("fd00:1::2"),
        "{rules}"
    );
    Ok(())
}

#[test]
fn with_iptables() -> Result {
    if !require(Feature::Iptables)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let (a, _outside) = leaves_masqueraded(&bed, &conf(&bed, "iptables"))?;
    for (tool, address) in [
        ("iptables-save", "10.1.0.2"),
        ("ip6tables-save", "fd00:1::2"),
    ] {
        let rules = bed.node().run(&format!("{tool} -t nat"))?;
        assert!(
            rules.contains(address) && rules.contains("-j MASQUERADE"),
            "{rules}"
        );
    }
    within_the_subnet_nothing_changes(&bed, &conf(&bed, "iptables"), &a)?;
    a.del()?;
    let rules = bed
        .node()
        .sh("iptables-save -t nat; ip6tables-save -t nat")?;
    assert!(
        !rules.contains("MASQUERADE") && !rules.contains("CNI-7"),
        "{rules}"
    );
    Ok(())
}

/// The default backend is iptables where it is installed, as with the reference plugin.
#[test]
fn by_default_iptables_where_it_is_installed() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({"isDefaultGateway": true, "ipMasq": true}));
    let (_, _outside) = leaves_masqueraded(&bed, &conf)?;
    let rules = bed.node().run("iptables-save -t nat")?;
    assert!(rules.contains("10.1.0.2"), "{rules}");
    Ok(())
}

/// A neighbour on the bridge sees the container's own address, also where bridged packets pass iptables.
fn within_the_subnet_nothing_changes(bed: &Bed, conf: &Value, a: &Member) -> Result {
    let b = bed.add("b", conf)?;
    b.ns.sh(
        "nft 'table ip seen { chain in { type filter hook input priority 0; \
        icmp type echo-request ip saddr 10.1.0.2 counter comment \"node4\"; }; }'",
    )?;
    assert!(reaches(&a.ns, &b.v4()).is_ok());
    let listed = b.ns.run("nft list chain ip seen in")?;
    assert!(listed.contains("packets 1"), "{listed}");
    b.check()?;
    b.del()
}
