//! The dummy plugin.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, link};

/// With both families, CHECK, and DEL.
pub(super) fn comes_and_goes() -> Result<()> {
    let bed = Bed::new()?;
    let (ns, cni, result) = bed.attach("dummy", "a", &json!({"mtu": 1400}))?;
    let shown = link(&ns, "eth0")?;
    ensure!(
        shown["linkinfo"]["info_kind"] == "dummy" && shown["mtu"] == 1400,
        "{shown}"
    );
    ensure!(
        shown["addr_info"].to_string().contains("fd20::2"),
        "{shown}"
    );
    // Own addresses are reached by way of lo.
    ns.sh("ip link set lo up; ping -n -c 1 -W 10 10.20.0.2")?;
    ns.run("ip link set eth0 down")?;
    let error = cni.check(&result)?.fails(100)?;
    ensure!(error.msg.contains("is down"), "{error:?}");
    cni.del(Some(&result))?.ok()?;
    cni.del(None)?.ok()?;
    ensure!(bed.taken() == 0 && link(&ns, "eth0").is_err(), "left");
    bed.refuses("dummy", &json!({"ipam": {}}), 7, "ipam.type: missing")?;
    bed.refuses("dummy", &json!({"policy": true}), 2, "policy: true: ")
}
