//! A namespace goes before DEL, and takes nothing with it.

use anyhow::{Result, ensure};
use fairway_lab::{json, poll};

use super::bed::{Bed, SOON, reaches};

/// The kernel puts the link back under some other name, down, and the card keeps what was set.
pub(super) fn with_its_namespace() -> Result<()> {
    let bed = Bed::new()?;
    let before = bed.all()?;
    let keys =
        json!({"deviceID": bed.address(3)?, "vlan": 100, "mac": "02:00:00:00:00:33", "mtu": 1400});
    for by in ["DEL", "GC", "ADD", "ADD of any"] {
        let (ns, cni, _) = bed.attach("a", &keys)?;
        ensure!(bed.link_of(3).is_none(), "it is still on the node");
        drop(ns);
        if by != "ADD" {
            poll(SOON, "it to come back", || bed.link_of(3).is_some())?;
            ensure!(bed.all()? != before, "nothing was to be put right");
        }
        match by {
            "DEL" => drop(cni.netns_path(None).del(None)?.ok()?),
            "GC" => {
                cni.gc(&[("a", "eth0")])?.ok()?;
                ensure!(bed.all()? != before, "GC has touched what is valid");
                cni.gc(&[])?.ok()?;
            }
            "ADD" => {
                // At once: it may still be on its way.
                let (_ns, next, result) = bed.attach("b", &json!({"deviceID": bed.address(3)?}))?;
                ensure!(
                    bed.vf(3)?["vlan_list"] == before[3]["vf"]["vlan_list"],
                    "{}",
                    bed.vf(3)?
                );
                cni.netns_path(None).del(None)?.ok()?;
                next.check(&result)?.ok()?;
                next.del(Some(&result))?.ok()?;
            }
            _ => {
                let mut others = Vec::new();
                for n in 0..7 {
                    others.push(bed.attach(&format!("other{n}"), &json!({}))?);
                }
                cni.netns_path(None).del(None)?.ok()?;
                for (_ns, other, result) in others {
                    other.check(&result)?.ok()?;
                    other.del(Some(&result))?.ok()?;
                }
            }
        }
        ensure!(bed.all()? == before, "{by}: {:#?}\n{before:#?}", bed.all()?);
        bed.is_clean()?;
    }
    Ok(())
}

/// What the reference plugin does: it resets a function that another container has by now.
pub(super) fn a_late_del_is_harmless() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({"deviceID": bed.address(0)?, "mac": "02:00:00:00:00:0a", "vlan": 100});
    let (ns, late, old) = bed.attach("a", &keys)?;
    drop(ns);
    let keys = json!({"deviceID": bed.address(0)?, "mac": "02:00:00:00:00:0b"});
    let (ns, cni, result) = bed.attach("b", &keys)?;
    reaches(&ns, "10.20.0.1")?;
    let before = (bed.vf(0)?, ns.run("ip -d -4 addr show dev eth0")?);
    // Without a namespace; with its own path, where nothing is; with one that the other has now.
    for late in [
        late.clone().netns_path(None),
        late.clone(),
        late.clone().netns(&ns),
    ] {
        late.del(Some(&old))?.ok()?;
        late.del(None)?.ok()?;
        let now = (bed.vf(0)?, ns.run("ip -d -4 addr show dev eth0")?);
        ensure!(now == before, "{now:?}\n{before:?}");
        cni.check(&result)?.ok()?;
        reaches(&ns, "10.20.0.1")?;
    }
    cni.gc(&[("b", "eth0")])?.ok()?;
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    bed.is_clean()
}
