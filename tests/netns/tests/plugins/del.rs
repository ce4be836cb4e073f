//! DEL: total and idempotent, whatever is missing.

use fairway_tests_netns::{Bed, Member, Result, State, Value, json, link, links, reaches};
use std::fs;

fn conf(bed: &Bed, kind: &str, backend: &str) -> Value {
    let mut conf = bed.conf(kind, json!({"ipMasq": true, "ipMasqBackend": backend}));
    if kind == "bridge" {
        conf["isDefaultGateway"] = json!(true);
        conf["macspoofchk"] = json!(true);
    }
    conf
}

/// A node on which another container has lived: bridge, base chains and forwarding are there.
fn used(kind: &str, backend: &str) -> Result<(Bed, Value)> {
    let bed = Bed::new()?;
    let conf = conf(&bed, kind, backend);
    bed.earlier(&bed.add("earlier", &conf)?)?;
    Ok((bed, conf))
}

fn each(test: impl Fn(&Bed, &Value, &Member) -> Result) -> Result {
    for kind in ["bridge", "ptp"] {
        for backend in ["nftables", "iptables"] {
            let (bed, conf) = used(kind, backend)?;
            let before = State::take(&bed, &[])?;
            let member = bed.add("a", &conf)?;
            let done = test(&bed, &conf, &member).and_then(|()| before.unchanged());
            assert!(done.is_ok(), "{kind} with {backend}: {done:?}");
        }
    }
    Ok(())
}

#[test]
fn twice_and_of_what_never_was() -> Result {
    each(|bed, conf, member| {
        let bare = State::take(bed, &[])?;
        bed.cni("never", &member.ns, conf)
            .ifname("eth7")
            .del(None)?
            .ok()?;
        bare.unchanged()?;
        member.del()?;
        member.del()?;
        member.cni.del(None)?.ok()?;
        assert_eq!(links(&member.ns)?.len(), 1, "lo alone");
        Ok(())
    })
}

#[test]
fn without_a_result() -> Result {
    each(|_, _, member| member.cni.del(None)?.ok().map(drop))
}

/// The container's process lives, but the runtime has lost its namespace: the host's end is found by
/// its name.
#[test]
fn of_a_live_namespace_that_is_lost() -> Result {
    each(|_, _, member| {
        let process = member.ns.command("sleep").arg("100").spawn()?;
        member.cni.clone().netns_path(None).del(None)?.ok()?;
        assert!(link(&member.ns, "eth0").is_err(), "the pair is gone");
        drop(process);
        Ok(())
    })
}

#[test]
fn with_an_empty_netns_or_a_path_to_nothing() -> Result {
    for path in [
        "",
        "/run/netns/fairway-is-not-there",
        "/proc/0/ns/net",
        "/etc/passwd/x",
    ] {
        let (bed, conf) = used("bridge", "nftables")?;
        let before = State::take(&bed, &[])?;
        let member = bed.add("a", &conf)?;
        member
            .cni
            .clone()
            .netns_path(Some(path))
            .del(Some(&member.result))?
            .ok()?;
        before.unchanged()?;
    }
    Ok(())
}

/// What is left of a bind mount that was unmounted: an empty file.
#[test]
fn with_a_plain_file_for_a_namespace() -> Result {
    each(|bed, _, member| {
        let file = bed.scratch().join("was-a-namespace");
        fs::write(&file, "").unwrap();
        let path = file.display().to_string();
        member
            .cni
            .clone()
            .netns_path(Some(&path))
            .del(Some(&member.result))?
            .ok()
            .map(drop)
    })
}

/// The namespace is really gone with all that was in it, and nobody had called DEL.
#[test]
fn after_the_namespace_is_gone() -> Result {
    for kind in ["bridge", "ptp"] {
        let (bed, conf) = used(kind, "iptables")?;
        let before = State::take(&bed, &[])?;
        let Member { ns, cni, result } = bed.add("a", &conf)?;
        let path = ns.path().display().to_string();
        drop(ns);
        cni.netns_path(Some(&path)).del(Some(&result))?.ok()?;
        before.unchanged()?;
    }
    Ok(())
}

/// The administrator edits the file between ADD and DEL.
#[test]
fn with_a_configuration_that_changed() -> Result {
    for (kind, changes) in [
        ("bridge", json!({"ipMasq": false, "macspoofchk": false})),
        ("bridge", json!({"ipMasqBackend": "iptables"})),
        (
            "bridge",
            json!({"bridge": "br7", "mtu": 1300, "isDefaultGateway": false, "portIsolation": true}),
        ),
        (
            "bridge",
            json!({"mtu": "nonsense", "vlan": -1, "ipMasq": "maybe", "hairpinMode": 7}),
        ),
        ("ptp", json!({"ipMasq": false})),
        ("ptp", json!({"ipMasqBackend": "nonsense", "mtu": []})),
    ] {
        let (bed, conf) = used(kind, "nftables")?;
        let before = State::take(&bed, &[])?;
        let member = bed.add("a", &conf)?;
        let changed = bed.conf(kind, changes.clone());
        let done = bed
            .cni("a", &member.ns, &changed)
            .del(Some(&member.result))?
            .ok();
        let done = done.and_then(|_| before.unchanged());
        assert!(done.is_ok(), "{kind} {changes}: {done:?}");
    }
    // The other way round: what was not set up need not be there.
    let (bed, conf) = used("bridge", "iptables")?;
    let before = State::take(&bed, &[])?;
    let member = bed.add("a", &bed.conf("bridge", json!({})))?;
    bed.cni("a", &member.ns, &conf).del(None)?.ok()?;
    before.unchanged()
}

/// Ranges that changed do not keep the address from being released.
#[test]
fn with_ranges_that_changed() -> Result {
    let (bed, conf) = used("bridge", "nftables")?;
    let before = State::take(&bed, &[])?;
    for ranges in [
        json!([[{"subnet": "10.9.0.0/24"}]]),
        json!([]),
        json!("nonsense"),
        json!([[{"subnet": "x"}]]),
    ] {
        let member = bed.add("a", &conf)?;
        let mut changed = conf.clone();
        changed["ipam"]["ranges"] = ranges.clone();
        bed.cni("a", &member.ns, &changed).del(None)?.ok()?;
        before.unchanged()?;
    }
    Ok(())
}

/// Links, rules and routes that somebody else has removed already.
#[test]
fn of_what_is_gone_already() -> Result {
    for script in [
        "ip link del PORT",
        "nft flush ruleset",
        "rm -r DATA",
        "ip link del br0",
    ] {
        let bed = Bed::new()?;
        let member = bed.add("a", &conf(&bed, "bridge", "nftables"))?;
        let data = bed.data().display().to_string();
        bed.node().sh(&script
            .replace("PORT", &member.host_link())
            .replace("DATA", &data))?;
        member.del()?;
        assert_eq!(bed.held("net"), [""; 0]);
        assert!(
            links(bed.node())?
                .iter()
                .all(|link| link["ifname"] != *member.host_link())
        );
    }
    Ok(())
}

/// Another container that has the same interface name, and one whose interface somebody moved in.
#[test]
fn takes_nobody_elses() -> Result {
    let (bed, conf) = used("bridge", "nftables")?;
    let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
    let foreign = bed.container()?;
    foreign.run("ip link add eth0 type bridge")?;
    bed.cni("c", &foreign, &conf).del(None)?.ok()?;
    link(&foreign, "eth0")?;
    a.del()?;
    b.check()?;
    reaches(&b.ns, "10.1.0.1")
}
