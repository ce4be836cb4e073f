//! What stands behind a plugin that makes links: a pair of links that a script has made takes that one's place.

use fairway_lab::{Cni, Result, Value, json, poll};
use fairway_tests_differential::{Case, Ipam, Pair, Side};
use std::time::Duration;

/// By when what a call left is gone that the kernel takes away by itself.
const GONE: Duration = Duration::from_secs(60);

const HOST: &str = "veth0000abcd";

pub(crate) fn case(plugin: &str, keys: &'static str) -> Case {
    Case::new(plugin, keys).ipam(Ipam::None)
}

/// A pair with addresses of both families and a default route, and what its plugin would have answered.
pub(crate) fn wired(side: &mut Side) -> Result<Value> {
    let container = side.container("c1")?;
    let path = container.path().display().to_string();
    let node = side.lab.node();
    if node.run(&format!("ip link show {HOST}")).is_err() {
        node.sh(&format!(
            "ip link add {HOST} address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns {path}
             ip link set {HOST} addrgenmode none
             ip address add 10.77.0.1/24 dev {HOST}
             ip address add fd77::1/64 dev {HOST} nodad"
        ))?;
        // Its link-local address would come a moment later.
        container.run("ip link set eth0 addrgenmode none")?;
        node.up(HOST)?;
        container.up("eth0")?;
        container.sh(
            "ip address add 10.77.0.2/24 dev eth0; ip address add fd77::2/64 dev eth0 nodad
             ip route add default via 10.77.0.1; ip -6 route add default via fd77::1",
        )?;
    }
    Ok(json!({
        "interfaces": [{"name": HOST, "mac": "02:00:00:00:00:01"},
                       {"name": "eth0", "mac": "02:00:00:00:00:02", "sandbox": path}],
        "ips": [{"interface": 1, "address": "10.77.0.2/24", "gateway": "10.77.0.1"},
                {"interface": 1, "address": "fd77::2/64", "gateway": "fd77::1"}],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dns": {},
    }))
}

/// The plugin with that `prevResult`.
pub(crate) fn behind(side: &mut Side, case: &Case, version: &str) -> Result<Cni> {
    let mut prev = wired(side)?;
    prev["cniVersion"] = json!(version);
    if version < "1.0.0" {
        prev["ips"][0]["version"] = json!("4");
        prev["ips"][1]["version"] = json!("6");
    }
    let cni = side.cni(case, version, "c1")?;
    let mut conf = cni.conf().clone();
    conf["prevResult"] = prev;
    Ok(cni.config(conf))
}

/// ADD on both sides, its result kept.
pub(crate) fn add(pair: &mut Pair) -> Result {
    let (theirs, ours) = pair.call("ADD", |side, case, version| {
        behind(side, case, version)?.add()
    })?;
    pair.theirs.keep("c1", &theirs);
    pair.ours.keep("c1", &ours);
    Ok(())
}

/// Both ends have the same hardware addresses on both sides. The state does not tell, for there most are the kernel's
/// choice and so go by the names of their links; here all are chosen.
fn same_addresses(pair: &mut Pair, when: &str) -> Result {
    let shown = |side: &mut Side| -> Result<[Value; 2]> {
        let container = side.container("c1")?;
        let address = |links: Value| links[0]["address"].clone();
        let ends = [
            side.lab.node().json(&format!("ip -j link show {HOST}"))?,
            container.json("ip -j link show eth0")?,
        ];
        Ok(ends.map(address))
    };
    let (theirs, ours) = (shown(&mut pair.theirs)?, shown(&mut pair.ours)?);
    assert_eq!(theirs, ours, "{when}");
    Ok(())
}

/// ADD, and what the kernel has then; CHECK if the reference's works; DEL twice, and what it has then.
pub(crate) fn life(case: Case, versions: &[&'static str], check: bool) -> Result {
    let mut pair = Pair::new(case)?;
    for version in versions {
        pair.version(version);
        add(&mut pair)?;
        pair.state("after ADD")?;
        same_addresses(&mut pair, "after ADD")?;
        if check {
            pair.check("c1")?;
        }
        pair.del("c1")?;
        pair.state("after DEL")?;
        same_addresses(&mut pair, "after DEL")?;
        pair.del("c1")?;
    }
    pair.finish()
}

/// An ADD that both refuse, ours with this code, after which ours leaves all as it was.
pub(crate) fn refused(case: Case, code: u32) -> Result {
    let mut pair = Pair::new(case)?;
    wired(&mut pair.theirs)?;
    wired(&mut pair.ours)?;
    let before = pair.ours.still()?;
    let (theirs, ours) = pair.call("ADD", |side, case, version| {
        behind(side, case, version)?.add()
    })?;
    assert!(!theirs.status.success(), "{theirs:?}");
    ours.fails(code)?;
    // What the kernel takes away by itself goes a moment later.
    let mut diff = before.diff(&pair.ours.state()?);
    let _ = poll(GONE, "", || {
        diff.is_empty() || {
            diff = (pair.ours.state()).map_or_else(|e| e.to_string(), |now| before.diff(&now));
            diff.is_empty()
        }
    });
    assert_eq!(diff, "");
    pair.finish()
}
