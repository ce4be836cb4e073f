//! The host-device plugin, on one end of a veth: what the kernel tells of it is what it would tell of a card.

use fairway_tests_netns::{
    Bed, Families, Ns, Result, SOON, State, Value, json, link, links, poll, reaches,
};

const MAC: &str = "c2:00:00:00:00:aa";

/// The node's `up0`, up, with an alias and an MTU of its own; a machine behind it.
fn wire(bed: &Bed) -> Result<Ns> {
    let machine = bed.lab().machine("machine")?;
    // A link's own settings are the namespace's, and do not come back with it; the defaults do.
    bed.node()
        .set_sysctl("ipv6/conf/default/addr_gen_mode", "1")?;
    bed.lab().wire(bed.node(), "up0", &machine, "eth0")?;
    machine.sh("ip addr add 10.1.0.1/24 dev eth0; ip -6 addr add fd00:1::1/64 dev eth0 nodad")?;
    bed.node().sh(&format!(
        "ip link set up0 down; ip link set up0 address {MAC} mtu 1450 alias 'to the rack, port 7'
         ip link set up0 up"
    ))?;
    carries(bed)?;
    Ok(machine)
}

/// The kernel tells of a carrier in its own time.
fn carries(bed: &Bed) -> Result {
    poll(SOON, "carrier", || {
        link(bed.node(), "up0").is_ok_and(|link| link["operstate"] == "UP")
    })
}

fn conf(bed: &Bed, extra: Value) -> Value {
    let mut conf = bed.conf("host-device", json!({"device": "up0"}));
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

/// The device is on the node as it was.
fn is_home(bed: &Bed) -> Result {
    carries(bed)?;
    let shown = link(bed.node(), "up0")?;
    let told = (&shown["address"], &shown["mtu"], &shown["ifalias"]);
    assert_eq!(
        told,
        (&json!(MAC), &json!(1450), &json!("to the rack, port 7"))
    );
    assert!(shown["flags"].to_string().contains("\"UP\""), "{shown}");
    assert_eq!(shown["addr_info"], json!([]));
    Ok(())
}

#[test]
fn it_goes_and_comes_back_as_it_was() -> Result {
    for families in Families::ALL {
        let bed = Bed::new()?;
        let _machine = wire(&bed)?;
        let conf = conf(
            &bed,
            json!({"ipam": bed.ipam(families), "dns": {"search": ["a.b"]}}),
        );
        let before = State::take(&bed, &[])?;
        let a = bed.add("a", &conf)?;
        assert!(link(bed.node(), "up0").is_err());
        for ip in ["10.1.0.1", "fd00:1::1"] {
            let v6 = ip.contains(':');
            if (v6 && families.v6()) || (!v6 && families.v4()) {
                reaches(&a.ns, ip)?;
            }
        }
        let interface = &a.result["interfaces"][0];
        assert_eq!(
            (&interface["name"], &interface["mac"]),
            (&json!("eth0"), &json!(MAC))
        );
        assert_eq!(
            (&interface["mtu"], &a.result["ips"][0]["interface"]),
            (&json!(1450), &json!(0))
        );
        assert_eq!(a.result["dns"]["search"][0], "a.b");
        a.check()?;
        // What a container does with it is the container's.
        a.ns.sh("ip link set eth0 down; ip link set eth0 address c2:00:00:00:00:bb mtu 1400")?;
        a.check_finds("hardware address")?;
        a.del()?;
        is_home(&bed)?;
        a.del()?;
        a.cni.clone().netns_path(None).del(None)?.ok()?;
        drop(a);
        before.about_unchanged()?;
    }
    Ok(())
}

/// Each way to name it; and who names it twice must mean the same.
#[test]
fn selectors() -> Result {
    let bed = Bed::new()?;
    let _machine = wire(&bed)?;
    bed.node()
        .run("ip link property add dev up0 altname the-long-name-of-port-7")?;
    for keys in [
        json!({"device": "up0"}),
        json!({"device": "the-long-name-of-port-7"}),
        json!({"device": "", "hwaddr": MAC.to_uppercase()}),
        json!({"device": "up0", "hwaddr": MAC}),
    ] {
        let a = bed.add("a", &conf(&bed, keys))?;
        a.check()?;
        a.del()?;
        is_home(&bed)?;
    }
    bed.node()
        .run("ip link add other type veth peer name one")?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    for (keys, start) in [
        (
            json!({"device": "nowhere"}),
            "device: \"nowhere\": there is no such link",
        ),
        (
            json!({"device": ""}),
            "device, hwaddr, kernelpath, pciBusID or",
        ),
        (
            json!({"device": "", "hwaddr": "c2:00:00:00:00:cc"}),
            "hwaddr: \"c2:00:00:00:00:cc\": no link",
        ),
        (
            json!({"device": "other", "hwaddr": MAC}),
            "hwaddr: \"c2:00:00:00:00:aa\": is link up0, and device",
        ),
        (
            json!({"pciBusID": "0000:ff:1f.7"}),
            "pciBusID: \"0000:ff:1f.7\": there is no such PCI",
        ),
        (
            json!({"kernelpath": "/sys/devices/nothing"}),
            "kernelpath: \"/sys/devices/nothing\": has no",
        ),
        (
            json!({"runtimeConfig": {"deviceID": "nothing"}}),
            "runtimeConfig.deviceID: \"nothing\": is neither",
        ),
        // It cannot leave.
        (
            json!({"device": "lo"}),
            "device: link lo: cannot leave its namespace",
        ),
    ] {
        let error = bed.cni("a", &ns, &conf(&bed, keys)).add()?.fails(7)?;
        assert!(error.msg.starts_with(start), "{error:?}");
        assert!(!error.details.contains("left"), "{error:?}");
    }
    for (key, value, start) in [
        ("policy", json!(true), "policy: true: "),
        (
            "bandwidth",
            json!({"egressRate": 1_000_000}),
            "bandwidth.egressRate: 1Mbit: ",
        ),
    ] {
        let error = bed
            .cni("a", &ns, &conf(&bed, json!({key: value})))
            .add()?
            .fails(2)?;
        assert!(
            error.msg.starts_with(start) && error.msg.contains("host-device makes none"),
            "{error:?}"
        );
    }
    before.about_unchanged()?;
    bed.node()
        .sh("ip link add br0 type bridge; ip link set up0 master br0")?;
    let error = bed
        .cni("a", &ns, &conf(&bed, json!({})))
        .add()?
        .fails(105)?;
    assert!(
        error
            .msg
            .starts_with("device: link up0: is a port of a bridge"),
        "{error:?}"
    );
    assert_eq!(link(bed.node(), "up0")?["master"], "br0");
    Ok(())
}

/// The container has a link of the device's name, the host one of the container's.
#[test]
fn names_that_meet() -> Result {
    let bed = Bed::new()?;
    let _machine = wire(&bed)?;
    let ns = bed.container()?;
    ns.run("ip link add up0 type veth peer name x")?;
    bed.node().run("ip link add net1 type veth peer name x")?;
    let cni = bed.cni("a", &ns, &conf(&bed, json!({}))).ifname("net1");
    let result = cni.add()?.ok()?;
    reaches(&ns, "10.1.0.1")?;
    cni.check(&result)?.ok()?;
    cni.add()?.fails(103)?;
    cni.del(Some(&result))?.ok()?;
    is_home(&bed)?;
    // With another index: the container's link had its own.
    assert_eq!((links(&ns)?.len(), bed.held("net").len()), (3, 0));

    // Somebody takes its name while it is away: it stays where it is, and so does its address.
    let result = cni.add()?.ok()?;
    bed.node().run("ip link add up0 type veth peer name y")?;
    let error = cni.del(Some(&result))?.fails(105)?;
    assert!(
        error
            .msg
            .contains("\"up0\": another link of the host has its name"),
        "{error:?}"
    );
    assert_eq!(bed.held("net").len(), 2);
    bed.node().run("ip link del up0")?;
    cni.del(Some(&result))?.ok()?;
    is_home(&bed)?;
    assert_eq!((links(&ns)?.len(), bed.held("net").len()), (3, 0));
    Ok(())
}

/// Its namespace is gone: the kernel puts a card back among the host's links, under another name and down. A veth it
/// would delete, so here it is put back by hand.
fn lose(bed: &Bed, ns: &Ns) -> Result {
    ns.sh(&format!(
        "ip link set eth0 down; ip link set eth0 name dev7; ip link set dev7 netns {}",
        bed.node().path().display()
    ))?;
    poll(SOON, "the lost device", || link(bed.node(), "dev7").is_ok())
}

#[test]
fn what_is_lost_is_found_again() -> Result {
    for by in ["DEL", "GC", "ADD"] {
        let bed = Bed::new()?;
        let _machine = wire(&bed)?;
        let conf = conf(&bed, json!({}));
        let a = bed.add("a", &conf)?;
        lose(&bed, &a.ns)?;
        match by {
            "DEL" => {
                a.cni.clone().netns_path(None).del(None)?.ok()?;
                is_home(&bed)?;
                assert!(bed.held("net").is_empty());
            }
            "GC" => {
                // Of others, and with it still valid: nothing.
                let mut other = conf.clone();
                other["name"] = json!("other");
                bed.cni("a", &a.ns, &other).gc(&[])?.ok()?;
                a.cni.gc(&[("a", "eth0")])?.ok()?;
                link(bed.node(), "dev7")?;
                a.cni.gc(&[("b", "eth0")])?.ok()?;
                is_home(&bed)?;
                assert!(bed.held("net").is_empty());
            }
            // By the name that it had, for the next container.
            _ => {
                let b = bed.add("b", &conf)?;
                reaches(&b.ns, "10.1.0.1")?;
                b.del()?;
                is_home(&bed)?;
            }
        }
    }
    Ok(())
}

/// A late DEL whose path is another container's by now.
#[test]
fn a_late_del_leaves_the_next_container_alone() -> Result {
    let bed = Bed::new()?;
    let _machine = wire(&bed)?;
    let conf = conf(&bed, json!({}));
    let new = bed.add("new", &conf)?;
    bed.cni("old", &new.ns, &conf).del(None)?.ok()?;
    new.check()?;
    // And one that has renamed it and made another of that name.
    new.ns.sh(
        "ip link set eth0 down; ip link set eth0 name net9; ip link add eth0 type veth peer name x",
    )?;
    new.del()?;
    is_home(&bed)?;
    link(&new.ns, "eth0")?;
    Ok(())
}

#[test]
fn without_addresses_and_in_a_cluster() -> Result {
    let bed = Bed::new()?;
    bed.start_daemon()?;
    let _machine = wire(&bed)?;
    let a = bed.add("a", &conf(&bed, json!({"ipam": {}})))?;
    assert!(link(&a.ns, "eth0")?["flags"].to_string().contains("\"UP\""));
    a.check()?;
    a.ns.run("ip link set eth0 alias gone")?;
    a.check()?;
    a.ns.sh("ip link set eth0 alias ''")?;
    a.check_finds("its alias does not tell")?;
    // Without it nobody knows the way back, and nothing is guessed.
    a.del()?;
    assert_eq!(links(&a.ns)?.len(), 2);

    let bed = Bed::new()?;
    bed.start_daemon()?;
    let _machine = wire(&bed)?;
    let a = bed.add("a", &conf(&bed, json!({"ipam": {"type": "fairway"}})))?;
    assert_eq!(bed.held("net").len(), 2);
    a.check()?;
    a.del()?;
    assert!(bed.held("net").is_empty());
    is_home(&bed)
}
