//! A bridge that is there already and does not filter.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, answers, filters, is_silent};

/// It filters from now on: a `vlan` that keeps nothing apart would be worse than an error.
/// (The reference's plugin leaves the bridge as it is, and says nothing.) Containers that
/// were there go on talking, in VLAN 1.
pub(super) fn bridge_filters_from_now_on() -> Result<()> {
    let bed = Bed::new()?;
    let ipam = bed.ipam(&["10.20.0.0/24"]);
    let a = bed.attach(&json!({"ipam": ipam}))?;
    let b = bed.attach(&json!({"ipam": ipam}))?;
    ensure!(!filters(bed.node())?, "it filters already");
    let c = bed.attach(&json!({"vlan": 100, "ipam": ipam}))?;
    let d = bed.attach(&json!({"vlan": 100, "ipam": ipam}))?;
    ensure!(filters(bed.node())?, "it does not filter");
    assert_eq!(bed.port_vlans(&c)?, "100 pvid untagged");
    answers(&a.ns, b.address(0)?)?;
    answers(&c.ns, d.address(0)?)?;
    is_silent(&a.ns, c.address(0)?)
}

/// Filtering stays on when a container without VLANs comes.
pub(super) fn bridge_goes_on_filtering() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&json!({"vlan": 100}))?;
    let b = bed.attach(&json!({}))?;
    ensure!(filters(bed.node())?, "it does not filter");
    assert_eq!(bed.port_vlans(&a)?, "100 pvid untagged");
    assert_eq!(bed.port_vlans(&b)?, "1 pvid untagged");
    Ok(())
}
