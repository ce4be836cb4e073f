//! The macvlan plugin, and what it has in common with the others of one link in the container.

use fairway_tests_netns::{
    Bed, Families, Feature, Ns, Result, SOON, State, Value, is_as_wanted, json, link, links, poll,
    reaches, require,
};

/// The node's `up0` and a machine behind it, which has the gateway's addresses.
fn wire(bed: &Bed, name: &str) -> Result<Ns> {
    let machine = bed.lab().machine("machine")?;
    bed.lab().wire(bed.node(), name, &machine, "eth0")?;
    machine.set_sysctl("ipv4/conf/eth0/arp_accept", "1")?;
    machine.addr("eth0", "10.1.0.1/24")?;
    machine.addr("eth0", "fd00:1::1/64")?;
    Ok(machine)
}

fn conf(bed: &Bed, families: Families, extra: Value) -> Value {
    let mut conf = bed.conf(
        "macvlan",
        json!({"master": "up0", "ipam": bed.ipam(families)}),
    );
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

fn mode(ns: &Ns) -> Result<Value> {
    Ok(link(ns, "eth0")?["linkinfo"]["info_data"]["mode"].clone())
}

#[test]
fn containers_reach_the_wire_and_each_other() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    for families in Families::ALL {
        let bed = Bed::new()?;
        let machine = wire(&bed, "up0")?;
        let before = State::take(&bed, &[])?;
        let conf = conf(&bed, families, json!({}));
        let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
        assert_eq!(mode(&a.ns)?, "bridge");
        for (ns, address) in [(&a.ns, &b), (&b.ns, &a), (&machine, &a)] {
            for ip in address.ips() {
                reaches(ns, &ip)?;
            }
        }
        if families.v6() {
            // Detection is over: no address is tentative.
            let shown = link(&a.ns, "eth0")?["addr_info"].to_string();
            assert!(!shown.contains("tentative"), "{shown}");
        }
        a.check()?;
        b.check()?;
        let mac = &a.result["interfaces"][0]["mac"];
        assert_eq!(*mac, link(&a.ns, "eth0")?["address"]);
        a.del()?;
        a.del()?;
        b.check()?;
        assert_eq!(links(&a.ns)?.len(), 1, "lo");
        b.cni.netns_path(None).del(None)?.ok()?;
        drop((a.ns, b.ns));
        before.about_unchanged()?;
    }
    Ok(())
}

/// The default is the default route's link; the name is one that the host has, which is the rule for `eth0`.
#[test]
fn on_the_default_routes_link_with_a_name_of_the_hosts() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let _machine = wire(&bed, "eth0")?;
    let mut conf = bed.conf("macvlan", json!({}));
    let ns = bed.container()?;
    let error = bed.cni("a", &ns, &conf).add()?.fails(7)?;
    assert!(error.msg.starts_with("master: missing: "), "{error:?}");
    assert!(
        bed.cni("a", &ns, &conf)
            .status()?
            .fails(50)?
            .msg
            .starts_with("master: ")
    );

    bed.node().run("ip -6 route add default dev eth0")?;
    bed.cni("a", &ns, &conf).status()?.ok()?;
    let member = bed.add("a", &conf)?;
    reaches(&member.ns, "10.1.0.1")?;
    let host = link(bed.node(), "eth0")?;
    assert_eq!(host["linkinfo"]["info_kind"], "veth");
    assert_eq!(link(&member.ns, "eth0")?["link_index"], host["ifindex"]);
    bed.add("b", &conf)?.check()?;
    member.check()?;
    conf["master"] = json!("eth7");
    let error = bed.cni("c", &ns, &conf).status()?.fails(50)?;
    assert_eq!(error.msg, "master: \"eth7\": there is no such link");
    Ok(())
}

#[test]
fn modes() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let _machine = wire(&bed, "up0")?;
    for (wanted, each_other) in [("private", false), ("vepa", false), ("bridge", true)] {
        let conf = conf(&bed, Families::V4, json!({"mode": wanted}));
        let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
        assert_eq!(mode(&a.ns)?, wanted);
        reaches(&a.ns, "10.1.0.1")?;
        assert!(is_as_wanted(&a.ns, &b.v4(), each_other), "{wanted}");
        a.check()?;
        // Somebody has changed it.
        let other = if wanted == "private" {
            "vepa"
        } else {
            "private"
        };
        a.ns.run(&format!("ip link set eth0 type macvlan mode {other}"))?;
        a.check_finds(&format!("has mode {other}, expected {wanted}"))?;
        a.del()?;
        b.del()?;
    }
    let conf = conf(&bed, Families::V4, json!({"mode": "passthru"}));
    let a = bed.add("a", &conf)?;
    assert_eq!(
        link(&a.ns, "eth0")?["address"],
        link(bed.node(), "up0")?["address"]
    );
    reaches(&a.ns, "10.1.0.1")?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let error = bed.cni("b", &ns, &conf).add()?.fails(105)?;
    assert!(
        error
            .msg
            .starts_with("mode: \"passthru\": wants master up0"),
        "{error:?}"
    );
    before.unchanged()?;
    a.del()
}

#[test]
fn mtu_hardware_address_and_queue() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let _machine = wire(&bed, "up0")?;
    let mac = "c2:11:22:33:44:55";
    let keys = json!({"mtu": 1400, "mac": mac, "bcqueuelen": 2222,
                      "dns": {"nameservers": ["10.1.0.1"]}});
    let a = bed.add("a", &conf(&bed, Families::Dual, keys))?;
    let shown = link(&a.ns, "eth0")?;
    assert_eq!(
        (&shown["mtu"], &shown["address"]),
        (&json!(1400), &json!(mac))
    );
    assert_eq!(shown["linkinfo"]["info_data"]["bcqueuelen"], 2222);
    let interface = &a.result["interfaces"][0];
    assert_eq!(
        (&interface["mtu"], &interface["mac"]),
        (&json!(1400), &json!(mac))
    );
    assert_eq!(interface["sandbox"], a.ns.path().display().to_string());
    assert_eq!(a.result["ips"][1]["interface"], 0);
    assert_eq!(a.result["dns"]["nameservers"][0], "10.1.0.1");

    // The same hardware address on the same master, which the kernel finds as late as it goes up.
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let again = conf(&bed, Families::Dual, json!({"mac": mac}));
    let error = bed.cni("b", &ns, &again).add()?.fails(105)?;
    let start = format!("mac: {mac}: another macvlan of master up0 has it");
    assert!(
        error.msg.starts_with(&start) && !error.details.contains("left"),
        "{error:?}"
    );
    let large = conf(&bed, Families::Dual, json!({"mtu": 1501}));
    let error = bed.cni("b", &ns, &large).add()?.fails(7)?;
    assert_eq!(error.msg, "mtu: 1501: is more than the 1500 of master up0");
    before.unchanged()?;
    a.check()
}

/// The master is one of the container's own links.
#[test]
fn link_in_container() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let machine = bed.lab().machine("machine")?;
    bed.lab().wire(&ns, "up0", &machine, "eth0")?;
    machine.addr("eth0", "10.1.0.1/24")?;
    let conf = conf(&bed, Families::V4, json!({"linkInContainer": true}));
    let before = State::take(&bed, &[&ns])?;
    let cni = bed.cni("a", &ns, &conf);
    cni.status()?.ok()?;
    let result = cni.add()?.ok()?;
    reaches(&ns, "10.1.0.1")?;
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    before.unchanged()?;
    let mut other = conf.clone();
    other["master"] = json!("up1");
    let error = bed.cni("a", &ns, &other).add()?.fails(7)?;
    assert!(error.msg.starts_with("master: \"up1\": "), "{error:?}");
    // Of the container's own, which has none.
    other["master"] = json!("");
    let error = bed.cni("a", &ns, &other).add()?.fails(7)?;
    assert!(error.msg.starts_with("master: missing: "), "{error:?}");
    before.unchanged()
}

fn advertised(machine: &Ns) -> Result<u64> {
    let counters = machine.run("cat /proc/net/snmp6")?;
    let line = counters
        .lines()
        .find(|line| line.starts_with("Icmp6InNeighborAdvertisements"));
    let count = line.and_then(|line| line.split_whitespace().last());
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}

/// Neighbours that knew the address by another hardware address learn of the new one without asking.
#[test]
fn addresses_are_announced() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let machine = wire(&bed, "up0")?;
    let before = advertised(&machine)?;
    let a = bed.add("a", &conf(&bed, Families::Dual, json!({})))?;
    let mac = a.result["interfaces"][0]["mac"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    poll(SOON, "a gratuitous ARP", || {
        let known = machine.run("ip neigh show 10.1.0.2").unwrap_or_default();
        known.contains(&mac)
    })?;
    poll(SOON, "an unsolicited advertisement", || {
        advertised(&machine).is_ok_and(|now| now > before)
    })?;
    a.del()
}

/// Whoever is on the wire has the address.
#[test]
fn a_duplicate_is_an_error_that_leaves_nothing() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let machine = wire(&bed, "up0")?;
    machine.run("ip -6 addr add fd00:1::2/64 dev eth0 nodad")?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let conf = conf(&bed, Families::Dual, json!({}));
    let error = bed.cni("a", &ns, &conf).add()?.fails(106)?;
    assert!(error.msg.contains("fd00:1::2/64"), "{error:?}");
    before.about_unchanged()
}

#[test]
fn check_finds_what_has_gone() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    for (spoil, word) in [
        ("ip addr del 10.1.0.2/24 dev eth0", "address 10.1.0.2/24"),
        (
            "ip -6 addr del fd00:1::2/64 dev eth0",
            "address fd00:1::2/64",
        ),
        ("ip route del 203.0.113.0/24", "route 203.0.113.0/24"),
        (
            "ip link set eth0 down; ip link set eth0 address c2:00:00:00:00:01",
            "hardware address",
        ),
        ("ip link del eth0", "not found"),
        (
            "ip link del eth0; ip link add eth0 address $MAC type veth peer name x",
            "is no macvlan",
        ),
    ] {
        let bed = Bed::new()?;
        let _machine = wire(&bed, "up0")?;
        let mut conf = conf(&bed, Families::Dual, json!({}));
        conf["ipam"]["routes"] = json!([{"dst": "203.0.113.0/24"}]);
        let a = bed.add("a", &conf)?;
        a.check()?;
        let mac = a.result["interfaces"][0]["mac"]
            .as_str()
            .unwrap_or_default();
        a.ns.sh(&spoil.replace("$MAC", mac))?;
        a.check_finds(word)?;
        a.del()?;
    }
    // Its master is another link by now.
    let bed = Bed::new()?;
    let _machine = wire(&bed, "up0")?;
    let a = bed.add("a", &conf(&bed, Families::Dual, json!({})))?;
    bed.node()
        .sh("ip link set up0 down; ip link set up0 name up1")?;
    a.check_finds("master \"up0\": not found")?;
    bed.node().run("ip link add up0 type veth peer name x")?;
    a.check_finds("stands on another link")
}

/// With its namespace the link goes, and what GC has to do is to give the addresses back.
#[test]
fn gc_frees_addresses_of_what_is_lost() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let _machine = wire(&bed, "up0")?;
    let conf = conf(&bed, Families::Dual, json!({}));
    let (keep, lost) = (bed.add("keep", &conf)?, bed.add("lost", &conf)?);
    assert_eq!(bed.held("net").len(), 4);
    drop(lost);
    keep.cni.gc(&[("keep", "eth0")])?.ok()?;
    assert_eq!(bed.held("net"), ["10.1.0.2", "fd00:1::2"]);
    keep.check()
}

/// A late DEL whose path is another container's by now; and a decoy with the name of the real one.
#[test]
fn del_takes_its_own_link_and_no_other() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let _machine = wire(&bed, "up0")?;
    let conf = conf(&bed, Families::Dual, json!({}));
    let new = bed.add("new", &conf)?;
    bed.cni("old", &new.ns, &conf).del(None)?.ok()?;
    new.check()?;
    new.ns.sh(
        "ip link set eth0 down; ip link set eth0 name net9; ip link add eth0 type veth peer name x",
    )?;
    new.del()?;
    assert!(link(&new.ns, "net9").is_err());
    link(&new.ns, "eth0")?;
    assert!(bed.held("net").is_empty());
    Ok(())
}

/// Addresses of a cluster.
#[test]
fn with_the_daemons_addresses() -> Result {
    if !require(Feature::Macvlan)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    bed.start_daemon()?;
    let _machine = wire(&bed, "up0")?;
    let conf = bed.conf(
        "macvlan",
        json!({"master": "up0", "ipam": {"type": "fairway"}}),
    );
    let a = bed.add("a", &conf)?;
    assert_eq!(bed.held("net"), ["10.1.0.2", "fd00:1::2"]);
    a.check()?;
    a.del()?;
    assert!(bed.held("net").is_empty());
    Ok(())
}

/// What would not hold is refused, and named.
#[test]
fn policy_and_rates_are_refused() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    for kind in ["macvlan", "ipvlan", "vlan", "dummy", "tap"] {
        for (keys, field) in [
            (json!({"policy": true}), "policy: true: "),
            (
                json!({"bandwidth": {"ingressRate": 1_000_000}}),
                "bandwidth.ingressRate: 1Mbit: ",
            ),
        ] {
            let mut conf = bed.conf(kind, keys);
            conf["master"] = json!("lo");
            let error = bed.cni("a", &ns, &conf).add()?.fails(2)?;
            let named = format!("{kind} makes none");
            assert!(
                error.msg.starts_with(field) && error.msg.contains(&named),
                "{error:?}"
            );
            bed.cni("a", &ns, &conf).del(None)?.ok()?;
        }
    }
    before.unchanged()
}
