//! STATUS: would an ADD succeed now?

use fairway_tests_netns::{Bed, Result, json};

#[test]
fn a_ready_node_is_ready() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    for kind in ["bridge", "ptp", "loopback", "host-local"] {
        bed.cni("a", &ns, &bed.conf(kind, json!({})))
            .status()?
            .ok()?;
    }
    // It changes nothing.
    assert!(bed.node().run("ip link show br0").is_err() && !bed.data().exists());
    Ok(())
}

#[test]
fn a_full_range_is_unavailable() -> Result {
    for kind in ["bridge", "ptp", "host-local"] {
        let bed = Bed::new()?;
        let mut conf = bed.conf(kind, json!({}));
        conf["ipam"]["ranges"] = json!([[{"subnet": "10.1.0.0/30", "gateway": "10.1.0.1"}], [{"subnet": "fd00:1::/64"}]]);
        let a = bed.add("a", &conf)?;
        let error = a.cni.status()?.fails(50)?;
        assert!(error.msg.contains("10.1.0"), "{error:?}");
        let ns = bed.container()?;
        let error = bed.cni("b", &ns, &conf).add()?.fails(101)?;
        assert!(error.msg.contains("10.1.0"), "{error:?}");
        a.del()?;
        a.cni.status()?.ok()?;
    }
    Ok(())
}

#[test]
fn a_bridge_name_that_is_something_else() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    bed.node()
        .run("ip link add br0 type veth peer name other")?;
    let error = bed
        .cni("a", &ns, &bed.conf("bridge", json!({})))
        .status()?
        .fails(50)?;
    assert!(
        error.msg.contains("br0") && error.msg.contains("not a bridge"),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn a_configuration_that_no_add_would_take() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    for (kind, extra, field) in [
        ("bridge", json!({"mtu": "big"}), "mtu"),
        ("bridge", json!({"vlan": 5000}), "vlan"),
        ("ptp", json!({"ipMasq": 1}), "ipMasq"),
    ] {
        let error = bed
            .cni("a", &ns, &bed.conf(kind, extra))
            .status()?
            .fails(7)?;
        assert!(error.msg.contains(field), "{error:?}");
    }
    let error = bed
        .cni(
            "a",
            &ns,
            &bed.conf("bridge", json!({"ipam": {"type": "nowhere"}})),
        )
        .status()?;
    assert!(error.fails(107).is_ok(), "{error:?}");
    Ok(())
}
