//! `preserveDefaultVlan`: whether the port stays in VLAN 1, where the kernel puts it.

use anyhow::Result;
use fairway_lab::json;

use super::bed::{Bed, vlans};

/// Kept, it is a second VLAN on the port, no longer the native one.
pub(super) fn kept_when_told() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({"vlan": 100, "preserveDefaultVlan": true});
    let a = bed.attach(&keys)?;
    assert_eq!(bed.port_vlans(&a)?, "1 untagged, 100 pvid untagged");
    let keys = json!({"vlan": 100, "vlanTrunk": [{"id": 7}], "preserveDefaultVlan": true});
    let b = bed.attach(&keys)?;
    assert_eq!(bed.port_vlans(&b)?, "1 untagged, 7, 100 pvid untagged");
    Ok(())
}

/// Taken away where the key says so.
pub(super) fn removed_when_told() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({"vlan": 100, "preserveDefaultVlan": false});
    let a = bed.attach(&keys)?;
    assert_eq!(bed.port_vlans(&a)?, "100 pvid untagged");
    Ok(())
}

/// It decides about the gateway's port as about the container's.
pub(super) fn holds_for_the_gateway() -> Result<()> {
    for (preserve, wanted) in [
        (true, "1 untagged, 100 pvid untagged"),
        (false, "100 pvid untagged"),
    ] {
        let bed = Bed::new()?;
        let keys = json!({
            "vlan": 100, "preserveDefaultVlan": preserve, "isGateway": true,
            "ipam": bed.ipam(&["10.20.0.0/24"]),
        });
        bed.attach(&keys)?;
        let port = super::gateway::port_of(bed.node(), "br0.100")?;
        assert_eq!(vlans(bed.node(), &port)?, wanted);
    }
    Ok(())
}
