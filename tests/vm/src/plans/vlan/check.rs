//! CHECK on ports with VLANs.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::Bed;

/// What ADD left passes, with and without a gateway.
pub(super) fn passes_after_add() -> Result<()> {
    let bed = Bed::new()?;
    for keys in [
        json!({"vlan": 100, "ipam": bed.ipam(&["10.20.0.0/24", "fd20::/64"])}),
        json!({"vlan": 200, "isGateway": true, "ipam": bed.ipam(&["10.30.0.0/24"])}),
        json!({"vlanTrunk": [{"id": 9}], "ipam": bed.ipam(&["10.40.0.0/24"])}),
    ] {
        let a = bed.attach(&keys)?;
        a.cni.check(&a.result)?.ok()?;
    }
    Ok(())
}

/// A VLAN that somebody took off the port, or made tagged, is named. (The reference's
/// plugin does not look.)
pub(super) fn finds_a_missing_vlan() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({
        "vlan": 100, "vlanTrunk": [{"minID": 7, "maxID": 9}],
        "ipam": bed.ipam(&["10.20.0.0/24"]),
    });
    let a = bed.attach(&keys)?;
    let port = a.port()?;
    for (spoil, mend, named) in [
        ("del vid 8", "add vid 8", "8"),
        ("del vid 100", "add vid 100 pvid untagged", "100"),
        ("add vid 100 pvid", "add vid 100 pvid untagged", "100"),
    ] {
        let vlan = |change: &str| {
            let (verb, rest) = change.split_once(' ').unwrap_or((change, ""));
            bed.node()
                .run(&format!("bridge vlan {verb} dev {port} {rest}"))
        };
        vlan(spoil)?;
        let outcome = a.cni.check(&a.result)?;
        let error = outcome.error.as_ref().map(|e| e.msg.as_str());
        let told = error.is_some_and(|e| e.contains(&format!("VLAN {named}")));
        ensure!(told, "{spoil}: {outcome:?}");
        vlan(mend)?;
        a.cni.check(&a.result)?.ok()?;
    }
    Ok(())
}
