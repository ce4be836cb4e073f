//! The firewall plugin: packets that are let through, bridges that are apart, and whose rules are whose.

use fairway_tests_netns::{
    Bed, Cni, Member, Result, Value, ensure, is_as_wanted, json, pings, reaches, reference_dir,
};

const BACKENDS: [&str; 2] = ["iptables", "nftables"];

fn flat(extra: Value) -> Value {
    let mut conf =
        json!({"cniVersion": "1.1.0", "name": "net", "type": "firewall", "backend": "iptables"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(conf.as_object_mut().map(|conf| conf.remove(key))),
            value => conf[key] = value.clone(),
        }
    }
    conf
}

fn container(bed: &Bed, id: &str, bridge: u8) -> Result<Member> {
    let ranges = json!([[{"subnet": format!("10.{bridge}.0.0/24")}], [{"subnet": format!("fd00:{bridge}::/64")}]]);
    let conf = bed.conf("bridge", json!({
        "name": format!("net{bridge}"), "bridge": format!("br{bridge}"), "isDefaultGateway": true,
        "ipam": {"type": "host-local", "dataDir": bed.data(), "ranges": ranges},
    }));
    bed.add(id, &conf)
}

fn behind(bed: &Bed, id: &str, member: &Member, conf: &Value) -> Cni {
    let mut conf = conf.clone();
    conf["prevResult"] = member.result.clone();
    conf["prevResult"]["cniVersion"] = conf["cniVersion"].clone();
    bed.cni(id, &member.ns, &conf)
}

fn walled(bed: &Bed, id: &str, member: &Member, extra: Value) -> Result<Member> {
    Member::add(member.ns.clone(), behind(bed, id, member, &flat(extra)))
}

fn rules(bed: &Bed) -> Result<String> {
    bed.node().sh("nft -s list ruleset 2>/dev/null")
}

/// An administrator who denies all that is passed on.
const DENY: &str = "iptables -P FORWARD DROP; ip6tables -P FORWARD DROP";

#[test]
fn what_is_denied_in_general_is_let_through() -> Result {
    for version in ["0.4.0", "1.0.0", "1.1.0"] {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        outside
            .sh("ip route add 10.1.0.0/24 via 192.0.2.1; ip route add fd00:1::/64 via fd00:9::1")?;
        bed.node().sh(DENY)?;
        let a = container(&bed, "a", 1)?;
        assert!(!pings(&a.ns, "192.0.2.2", 0.3));
        let before = rules(&bed)?;
        let wall = walled(&bed, "a", &a, json!({"cniVersion": version}))?;
        // What it sends, and answers; nobody else may begin.
        reaches(&a.ns, "192.0.2.2")?;
        reaches(&a.ns, "fd00:9::2")?;
        assert!(!pings(&outside, "10.1.0.2", 0.3) && !pings(&outside, "fd00:1::2", 0.3));
        wall.check()?;
        let made = rules(&bed)?;
        walled(&bed, "a", &a, json!({}))?;
        assert_eq!(rules(&bed)?, made);
        for _ in 0..2 {
            wall.cni.clone().netns_path(None).del(None)?.ok()?;
            assert!(!rules(&bed)?.contains("10.1.0.2") && !rules(&bed)?.contains("fd00:1::2"));
        }
        assert!(!pings(&a.ns, "192.0.2.2", 0.3));
        assert_ne!(rules(&bed)?, before, "chains stay");
    }
    Ok(())
}

#[test]
fn the_administrators_chain_comes_first() -> Result {
    for (extra, chain) in [
        (json!({}), "CNI-ADMIN"),
        (json!({"iptablesAdminChainName": "MINE"}), "MINE"),
    ] {
        let bed = Bed::new()?;
        let _outside = bed.outside()?;
        let outside = &_outside;
        outside.sh("ip route add 10.1.0.0/24 via 192.0.2.1")?;
        let a = container(&bed, "a", 1)?;
        let wall = walled(&bed, "a", &a, extra)?;
        reaches(&a.ns, "192.0.2.2")?;
        bed.node()
            .run(&format!("iptables -A {chain} -d 192.0.2.2 -j DROP"))?;
        assert!(!pings(&a.ns, "192.0.2.2", 0.3));
        wall.check()?;
    }
    Ok(())
}

#[test]
fn bridges_are_apart_as_configured() -> Result {
    for backend in BACKENDS {
        for policy in ["open", "same-bridge", "isolated"] {
            let bed = Bed::new()?;
            let outside = bed.outside()?;
            outside.sh("ip route add 10.0.0.0/8 via 192.0.2.1")?;
            let (a, b, c) = (
                container(&bed, "a", 1)?,
                container(&bed, "b", 1)?,
                container(&bed, "c", 2)?,
            );
            let extra = json!({"backend": backend, "ingressPolicy": policy});
            let mut walls = Vec::new();
            for (id, member) in [("a", &a), ("b", &b), ("c", &c)] {
                walls.push(walled(&bed, id, member, extra.clone())?);
            }
            for wall in &walls {
                wall.check()?;
            }
            reaches(&a.ns, "192.0.2.2")?;
            reaches(&outside, "10.1.0.2")?;
            for (from, v4, v6) in [(&a, "10.2.0.2", "fd00:2::2"), (&c, "10.1.0.2", "fd00:1::2")] {
                let open = policy == "open";
                let right = [v4, v6].map(|to| is_as_wanted(&from.ns, to, open));
                assert_eq!(right, [true; 2], "{backend} {policy} {v4}");
            }
            // With br_netfilter a bridge asks as well.
            let right = is_as_wanted(&a.ns, "10.1.0.3", policy != "isolated");
            ensure(right, format!("{backend} {policy}"))?;
            // Rules of a bridge are for all on it: once, and as long as there may be one.
            let many = rules(&bed)?;
            walls[0].del()?;
            walls[0].del()?;
            if policy != "open" {
                assert!(!pings(&c.ns, "10.1.0.3", 0.3));
                // Chain and jumps of two bridges; iptables has both families apart.
                let (word, families) = match backend {
                    "nftables" => ("isolation_stage_2", 1),
                    _ => ("CNI-ISOLATION-STAGE-2", 2),
                };
                assert_eq!(many.matches(word).count(), (1 + 2) * families, "{many}");
            }
        }
    }
    Ok(())
}

#[test]
fn gc_check_and_status() -> Result {
    let bed = Bed::new()?;
    let (a, b) = (container(&bed, "a", 1)?, container(&bed, "b", 1)?);
    let alive = walled(&bed, "a", &a, json!({"ingressPolicy": "same-bridge"}))?;
    let before = rules(&bed)?;
    let other = walled(&bed, "b", &b, json!({"name": "other"}))?;
    let both = rules(&bed)?;
    walled(&bed, "b", &b, json!({}))?;
    alive.cni.gc(&[("a", "eth0")])?.ok()?;
    assert_eq!(rules(&bed)?, both);
    other.check()?;
    other.cni.gc(&[])?.ok()?;
    assert_eq!(rules(&bed)?, before);
    alive.cni.status()?.ok()?;
    for (bend, word) in [
        (
            "iptables -D FORWARD -m comment --comment 'CNI firewall plugin rules' -j CNI-FORWARD",
            "FORWARD",
        ),
        (
            "ip6tables -D CNI-FORWARD -s fd00:1::2 -j ACCEPT",
            "fd00:1::2",
        ),
        ("iptables -F CNI-ISOLATION-STAGE-1", "CNI-ISOLATION-STAGE-1"),
    ] {
        bed.node().run(bend).or_else(|_| bed.node().sh(bend))?;
        alive.check_finds(word)?;
        walled(&bed, "a", &a, json!({"ingressPolicy": "same-bridge"}))?.check()?;
    }
    Ok(())
}

#[test]
fn what_is_wrong_changes_nothing() -> Result {
    let bed = Bed::new()?;
    let a = bed.add("a", &bed.conf("ptp", json!({})))?;
    let before = rules(&bed)?;
    for (extra, code, field) in [
        (json!({"backend": "firewalld"}), 2, "backend: \"firewalld\""),
        (json!({"backend": "pf"}), 7, "backend"),
        (json!({"ingressPolicy": "none"}), 7, "ingressPolicy"),
        (
            json!({"iptablesAdminChainName": "-x"}),
            7,
            "iptablesAdminChainName",
        ),
    ] {
        let error = behind(&bed, "a", &a, &flat(extra)).add()?.fails(code)?;
        assert!(error.msg.starts_with(field), "{}", error.msg);
        assert_eq!(rules(&bed)?, before);
    }
    let alone = bed.cni("a", &a.ns, &flat(json!({})));
    let error = alone.add()?.fails(7)?;
    assert!(
        error.msg.starts_with("prevResult: missing"),
        "{}",
        error.msg
    );
    alone.del(None)?.ok()?;
    Ok(())
}

/// Rules that either made the other removes.
#[test]
fn the_reference_plugins_rules() -> Result {
    for ours_first in [true, false] {
        let bed = Bed::new()?;
        let a = container(&bed, "a", 1)?;
        let conf = flat(json!({"cniVersion": "1.0.0", "ingressPolicy": "same-bridge"}));
        let ours = behind(&bed, "a", &a, &conf);
        let theirs = bed.cni_in(&reference_dir(), "a", &a.ns, ours.conf());
        let (first, second) = if ours_first {
            (&ours, &theirs)
        } else {
            (&theirs, &ours)
        };
        let prev = first.add()?.ok()?;
        let made = rules(&bed)?;
        assert!(made.contains("10.1.0.2") && made.contains("fd00:1::2"));
        ours.check(&prev)?.ok()?;
        theirs.check(&prev)?.ok()?;
        if !ours_first {
            // What is there already is not written twice, whatever its comment.
            ours.add()?.ok()?;
            assert_eq!(
                rules(&bed)?.matches("CNI-ISOLATION").count(),
                made.matches("CNI-ISOLATION").count()
            );
            ours.del(None)?.ok()?;
        }
        second.del(Some(&prev))?.ok()?;
        let left = rules(&bed)?;
        assert!(
            !left.contains("10.1.0.2") && !left.contains("fd00:1::2"),
            "{left}"
        );
    }
    Ok(())
}
