//! GC: valid attachments stay wholly alive, lost ones go with links, addresses and rules, other
//! networks are not touched.

use fairway_tests_netns::{Bed, Member, Result, Value, json, links, reaches};

fn fw_links(bed: &Bed) -> Result<Vec<String>> {
    let links = links(bed.node())?;
    let names = links.iter().filter_map(|link| link["ifname"].as_str());
    Ok(names
        .filter(|name| name.starts_with("fw"))
        .map(str::to_owned)
        .collect())
}

fn conf(bed: &Bed, kind: &str, backend: &str, name: &str) -> Value {
    let mut conf = bed.conf(
        kind,
        json!({"name": name, "ipMasq": true, "ipMasqBackend": backend}),
    );
    if kind == "bridge" {
        conf["isDefaultGateway"] = json!(true);
        conf["macspoofchk"] = json!(true);
    }
    if name == "other" {
        conf["bridge"] = json!("br1");
        conf["ipam"]["ranges"] = json!([[{"subnet": "10.2.0.0/24"}], [{"subnet": "fd00:2::/64"}]]);
    }
    conf
}

fn well(member: &Member) -> Result {
    member.check()?;
    for ip in member.result["ips"].as_array().into_iter().flatten() {
        reaches(&member.ns, ip["gateway"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn collects(kind: &str, backend: &str) -> Result {
    let bed = Bed::new()?;
    let (own, other) = (
        conf(&bed, kind, backend, "net"),
        conf(&bed, kind, backend, "other"),
    );
    let (a, b) = (bed.add("a", &own)?, bed.add("b", &own)?);
    // ptp cannot have two interfaces in one subnet: the second's gateway would be behind the first.
    if kind == "bridge" {
        bed.cni("a", &a.ns, &own).ifname("eth1").add()?.ok()?;
    }
    let (theirs, same_id) = (bed.add("x", &other)?, bed.add("b", &other)?);
    // Somebody else's: a link with a name like ours, one with an alias of another tool.
    bed.node().sh(
        "ip link add fw00000001 type veth peer name q1; ip link add q2 type veth peer name q3; \
        ip link set q2 alias fairway-not:net/b/eth0",
    )?;

    let rules = || bed.node().sh("nft list ruleset 2>/dev/null");
    a.cni.gc(&[("a", "eth0")])?.ok()?;
    well(&a)?;
    well(&theirs)?;
    well(&same_id)?;
    let left = fw_links(&bed)?;
    assert_eq!(
        left.len(),
        4,
        "a, two of the other network, one foreign: {left:?}"
    );
    assert!(left.contains(&a.host_link()) && left.contains(&"fw00000001".to_owned()));
    assert!(!left.contains(&b.host_link()));
    assert_eq!(bed.held("net"), ["10.1.0.2", "fd00:1::2"]);
    assert_eq!(bed.held("other").len(), 4);
    let now = rules()?;
    for gone in [
        "10.1.0.3",
        "fd00:1::3",
        "10.1.0.4",
        "fd00:1::4",
        "cni-br-iface-a-eth1",
    ] {
        assert!(!now.contains(gone), "{gone} is still in {now}");
    }
    for kept in ["10.1.0.2", "fd00:1::2", "10.2.0.2", "10.2.0.3", "fd00:2::3"] {
        assert!(now.contains(kept), "{kept} is gone from {now}");
    }

    // Again: nothing more to do. Then with nothing valid: all of this network, none of the other.
    a.cni.gc(&[("a", "eth0")])?.ok()?;
    well(&a)?;
    a.cni.gc(&[])?.ok()?;
    assert_eq!((bed.held("net").len(), bed.held("other").len()), (0, 4));
    assert_eq!(fw_links(&bed)?.len(), 3);
    let now = rules()?;
    assert!(
        !now.contains("10.1.0.") && !now.contains("fd00:1::"),
        "{now}"
    );
    well(&theirs)?;
    well(&same_id)?;
    // A late DEL of what GC has taken succeeds.
    b.del()
}

#[test]
fn bridge_with_nftables() -> Result {
    collects("bridge", "nftables")
}

#[test]
fn bridge_with_iptables() -> Result {
    collects("bridge", "iptables")
}

#[test]
fn ptp_with_nftables() -> Result {
    collects("ptp", "nftables")
}

#[test]
fn ptp_with_iptables() -> Result {
    collects("ptp", "iptables")
}

/// The namespace of a lost container is gone altogether; its address and rules are not, until GC.
#[test]
fn of_a_container_that_is_gone_with_its_namespace() -> Result {
    for kind in ["bridge", "ptp"] {
        let bed = Bed::new()?;
        let conf = conf(&bed, kind, "nftables", "net");
        let (keep, lost) = (bed.add("keep", &conf)?, bed.add("lost", &conf)?);
        let gc = keep.cni.clone();
        drop(lost);
        gc.gc(&[("keep", "eth0")])?.ok()?;
        assert_eq!(bed.held("net").len(), 2);
        let rules = bed.node().run("nft list ruleset")?;
        assert!(!rules.contains("10.1.0.3"), "{rules}");
        well(&keep)?;
    }
    Ok(())
}

/// The key of the days before version 1.1.0, and the danger of none at all.
#[test]
fn by_the_older_key_and_without_any() -> Result {
    let bed = Bed::new()?;
    let conf = conf(&bed, "bridge", "nftables", "net");
    let (a, _b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
    let error = a.cni.call("GC")?.fails(7)?;
    assert!(error.msg.contains("cni.dev/valid-attachments"), "{error:?}");
    assert_eq!(bed.held("net").len(), 4);
    let mut older = conf.clone();
    older["cni.dev/attachments"] = json!([{"containerID": "a", "ifname": "eth0"}]);
    a.cni.clone().config(older).call("GC")?.ok()?;
    assert_eq!(bed.held("net").len(), 2);
    well(&a)
}

/// One failure does not keep it from the rest, and is told.
#[test]
fn carries_on_past_a_failure() -> Result {
    let bed = Bed::new()?;
    let conf = conf(&bed, "bridge", "nftables", "net");
    let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
    let mut broken = conf.clone();
    broken["ipam"] = json!({"type": "there-is-no-such-plugin"});
    let gc = a.cni.clone().config(broken);
    let error = gc.gc(&[("a", "eth0")])?.fails(107)?;
    assert!(error.msg.contains("there-is-no-such-plugin"), "{error:?}");
    let left = fw_links(&bed)?;
    assert_eq!(left, [a.host_link()], "and not {}", b.host_link());
    well(&a)
}
