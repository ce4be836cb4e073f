//! Kernel settings and an interface's own, made, judged, and put back where the interface stays.

use fairway_tests_netns::{Bed, Cni, Member, Ns, Result, Value, json, link, reference_dir};

fn flat(bed: &Bed, extra: Value) -> Value {
    let mut conf = json!({
        "cniVersion": "1.1.0", "name": "net", "type": "tuning", "dataDir": bed.scratch().join("tuning"),
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

fn container(bed: &Bed) -> Result<Member> {
    bed.add("a", &bed.conf("bridge", json!({})))
}

fn behind(bed: &Bed, member: &Member, conf: &Value) -> Cni {
    let mut conf = conf.clone();
    conf["prevResult"] = member.result.clone();
    conf["prevResult"]["cniVersion"] = conf["cniVersion"].clone();
    bed.cni("a", &member.ns, &conf)
}

fn tuned(bed: &Bed, member: &Member, extra: Value) -> Result<Member> {
    Member::add(member.ns.clone(), behind(bed, member, &flat(bed, extra)))
}

fn all() -> Value {
    json!({
        "mac": "02:11:22:33:44:55", "mtu": 1400, "promisc": true, "allmulti": true, "txQLen": 50,
        "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1", "net/core/somaxconn": "500",
                   "net.ipv4.ip_local_port_range": "20000 30000"},
    })
}

/// What `ip` tells of the interface.
fn shown(ns: &Ns) -> Result<[String; 5]> {
    let link = link(ns, "eth0")?;
    let flags = link["flags"].to_string();
    Ok([
        link["address"].as_str().unwrap_or_default().to_owned(),
        link["mtu"].to_string(),
        flags.contains("\"PROMISC\"").to_string(),
        flags.contains("\"ALLMULTI\"").to_string(),
        link["txqlen"].to_string(),
    ])
}

fn files(bed: &Bed) -> usize {
    std::fs::read_dir(bed.scratch().join("tuning")).map_or(0, Iterator::count)
}

#[test]
fn settings_are_made_judged_and_put_back() -> Result {
    for version in ["0.1.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let bed = Bed::new()?;
        let extra = json!({"cniVersion": version});
        let member = bed.add("a", &bed.conf("bridge", extra.clone()))?;
        let before = shown(&member.ns)?;
        let mut keys = all();
        keys["cniVersion"] = json!(version);
        let tuning = tuned(&bed, &member, keys)?;
        let wanted = ["02:11:22:33:44:55", "1400", "true", "true", "50"];
        assert_eq!(shown(&member.ns)?, wanted);
        assert_eq!(member.ns.sysctl("ipv4/conf/eth0/arp_filter")?, "1");
        assert_eq!(member.ns.sysctl("core/somaxconn")?, "500");
        if version >= "0.3.1" {
            let inside = tuning.result["interfaces"].as_array().into_iter().flatten();
            let inside = inside.filter(|one| one.get("sandbox").is_some());
            let macs: Vec<&Value> = inside.map(|one| &one["mac"]).collect();
            assert_eq!(macs, ["02:11:22:33:44:55"]);
            assert_eq!(tuning.result["ips"], member.result["ips"]);
        }
        if version == "1.1.0" {
            assert_eq!(tuning.result["interfaces"][2]["mtu"], 1400);
        }
        if version >= "0.4.0" {
            tuning.check()?;
        }
        for _ in 0..2 {
            tuning.del()?;
            assert_eq!(shown(&member.ns)?, before, "{version}");
            assert_eq!(files(&bed), 0);
        }
    }
    Ok(())
}

#[test]
fn check_finds_what_was_bent() -> Result {
    for (bend, word) in [
        (
            "ip link set eth0 mtu 1300",
            "mtu of \"eth0\": is 1300, not 1400",
        ),
        (
            "ip link set eth0 address 02:00:00:00:00:02",
            "mac of \"eth0\"",
        ),
        ("ip link set eth0 promisc off", "promisc of \"eth0\""),
        ("ip link set eth0 allmulticast off", "allmulti of \"eth0\""),
        (
            "ip link set eth0 txqueuelen 7",
            "txQLen of \"eth0\": is 7, not 50",
        ),
        (
            "echo 0 > /proc/sys/net/ipv4/conf/eth0/arp_filter",
            "sysctl.net.ipv4.conf.IFNAME.arp_filter: is 0, not 1",
        ),
        (
            "echo 2000 3001 > /proc/sys/net/ipv4/ip_local_port_range",
            "sysctl.net.ipv4.ip_local_port_range",
        ),
    ] {
        let bed = Bed::new()?;
        let member = container(&bed)?;
        let tuning = tuned(&bed, &member, all())?;
        tuning.check()?;
        member.ns.sh(bend)?;
        tuning.check_finds(word)?;
    }
    // Whoever listens makes an interface promiscuous; that was not asked for, nor forbidden.
    let bed = Bed::new()?;
    let member = container(&bed)?;
    let tuning = tuned(&bed, &member, json!({"mtu": 1400}))?;
    member.ns.run("ip link set eth0 promisc on")?;
    tuning.check()
}

/// A value that the kernel refuses, after others that it took.
#[test]
fn what_fails_leaves_all_as_it_was() -> Result {
    for (extra, field) in [
        (
            json!({"sysctl": {"net.core.somaxconn": "500", "net.ipv4.nothing": "1"}}),
            "sysctl.net.ipv4.nothing: ",
        ),
        (
            json!({"sysctl": {"net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_filter": "x"}}),
            "sysctl.net.ipv4.conf.IFNAME.arp_filter: \"x\": ",
        ),
        (
            json!({"sysctl": {"net.core.somaxconn": "500"}, "mac": "02:11:22:33:44:55", "mtu": 68_000}),
            "mtu: 68000: ",
        ),
        (
            json!({"sysctl": {"kernel.core_pattern": "x"}}),
            "sysctl.kernel.core_pattern: ",
        ),
        (json!({"mac": "ff:ff:ff:ff:ff:ff"}), "mac: "),
    ] {
        let bed = Bed::new()?;
        let member = container(&bed)?;
        let (before, backlog) = (shown(&member.ns)?, member.ns.sysctl("core/somaxconn")?);
        let cni = behind(&bed, &member, &flat(&bed, extra));
        let error = cni.add()?.fails(7)?;
        assert!(error.msg.starts_with(field), "{}", error.msg);
        assert_eq!(shown(&member.ns)?, before);
        assert_eq!(member.ns.sysctl("core/somaxconn")?, backlog);
        assert_eq!(files(&bed), 0);
        cni.del(None)?.ok()?;
    }
    Ok(())
}

/// DEL after the container, GC of one that is lost, and a file that is another network's.
#[test]
fn files_go_with_their_attachment() -> Result {
    let bed = Bed::new()?;
    let member = container(&bed)?;
    let tuning = tuned(&bed, &member, json!({"mtu": 1400}))?;
    assert_eq!(files(&bed), 1);
    tuning.cni.gc(&[("a", "eth0")])?.ok()?;
    let other = flat(&bed, json!({"name": "other"}));
    bed.cni("a", &member.ns, &other).gc(&[])?.ok()?;
    assert_eq!(files(&bed), 1);
    tuning.cni.gc(&[])?.ok()?;
    assert_eq!(files(&bed), 0);
    tuned(&bed, &member, json!({"mtu": 1300}))?;
    let late = behind(&bed, &member, &flat(&bed, json!({}))).netns_path(None);
    late.del(None)?.ok()?;
    assert_eq!(files(&bed), 0);
    tuning.cni.status()?.ok()?;
    let bad = flat(&bed, json!({"sysctl": {"kernel.x": "1"}}));
    bed.cni("a", &member.ns, &bad).status()?.fails(7)?;
    Ok(())
}

/// What either plugin kept the other puts back.
#[test]
fn the_reference_plugins_file() -> Result {
    for ours_first in [true, false] {
        let bed = Bed::new()?;
        let member = container(&bed)?;
        let before = shown(&member.ns)?;
        let conf = flat(
            &bed,
            json!({"cniVersion": "1.0.0", "mac": "02:11:22:33:44:55", "mtu": 1400, "allmulti": true}),
        );
        let ours = behind(&bed, &member, &conf);
        let theirs = bed.cni_in(&reference_dir(), "a", &member.ns, ours.conf());
        let (first, second) = if ours_first {
            (&ours, &theirs)
        } else {
            (&theirs, &ours)
        };
        first.add()?.ok()?;
        assert_ne!(shown(&member.ns)?, before);
        second.del(None)?.ok()?;
        assert_eq!(shown(&member.ns)?, before, "ours first: {ours_first}");
        assert_eq!(files(&bed), 0);
    }
    Ok(())
}
