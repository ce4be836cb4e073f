//! The ipvlan plugin.

use anyhow::{Result, ensure};
use fairway_lab::{Ns, json};

use super::bed::{Bed, link, reaches};

/// Each with both families; two containers of one master, and the wire.
pub(super) fn modes() -> Result<()> {
    for mode in ["l2", "l3", "l3s"] {
        let bed = Bed::new()?;
        let keys = json!({"mode": mode});
        let (a, cni, result) = bed.attach("ipvlan", "a", &keys)?;
        let (b, ..) = bed.attach("ipvlan", "b", &keys)?;
        let shown = link(&a, "eth0")?;
        ensure!(shown["linkinfo"]["info_data"]["mode"] == mode, "{shown}");
        let up0 = link(bed.node(), "up0")?;
        ensure!(shown["address"] == up0["address"], "{shown}");
        reaches(&a, "10.20.0.3")?;
        reaches(&b, "fd20::2")?;
        if mode == "l2" {
            reaches(&a, "10.20.0.1")?;
            reaches(&a, "fd20::1")?;
        }
        let other = if mode == "l2" { "l3" } else { "l2" };
        let otherwise = bed.cni("ipvlan", "a", &a, &json!({"mode": other}));
        let error = otherwise.check(&result)?.fails(100)?;
        ensure!(
            error
                .msg
                .contains(&format!("has mode {mode}, expected {other}")),
            "{error:?}"
        );
        cni.del(Some(&result))?.ok()?;
        ensure!(link(&a, "eth0").is_err() && bed.taken() == 2, "left");
    }
    Ok(())
}

/// The kernel would change those that are there, so it is refused: one of the node's own, and one of a container.
pub(super) fn mixed_modes() -> Result<()> {
    let bed = Bed::new()?;
    bed.node()
        .run("ip link add link up0 name shim type ipvlan mode l2")?;
    let start = "mode: \"l3\": master up0 has links of mode l2 (shim)";
    bed.refuses("ipvlan", &json!({"mode": "l3"}), 105, start)?;
    bed.node().run("ip link del shim")?;

    // Namespaces with names, as a runtime keeps them.
    let host = Ns::host()?;
    host.sh("ip netns add mixed-a; ip netns add mixed-b")?;
    let cni = |name: &str, mode: &str| {
        let ns = bed.lab.container()?;
        let path = format!("/run/netns/{name}");
        let cni = bed.cni("ipvlan", name, &ns, &json!({"mode": mode}));
        anyhow::Ok(cni.netns_path(Some(&path)))
    };
    cni("mixed-a", "l3s")?.add()?.ok()?;
    let error = cni("mixed-b", "l2")?.add()?.fails(105)?;
    let start = "mode: \"l2\": master up0 has links of mode l3s (/run/netns/mixed-a)";
    ensure!(error.msg.starts_with(start), "{error:?}");
    ensure!(bed.taken() == 2, "an address is kept");
    cni("mixed-b", "l3s")?.add()?.ok()?;
    cni("mixed-b", "l3s")?.del(None)?.ok()?;
    cni("mixed-a", "l3s")?.del(None)?.ok()?;
    host.sh("ip netns del mixed-a; ip netns del mixed-b")?;
    Ok(())
}

/// The master is the container's own.
pub(super) fn in_a_container() -> Result<()> {
    let bed = Bed::new()?;
    let ns = bed.lab.container()?;
    ns.sh("ip link add up0 type veth peer name up1; ip link set up0 up; ip link set up1 up")?;
    let cni = bed.cni("ipvlan", "a", &ns, &json!({"linkInContainer": true}));
    let result = cni.add()?.ok()?;
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    ensure!(link(&ns, "eth0").is_err(), "left");
    Ok(())
}

/// A link gives its packets to one of the two, and the error says so.
pub(super) fn beside_macvlan() -> Result<()> {
    let bed = Bed::new()?;
    let (_a, cni, result) = bed.attach("ipvlan", "a", &json!({}))?;
    bed.refuses(
        "macvlan",
        &json!({}),
        105,
        "master: \"up0\": is in use otherwise",
    )?;
    cni.del(Some(&result))?.ok()?;
    let (_b, ..) = bed.attach("macvlan", "b", &json!({}))?;
    bed.refuses(
        "ipvlan",
        &json!({}),
        105,
        "master: \"up0\": is in use otherwise",
    )?;
    bed.refuses(
        "ipvlan",
        &json!({"master": "lo"}),
        7,
        "master: \"lo\": takes no ipvlan",
    )?;
    bed.refuses(
        "ipvlan",
        &json!({"mode": "bridge"}),
        7,
        "mode: \"bridge\": ",
    )?;
    bed.refuses("ipvlan", &json!({"policy": true}), 2, "policy: true: ")?;
    bed.refuses("ipvlan", &json!({"mtu": 1501}), 7, "mtu: 1501: ")
}

/// It takes link and addresses of the plugin before.
pub(super) fn behind_another_plugin() -> Result<()> {
    let bed = Bed::new()?;
    let ns = bed.lab.container()?;
    let prev = json!({"cniVersion": "1.1.0", "interfaces": [{"name": "up0"}],
                      "ips": [{"address": "10.20.0.9/24", "gateway": "10.20.0.1"}]});
    let keys = json!({"master": null, "ipam": {}, "prevResult": prev});
    let cni = bed.cni("ipvlan", "a", &ns, &keys);
    let result = cni.add()?.ok()?;
    ensure!(result["ips"][0]["address"] == "10.20.0.9/24", "{result}");
    reaches(&ns, "10.20.0.1")?;
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    ensure!(link(&ns, "eth0").is_err(), "left");
    Ok(())
}
