//! macvlan, where a kernel before 6.15 does otherwise than the build machine's.

use anyhow::{Result, ensure};
use fairway_lab::{json, poll};

use super::bed::{Bed, SOON, link, reaches};

/// There the kernel refuses a name that the host has, unless an index is asked for.
pub(super) fn with_a_name_of_the_hosts() -> Result<()> {
    let bed = Bed::with("eth0")?;
    let keys = json!({"master": "eth0"});
    let (a, cni, result) = bed.attach("macvlan", "a", &keys)?;
    let (b, ..) = bed.attach("macvlan", "b", &keys)?;
    let host = link(bed.node(), "eth0")?;
    ensure!(host["linkinfo"]["info_kind"] == "veth", "{host}");
    for ns in [&a, &b] {
        reaches(ns, "10.20.0.1")?;
        reaches(ns, "fd20::1")?;
    }
    // A second interface of the same container, whose name the host does not have.
    let second = bed.cni("macvlan", "a", &a, &keys).ifname("net1");
    second.add()?.ok()?;
    // And one that the container has is told as such.
    cni.add()?.fails(103)?;
    second.del(None)?.ok()?;
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    ensure!(bed.taken() == 2 && link(&a, "eth0").is_err(), "left");
    Ok(())
}

/// Gratuitous ARP, and an unsolicited advertisement.
pub(super) fn announces_itself() -> Result<()> {
    let bed = Bed::new()?;
    bed.machine.set_sysctl("ipv4/conf/eth0/arp_accept", "1")?;
    let (_a, _, result) = bed.attach("macvlan", "a", &json!({}))?;
    let mac = result["interfaces"][0]["mac"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    poll(SOON, "a gratuitous ARP", || {
        let known = bed
            .machine
            .run("ip neigh show 10.20.0.2")
            .unwrap_or_default();
        known.contains(&mac)
    })?;
    poll(SOON, "an unsolicited advertisement", || {
        let counters = bed.machine.run("cat /proc/net/snmp6").unwrap_or_default();
        let mut lines = counters.lines();
        lines.any(|line| {
            line.starts_with("Icmp6InNeighborAdvertisements")
                && !line.trim_end().ends_with(" 0")
                && !line.trim_end().ends_with("\t0")
        })
    })?;
    Ok(())
}
