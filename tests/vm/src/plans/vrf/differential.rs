//! Beside the reference plugin.

use anyhow::{Result, ensure};
use fairway_lab::{json, plugin_dir, reference_dir};

use super::bed::{Bed, link};

pub(super) fn the_same_links_and_routes() -> Result<()> {
    for keys in [json!({}), json!({"table": 77})] {
        let table = keys["table"].as_u64().unwrap_or(1).try_into()?;
        let shown = |dir: std::path::PathBuf| -> Result<String> {
            let bed = Bed::new("1.0.0")?;
            let result = bed.cni(&dir, 0, &keys).add()?.ok()?;
            let addresses = |value: &fairway_lab::Value| value["ips"].clone();
            assert_eq!(addresses(&result), addresses(&bed.results[0]));
            bed.cni(&dir, 1, &keys).add()?.ok()?;
            // The reference writes routes of IPv6 to subnets a second time, as nobody's.
            Ok(bed.shown(table)?.replace(" proto kernel", ""))
        };
        let (theirs, ours) = (shown(reference_dir())?, shown(plugin_dir())?);
        // A link that comes to a VRF loses its routes by gateways. Debian's version lets them go; later ones, and ours,
        // have them in the VRF's table.
        let by_gateways = |line: &&str| line.contains(" via ");
        let kept = ours.lines().filter(by_gateways);
        let of: Vec<&str> = kept.filter_map(|line| line.split(' ').next()).collect();
        ensure!(
            of == ["10.90.0.0/16", "10.91.0.0/16", "fd90::/48", "fd91::/48"],
            "{ours}"
        );
        let rest: Vec<&str> = ours.lines().filter(|line| !by_gateways(line)).collect();
        let same = theirs.lines().eq(rest);
        ensure!(same, "- the reference\n{theirs}\n+ ours\n{ours}");
    }
    Ok(())
}

pub(super) fn either_removes_what_the_other_made() -> Result<()> {
    for (first, second) in [
        (reference_dir(), plugin_dir()),
        (plugin_dir(), reference_dir()),
    ] {
        let bed = Bed::new("1.0.0")?;
        bed.cni(&first, 0, &json!({})).add()?.ok()?;
        let other = bed.cni(&second, 0, &json!({}));
        other.check(&bed.results[0])?.ok()?;
        other.del(Some(&bed.results[0]))?.ok()?;
        ensure!(link(&bed.ns, "red").is_err() && link(&bed.ns, "eth0")?.get("master").is_none());
    }
    Ok(())
}
