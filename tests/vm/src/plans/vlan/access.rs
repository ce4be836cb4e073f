//! `vlan`: the container's port is an access port.

use anyhow::{Context, Result, ensure};
use fairway_lab::json;

use super::bed::{BRIDGE, Bed, answers, filters, is_silent, vlans};

/// One VLAN, untagged both ways; the bridge filters, and itself stays out of the VLAN.
pub(super) fn pvid_untagged() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlan": 100}))?;
    assert_eq!(bed.port_vlans(&a)?, "100 pvid untagged");
    assert_eq!(vlans(bed.node(), BRIDGE)?, "1 pvid untagged");
    ensure!(filters(bed.node())?, "the bridge does not filter");
    let interfaces = a.result["interfaces"].as_array().context("interfaces")?;
    assert_eq!(interfaces.len(), 3, "{}", a.result);
    for (interface, ns) in interfaces.iter().zip([bed.node(), bed.node(), &a.ns]) {
        let name = interface["name"].as_str().context("a name")?;
        let link = ns.json(&format!("ip -j link show dev {name}"))?;
        assert_eq!(interface["mac"], link[0]["address"], "{name}");
    }
    Ok(())
}

/// The lowest and the highest number that a VLAN can have.
pub(super) fn edge_numbers() -> Result<()> {
    let bed = Bed::new()?;
    for vlan in [1, 4094] {
        let a = bed.attach(&json!({"vlan": vlan}))?;
        assert_eq!(bed.port_vlans(&a)?, format!("{vlan} pvid untagged"));
    }
    Ok(())
}

/// `vlan: 0` is no VLAN at all.
pub(super) fn zero_is_none() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlan": 0}))?;
    ensure!(!filters(bed.node())?, "the bridge filters");
    assert_eq!(bed.port_vlans(&a)?, "1 pvid untagged");
    Ok(())
}

/// Containers of one VLAN reach each other over IPv4 and IPv6, others do not, though they
/// are in the same subnets. What keeps them apart is the VLAN: moved over, they talk.
pub(super) fn only_the_same_vlan_talks() -> Result<()> {
    let bed = Bed::new()?;
    let ipam = bed.ipam(&["10.20.0.0/24", "fd20::/64"]);
    let a = bed.attach(&json!({"vlan": 100, "ipam": ipam}))?;
    let b = bed.attach(&json!({"vlan": 100, "ipam": ipam}))?;
    let c = bed.attach(&json!({"vlan": 200, "ipam": ipam}))?;
    for family in [0, 1] {
        answers(&a.ns, b.address(family)?)?;
        is_silent(&a.ns, c.address(family)?)?;
    }
    let port = c.port()?;
    bed.node()
        .run(&format!("bridge vlan add dev {port} vid 100 pvid untagged"))?;
    for family in [0, 1] {
        answers(&a.ns, c.address(family)?)?;
    }
    Ok(())
}
