//! `vlanTrunk`: the container's port carries tagged VLANs.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, answers, filters, is_silent};

/// Single numbers and ranges, in any order and twice; without `vlan` the native one is 1.
pub(super) fn ids_and_ranges() -> Result<()> {
    let bed = Bed::new()?;
    let trunk = json!([{"minID": 110, "maxID": 112}, {"id": 101}, {"id": 111},
                       {"id": 120, "minID": 112, "maxID": 113}]);
    let a = bed.attach(&json!({"vlanTrunk": trunk}))?;
    let wanted = "1 pvid untagged, 101, 110, 111, 112, 113, 120";
    assert_eq!(bed.port_vlans(&a)?, wanted);
    ensure!(filters(bed.node())?, "the bridge does not filter");
    Ok(())
}

/// With `vlan`, that one is native and 1 is not there.
pub(super) fn native_vlan() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlan": 50, "vlanTrunk": [{"id": 60}]}))?;
    assert_eq!(bed.port_vlans(&a)?, "50 pvid untagged, 60");
    Ok(())
}

/// The native VLAN stays untagged where the trunk's range covers it.
pub(super) fn native_vlan_within() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlan": 50, "vlanTrunk": [{"minID": 49, "maxID": 51}]}))?;
    assert_eq!(bed.port_vlans(&a)?, "49, 50 pvid untagged, 51");
    Ok(())
}

/// All VLANs that there are.
pub(super) fn whole_range() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlanTrunk": [{"minID": 1, "maxID": 4094}]}))?;
    let vlans = bed.port_vlans(&a)?;
    assert_eq!(vlans.split(", ").count(), 4094);
    ensure!(vlans.starts_with("1 pvid untagged, 2, "), "{vlans}");
    Ok(())
}

/// A trunk that names no VLAN takes none from the port.
pub(super) fn empty_trunk() -> Result<()> {
    for trunk in [json!([]), json!([{}])] {
        let bed = Bed::new()?;
        let a = bed.attach(&json!({"vlanTrunk": trunk}))?;
        assert_eq!(bed.port_vlans(&a)?, "1 pvid untagged");
    }
    Ok(())
}

/// Tagged frames pass in the trunk's VLANs and in no other.
pub(super) fn only_trunk_vlans_pass() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({"vlanTrunk": [{"id": 101}, {"minID": 110, "maxID": 112}]});
    let (a, b) = (bed.attach(&keys)?, bed.attach(&keys)?);
    for vlan in [101, 112, 113] {
        a.tagged(vlan, &format!("10.{vlan}.0.1/24"))?;
        b.tagged(vlan, &format!("10.{vlan}.0.2/24"))?;
    }
    a.ns.addr("eth0.101", "fd01::1/64")?;
    b.ns.addr("eth0.101", "fd01::2/64")?;
    answers(&a.ns, "10.101.0.2")?;
    answers(&a.ns, "fd01::2")?;
    answers(&a.ns, "10.112.0.2")?;
    is_silent(&a.ns, "10.113.0.2")?;
    for port in [a.port()?, b.port()?] {
        bed.node()
            .run(&format!("bridge vlan add dev {port} vid 113"))?;
    }
    answers(&a.ns, "10.113.0.2")
}

/// A trunk's tagged VLAN is an access port's untagged one.
pub(super) fn trunk_meets_access_port() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlanTrunk": [{"id": 100}]}))?;
    let b = bed.attach(&json!({"vlan": 100, "ipam": bed.ipam(&["10.20.0.0/24"])}))?;
    a.tagged(100, "10.20.0.200/24")?;
    answers(&a.ns, b.address(0)?)
}
