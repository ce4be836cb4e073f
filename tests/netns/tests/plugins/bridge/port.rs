//! What concerns links and ports: `mtu`, `hairpinMode`, `promiscMode`, `portIsolation`, and names.

use fairway_tests_netns::{
    Bed, Feature, Result, SOON, Value, ensure, json, link, pings, poll, reaches, require,
};

fn port(bed: &Bed, name: &str) -> Result<Value> {
    let listed = bed
        .node()
        .json(&format!("bridge -j -d link show dev {name}"))?;
    Ok(listed[0].clone())
}

#[test]
fn mtu_is_that_of_both_ends_and_of_a_bridge_made_for_it() -> Result {
    let bed = Bed::new()?;
    let a = bed.add(
        "a",
        &bed.conf("bridge", json!({"isGateway": true, "mtu": 1300})),
    )?;
    for (ns, name) in [
        (&a.ns, "eth0"),
        (bed.node(), &*a.host_link()),
        (bed.node(), "br0"),
    ] {
        assert_eq!(link(ns, name)?["mtu"], 1300, "{name}");
    }
    assert_eq!(a.result["interfaces"][2]["mtu"], 1300);
    // A packet of that size passes, one byte more does not.
    let ping = |size: u32| {
        a.ns.run(&format!(
            "ping -n -M do -c 1 -W 1 -s {} 10.1.0.1",
            size - 28
        ))
    };
    poll(SOON, "one passes", || ping(1300).is_ok())?;
    assert!(ping(1301).is_err());
    a.check()?;
    let b = bed.add("b", &bed.conf("bridge", json!({"isGateway": true})))?;
    assert_eq!(
        link(&b.ns, "eth0")?["mtu"],
        1500,
        "0 or absent is the kernel's own"
    );
    Ok(())
}

#[test]
fn hairpin_lets_a_frame_back_out_of_its_port() -> Result {
    for hairpin in [true, false] {
        let bed = Bed::new()?;
        let conf = bed.conf("bridge", json!({"isGateway": true, "hairpinMode": hairpin}));
        let a = bed.add("a", &conf)?;
        assert_eq!(port(&bed, &a.host_link())?["hairpin"], hairpin);
        a.check()?;
        // Does a frame of its own come back to it?
        a.ns.sh("ip link set eth0 address 02:00:00:00:00:99; ip neigh flush dev eth0")?;
        a.ns.sh(
            "nft 'table netdev seen { chain in { type filter hook ingress device eth0 priority 0; \
            ether saddr 02:00:00:00:00:99 counter; }; }'",
        )?;
        // A neighbour that nobody is: the question for it is broadcast.
        assert!(!pings(&a.ns, "10.1.0.200", 0.3));
        let seen = a.ns.run("nft list chain netdev seen in")?;
        assert_eq!(!seen.contains("packets 0 "), hairpin, "{seen}");
    }
    Ok(())
}

#[test]
fn promisc_is_the_bridges() -> Result {
    let bed = Bed::new()?;
    let a = bed.add(
        "a",
        &bed.conf("bridge", json!({"isGateway": true, "promiscMode": true})),
    )?;
    let promisc = || -> Result<bool> {
        let bridge = link(bed.node(), "br0")?;
        Ok(bridge["flags"].to_string().contains("PROMISC"))
    };
    assert!(promisc()?);
    a.check()?;
    bed.node().run("ip link set br0 promisc off")?;
    a.check_finds("promiscuous")?;
    // Another ADD sets it again, one without the key leaves it.
    bed.add(
        "b",
        &bed.conf("bridge", json!({"isGateway": true, "promiscMode": true})),
    )?;
    bed.add("c", &bed.conf("bridge", json!({"isGateway": true})))?;
    ensure(promisc()?, "the bridge to be promiscuous again")
}

#[test]
fn isolated_ports_reach_the_gateway_and_not_each_other() -> Result {
    if !require(Feature::Bridge)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({"isGateway": true, "portIsolation": true}));
    let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
    let c = bed.add("c", &bed.conf("bridge", json!({"isGateway": true})))?;
    assert_eq!(port(&bed, &a.host_link())?["isolated"], true);
    for gateway in ["10.1.0.1", "fd00:1::1"] {
        reaches(&a.ns, gateway)?;
        reaches(&b.ns, gateway)?;
    }
    // One that is not isolated talks to both.
    reaches(&c.ns, &a.v4())?;
    reaches(&c.ns, &b.v6())?;
    assert!(!pings(&a.ns, &b.v4(), 0.3) && !pings(&b.ns, &a.v6(), 0.3));
    a.check()
}

#[test]
fn the_host_end_has_a_steady_name_and_says_whose_it_is() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({}));
    let a = bed.add("a", &conf)?;
    let name = a.host_link();
    assert!(name.len() == 10 && name.starts_with("fw"), "{name}");
    assert_eq!(link(bed.node(), &name)?["ifalias"], "fairway:net/a/eth0");
    assert_eq!(link(bed.node(), &name)?["master"], "br0");
    a.del()?;
    assert_eq!(bed.add("a", &conf)?.host_link(), name);
    Ok(())
}

/// Two interfaces of one container, on one network and on two.
#[test]
fn several_interfaces_of_one_container() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({}));
    let other = bed.conf("bridge", json!({"name": "other", "bridge": "br1"}));
    let a = bed.add("a", &conf)?;
    let second = bed.cni("a", &a.ns, &conf).ifname("eth1");
    let third = bed.cni("a", &a.ns, &other).ifname("eth2");
    let (two, three) = (second.add()?.ok()?, third.add()?.ok()?);
    let names: Vec<_> = [&a.result, &two, &three]
        .iter()
        .map(|result| result["interfaces"][1]["name"].to_string())
        .collect();
    assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");
    // One goes, the others stay.
    second.del(Some(&two))?.ok()?;
    assert!(link(&a.ns, "eth1").is_err());
    a.check()?;
    third.check(&three)?.ok()?;
    assert_eq!(bed.held("net"), ["10.1.0.2", "fd00:1::2"]);
    Ok(())
}
