//! The same calls through our plugin and through the reference's: the same results, the
//! same state of node and containers.
//!
//! Debian's version of the reference does not know preserveDefaultVlan; it always keeps
//! that VLAN, so here ours is told to.

use anyhow::{Context, Result, ensure};
use fairway_lab::{Ns, Value, json};

use super::bed::{Bed, Container};
use super::state::State;

/// What one implementation made of a config.
struct Made {
    results: Vec<Value>,
    /// (when and where, what was there)
    states: Vec<(&'static str, State)>,
}

fn run(bed: &Bed, keys: &Value) -> Result<Made> {
    let (a, b) = (bed.attach(keys)?, bed.attach(keys)?);
    let mut states = vec![
        ("node after ADD", State::of(bed.node())?),
        ("container after ADD", State::of(&b.ns)?),
    ];
    let results = [&a, &b].map(|c| shape(bed.node(), c));
    b.cni.del(Some(&b.result))?.ok()?;
    states.push(("node after DEL", State::of(bed.node())?));
    states.push(("container after DEL", State::of(&b.ns)?));
    Ok(Made {
        results: results.into_iter().collect::<Result<_>>()?,
        states,
    })
}

/// The result with what differs from run to run told by what it stands for.
fn shape(node: &Ns, of: &Container) -> Result<Value> {
    let mut result = of.result.clone();
    let interfaces = result["interfaces"].as_array_mut().context("interfaces")?;
    for (at, interface) in interfaces.iter_mut().enumerate() {
        let inside = interface.get("sandbox").is_some();
        let ns = if inside { &of.ns } else { node };
        let name = interface["name"].as_str().context("a name")?;
        let link = ns.json(&format!("ip -j link show dev {name}"))?;
        // A bridge takes on its ports' MACs; the reference's may have moved on by now.
        if at == 0 || interface["mac"] == link[0]["address"] {
            interface["mac"] = json!("the link's");
        }
        if at == 1 {
            interface["name"] = json!("the port");
        }
        if interface["sandbox"] == of.ns.path().display().to_string() {
            interface["sandbox"] = json!("the container");
        }
    }
    // No DNS settings may be an empty object or no key.
    if let Some(result) = result.as_object_mut() {
        result.retain(|key, value| key != "dns" || *value != json!({}));
    }
    Ok(result)
}

fn same(keys: impl Fn(&Bed) -> Value) -> Result<()> {
    let (theirs, ours) = (Bed::reference()?, Bed::new()?);
    let theirs = run(&theirs, &keys(&theirs))?;
    let ours = run(&ours, &keys(&ours))?;
    assert_eq!(theirs.results, ours.results);
    for ((what, theirs), (_, ours)) in theirs.states.iter().zip(&ours.states) {
        let diff = theirs.diff(ours);
        ensure!(diff.is_empty(), "{what}, - theirs, + ours:\n{diff}");
    }
    Ok(())
}

/// An access port.
pub(super) fn vlan() -> Result<()> {
    same(|bed| {
        json!({
            "vlan": 100, "preserveDefaultVlan": true,
            "ipam": bed.ipam(&["10.20.0.0/24", "fd20::/64"]),
        })
    })
}

/// An access port whose VLAN has a gateway.
pub(super) fn vlan_with_gateway() -> Result<()> {
    same(|bed| {
        json!({
            "vlan": 100, "preserveDefaultVlan": true, "isDefaultGateway": true,
            "ipam": bed.ipam(&["10.20.0.0/24", "fd20::/64"]),
        })
    })
}

/// Only a link, no addresses.
pub(super) fn vlan_without_ipam() -> Result<()> {
    same(|_| json!({"vlan": 4094, "preserveDefaultVlan": true, "mtu": 1400}))
}
