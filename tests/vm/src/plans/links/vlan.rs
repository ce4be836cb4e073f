//! The vlan plugin.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, link, reaches};

/// A machine on the wire sees the tag, and one without it sees nobody.
pub(super) fn tagged_on_the_wire() -> Result<()> {
    let bed = Bed::new()?;
    bed.machine.sh(
        "ip link add link eth0 name eth0.100 type vlan id 100; ip link set eth0.100 up
         ip addr del 10.20.0.1/24 dev eth0; ip -6 addr del fd20::1/64 dev eth0
         ip addr add 10.20.0.1/24 dev eth0.100; ip -6 addr add fd20::1/64 dev eth0.100 nodad",
    )?;
    let (ns, cni, result) = bed.attach("vlan", "a", &json!({"vlanId": 100, "mtu": 1400}))?;
    let shown = link(&ns, "eth0")?;
    ensure!(shown["linkinfo"]["info_data"]["id"] == 100, "{shown}");
    ensure!(shown["mtu"] == 1400, "{shown}");
    ensure!(
        result["interfaces"][0]["mac"] == shown["address"],
        "{result}"
    );
    reaches(&ns, "10.20.0.1")?;
    reaches(&ns, "fd20::1")?;
    // CHECK knows the VLAN.
    let other = bed.cni("vlan", "a", &ns, &json!({"vlanId": 101, "mtu": 1400}));
    let error = other.check(&result)?.fails(100)?;
    ensure!(
        error.msg.contains("has VLAN 100, expected 101"),
        "{error:?}"
    );
    cni.del(Some(&result))?.ok()?;
    cni.del(Some(&result))?.ok()?;
    ensure!(bed.taken() == 0 && link(&ns, "eth0").is_err(), "left");
    Ok(())
}

/// The master is the container's own.
pub(super) fn in_a_container() -> Result<()> {
    let bed = Bed::new()?;
    let ns = bed.lab.container()?;
    ns.sh("ip link add up0 type veth peer name up1; ip link set up0 up; ip link set up1 up")?;
    let cni = bed.cni(
        "vlan",
        "a",
        &ns,
        &json!({"vlanId": 5, "linkInContainer": true}),
    );
    let result = cni.add()?.ok()?;
    cni.check(&result)?.ok()?;
    ensure!(link(&ns, "eth0")?["link"] == "up0", "another master");
    cni.del(Some(&result))?.ok()?;
    ensure!(link(&ns, "eth0").is_err(), "left");
    Ok(())
}

/// By a container, whom nobody sees from here.
pub(super) fn a_vlan_is_taken() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({"vlanId": 100});
    let (_a, cni, _) = bed.attach("vlan", "a", &keys)?;
    bed.refuses(
        "vlan",
        &keys,
        105,
        "vlanId: 100: master up0 has a link for this VLAN",
    )?;
    let judged = json!({"vlanId": 101, "policy": true});
    bed.refuses("vlan", &judged, 2, "policy: true: ")?;
    cni.del(None)?.ok()?;
    // Freed with the link.
    let (b, ..) = bed.attach("vlan", "b", &keys)?;
    drop(b);
    Ok(())
}

/// So would be its VLANs.
pub(super) fn a_master_that_is_down() -> Result<()> {
    let bed = Bed::new()?;
    bed.node().run("ip link set up0 down")?;
    bed.refuses(
        "vlan",
        &json!({"vlanId": 100}),
        105,
        "master: \"up0\": is down",
    )?;
    for (keys, start) in [
        (json!({"vlanId": 4095}), "vlanId: 4095: "),
        (
            json!({"vlanId": 1, "mtu": 1501}),
            "mtu: 1501: is more than the 1500",
        ),
        (
            json!({"vlanId": 1, "master": "up7"}),
            "master: \"up7\": there is no such link",
        ),
    ] {
        bed.refuses("vlan", &keys, 7, start)?;
    }
    Ok(())
}
