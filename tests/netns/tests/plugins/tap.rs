//! The tap plugin.

use fairway_tests_netns::{Bed, Families, Feature, Result, State, Value, json, link, require};

fn data(link: &Value, key: &str) -> Value {
    link["linkinfo"]["info_data"][key].clone()
}

#[test]
fn a_tap_as_a_virtual_machine_wants_it() -> Result {
    if !require(Feature::Tap)? {
        return Ok(());
    }
    for families in Families::ALL {
        let bed = Bed::as_it_is()?;
        let conf = bed.conf(
            "tap",
            json!({"ipam": bed.ipam(families), "multiQueue": true, "owner": 1, "group": 0, "mtu": 1400,
                   "mac": "c2:11:22:33:44:55"}),
        );
        bed.earlier(&bed.add("earlier", &conf)?)?;
        let before = State::take(&bed, &[])?;
        let a = bed.add("a", &conf)?;
        let shown = link(&a.ns, "eth0")?;
        for (key, wanted) in [
            ("type", json!("tap")),
            ("multi_queue", json!(true)),
            ("persist", json!(true)),
            ("pi", json!(false)),
            ("user", json!("daemon")),
            ("group", json!("root")),
        ] {
            assert_eq!(data(&shown, key), wanted, "{key}");
        }
        assert_eq!(
            (&shown["mtu"], &shown["address"]),
            (&json!(1400), &json!("c2:11:22:33:44:55"))
        );
        let interface = &a.result["interfaces"][0];
        assert_eq!(
            (&interface["mtu"], &interface["mac"]),
            (&shown["mtu"], &shown["address"])
        );
        assert!(shown["flags"].to_string().contains("\"UP\""), "{shown}");
        // Nobody is at the other end, so detection would never end.
        assert!(
            !shown["addr_info"].to_string().contains("tentative"),
            "{shown}"
        );
        a.check()?;
        // It stays when whoever opens it goes: a file of a process, as a hypervisor's.
        a.ns.run("ip tuntap add mode tap multi_queue name eth0")
            .ok();
        a.check()?;
        a.del()?;
        a.del()?;
        drop(a);
        before.unchanged()?;
    }
    Ok(())
}

#[test]
fn without_keys_and_without_addresses() -> Result {
    if !require(Feature::Tap)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    // Where SELinux does not decide, a context means nothing.
    let conf = bed.conf(
        "tap",
        json!({"ipam": {}, "selinuxContext": "system_u:system_r:container_t:s0"}),
    );
    let a = bed.add("a", &conf)?;
    let shown = link(&a.ns, "eth0")?;
    assert_eq!(data(&shown, "multi_queue"), json!(false));
    assert_eq!(
        (data(&shown, "user"), data(&shown, "group")),
        (Value::Null, Value::Null)
    );
    assert!(a.result.get("ips").is_none_or(|ips| *ips == json!([])));
    a.check()?;
    a.del()
}

#[test]
fn in_a_bridge_of_the_containers() -> Result {
    if !require(Feature::Tap)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let ns = bed.container()?;
    ns.sh(
        "ip link add br0 type bridge; ip link set br0 addrgenmode none up; ip link add v0 type veth peer name v1",
    )?;
    let mut conf = bed.conf("tap", json!({"ipam": {}, "bridge": "br0"}));
    let cni = bed.cni("a", &ns, &conf);
    let result = cni.add()?.ok()?;
    assert_eq!(link(&ns, "eth0")?["master"], "br0");
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;

    conf["ipam"] = bed.ipam(Families::Dual);
    let before = State::take(&bed, &[&ns])?;
    for (bridge, reason) in [("br7", "there is no such link"), ("v0", "but no bridge")] {
        conf["bridge"] = json!(bridge);
        let error = bed.cni("a", &ns, &conf).add()?.fails(7)?;
        let start = format!("bridge: {bridge:?}: ");
        assert!(
            error.msg.starts_with(&start) && error.msg.contains(reason),
            "{error:?}"
        );
        assert!(!error.details.contains("left"), "{error:?}");
    }
    before.unchanged()
}

/// A name that is taken, whatever by.
#[test]
fn a_name_that_is_taken() -> Result {
    if !require(Feature::Tap)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let ns = bed.container()?;
    ns.run("ip tuntap add mode tap name eth0")?;
    let before = State::take(&bed, &[&ns])?;
    bed.cni("a", &ns, &bed.conf("tap", json!({})))
        .add()?
        .fails(103)?;
    before.unchanged()
}
