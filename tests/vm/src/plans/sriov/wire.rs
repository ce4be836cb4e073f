//! What goes over the wire.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, address_of, link, reaches};

/// Both families, each way, with an address of the configuration's and one of the function's own.
pub(super) fn two_containers_and_the_outside() -> Result<()> {
    let bed = Bed::new()?;
    let before = bed.all()?;
    let mac = "02:00:00:00:00:10";
    let (a, a_cni, a_result) = bed.attach(
        "a",
        &json!({"runtimeConfig": {"mac": mac}, "ipam": bed.both()}),
    )?;
    let (b, b_cni, b_result) = bed.attach(
        "b",
        &json!({"deviceID": bed.address(4)?, "ipam": bed.both()}),
    )?;
    let interface = &a_result["interfaces"][0];
    ensure!(
        interface["mac"] == mac && interface["pciID"] == bed.address(0)?.as_str(),
        "{a_result}"
    );
    ensure!(link(&a, "eth0")?["address"] == mac, "{}", link(&a, "eth0")?);
    ensure!(
        link(&b, "eth0")?["address"] == b_result["interfaces"][0]["mac"],
        "{b_result}"
    );
    for v6 in [false, true] {
        let wire = if v6 { "fd20::1" } else { "10.20.0.1" };
        for (ns, other) in [(&a, &b_result), (&b, &a_result)] {
            reaches(ns, wire)?;
            reaches(ns, &address_of(other, v6)?)?;
        }
        reaches(&bed.outside, &address_of(&a_result, v6)?)?;
    }
    a_cni.check(&a_result)?.ok()?;
    a_cni.del(Some(&a_result))?.ok()?;
    a_cni.del(None)?.ok()?;
    // An answer of the first version, as Mesos reads it.
    let mut conf = b_cni.conf().clone();
    b_cni.del(None)?.ok()?;
    conf["cniVersion"] = json!("0.1.0");
    let old = b_cni.config(conf);
    let result = old.add()?.ok()?;
    ensure!(
        result["ip4"]["ip"].is_string() && result["ip6"]["ip"].is_string(),
        "{result}"
    );
    old.del(None)?.ok()?;
    ensure!(bed.all()? == before, "{:?}\n{before:?}", bed.all()?);
    bed.is_clean()
}

/// Tagged outside, untagged inside.
pub(super) fn a_vlan_that_the_container_does_not_see() -> Result<()> {
    let bed = Bed::new()?;
    let (ns, cni, result) =
        bed.attach("a", &json!({"vlan": 100, "vlanQoS": 3, "ipam": bed.both()}))?;
    let wire = &bed.outside_link;
    bed.outside.sh(&format!(
        "ip link add tagged link {wire} type vlan id 100; ip addr flush dev {wire}
         ip addr add 10.20.0.1/24 dev tagged; ip -6 addr add fd20::1/64 dev tagged nodad; ip link set tagged up"
    ))?;
    reaches(&ns, "10.20.0.1")?;
    reaches(&ns, "fd20::1")?;
    // And is not heard by those who are not in it.
    bed.outside.sh(&format!(
        "ip link del tagged; ip addr add 10.20.0.1/24 dev {wire}; ip link set {wire} up"
    ))?;
    ensure!(
        ns.run("ping -n -c 2 -W 1 10.20.0.1").is_err(),
        "it was heard without its VLAN"
    );
    ensure!(bed.vf(0)?["vlan_list"][0]["vlan"] == 100, "{}", bed.vf(0)?);
    cni.del(Some(&result))?.ok()?;
    let (ns, ..) = bed.attach("b", &json!({}))?;
    reaches(&ns, "10.20.0.1")
}
