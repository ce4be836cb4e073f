//! Without `ipam`: a wire and nothing else; and `disableContainerInterface`.

use fairway_tests_netns::{Bed, Result, State, json, link, reaches};

#[test]
fn without_ipam_there_is_a_wire() -> Result {
    let bed = Bed::new()?;
    for (n, ipam) in [json!(null), json!({})].into_iter().enumerate() {
        let conf = bed.conf("bridge", json!({"ipam": ipam, "isGateway": true}));
        let (a, b) = (
            bed.add(&format!("a{n}"), &conf)?,
            bed.add(&format!("b{n}"), &conf)?,
        );
        assert!(
            a.result["ips"].as_array().is_none_or(Vec::is_empty),
            "{}",
            a.result
        );
        assert_eq!(a.result["interfaces"].as_array().unwrap().len(), 3);
        assert_eq!(link(&a.ns, "eth0")?["operstate"], "UP");
        a.ns.addr("eth0", "10.55.0.1/24")?;
        b.ns.addr("eth0", "10.55.0.2/24")?;
        reaches(&a.ns, "10.55.0.2")?;
        a.check()?;
        a.del()?;
        b.del()?;
    }
    assert_eq!(bed.held("net"), [""; 0]);
    Ok(())
}

#[test]
fn a_disabled_container_interface_is_down() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf(
        "bridge",
        json!({"ipam": null, "disableContainerInterface": true}),
    );
    let a = bed.add("a", &conf)?;
    let flags = link(&a.ns, "eth0")?["flags"].to_string();
    assert!(!flags.contains("UP"), "{flags}");
    assert_eq!(link(bed.node(), &a.host_link())?["master"], "br0");
    a.check()?;
    a.del()
}

#[test]
fn a_disabled_container_interface_cannot_have_addresses() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let conf = bed.conf("bridge", json!({"disableContainerInterface": true}));
    let error = bed.cni("a", &ns, &conf).add()?.fails(7)?;
    assert!(error.msg.contains("disableContainerInterface"), "{error:?}");
    before.unchanged()
}
