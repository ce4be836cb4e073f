//! `isGateway` with `vlan`: the gateway is not the bridge but a veth pair `<bridge>.<vlan>`
//! whose other end is an access port of that VLAN.

use std::panic::resume_unwind;
use std::thread;

use anyhow::{Context, Result, ensure};
use fairway_lab::{Cni, Ns, Value, json};

use super::bed::{BRIDGE, Bed, answers, is_silent, vlans};

/// The bridge port that is the other end of a veth link.
pub(super) fn port_of(node: &Ns, link: &str) -> Result<String> {
    let links = node.json(&format!("ip -j -d link show dev {link}"))?;
    ensure!(links[0]["linkinfo"]["info_kind"] == "veth", "{links}");
    let port = links[0]["link"].as_str().context("the link has a peer")?;
    let peer = node.json(&format!("ip -j link show dev {port}"))?;
    ensure!(peer[0]["master"] == BRIDGE, "{peer}");
    Ok(port.to_owned())
}

/// The global addresses of a link: `10.0.0.1/24`.
fn addresses(node: &Ns, link: &str) -> Result<Vec<String>> {
    let shown = node.json(&format!("ip -j addr show dev {link} scope global"))?;
    let infos = shown[0]["addr_info"].as_array().into_iter().flatten();
    let address = |a: &Value| Some(format!("{}/{}", a["local"].as_str()?, a["prefixlen"]));
    Ok(infos.filter_map(address).collect())
}

/// Link, address, fourth interface of the result, and an answer from the gateway.
pub(super) fn has_a_link_of_its_own() -> Result<()> {
    let bed = Bed::new()?;
    let ipam = bed.ipam(&["10.20.0.0/24"]);
    let keys = json!({"vlan": 100, "isGateway": true, "ipam": ipam});
    let a = bed.attach(&keys)?;
    assert_eq!(addresses(bed.node(), "br0.100")?, ["10.20.0.1/24"]);
    assert_eq!(addresses(bed.node(), BRIDGE)?, Vec::<String>::new());
    let port = port_of(bed.node(), "br0.100")?;
    assert_eq!(vlans(bed.node(), &port)?, "100 pvid untagged");
    in_the_result(bed.node(), &a.result)?;
    answers(&a.ns, "10.20.0.1")?;

    // The next container finds it there, and its result names it as well.
    let b = bed.attach(&keys)?;
    assert_eq!(port_of(bed.node(), "br0.100")?, port);
    in_the_result(bed.node(), &b.result)?;
    answers(&b.ns, "10.20.0.1")
}

fn in_the_result(node: &Ns, result: &Value) -> Result<()> {
    let interfaces = result["interfaces"].as_array().context("interfaces")?;
    let names: Vec<_> = interfaces.iter().map(|i| &i["name"]).collect();
    ensure!(names.len() == 4, "{result}");
    assert_eq!((names[0], names[2]), (&json!(BRIDGE), &json!("eth0")));
    assert_eq!(names[3], "br0.100");
    let link = node.json("ip -j link show dev br0.100")?;
    assert_eq!(interfaces[3]["mac"], link[0]["address"]);
    ensure!(interfaces[3].get("sandbox").is_none(), "{result}");
    ensure!(result["ips"][0]["interface"] == 2, "{result}");
    Ok(())
}

/// Both families on the one link, named once in the result.
pub(super) fn dual_stack() -> Result<()> {
    let bed = Bed::new()?;
    let ipam = bed.ipam(&["10.20.0.0/24", "fd20::/64"]);
    let keys = json!({"vlan": 100, "isGateway": true, "ipam": ipam});
    let a = bed.attach(&keys)?;
    let wanted = ["10.20.0.1/24", "fd20::1/64"];
    assert_eq!(addresses(bed.node(), "br0.100")?, wanted);
    in_the_result(bed.node(), &a.result)?;
    answers(&a.ns, "10.20.0.1")?;
    answers(&a.ns, "fd20::1")?;
    for family in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        assert_eq!(bed.node().sysctl(family)?, "1", "{family}");
    }
    Ok(())
}

/// Containers that come at once to a bridge that is not there yet share one gateway.
pub(super) fn many_at_once() -> Result<()> {
    let bed = Bed::new()?;
    let ipam = bed.ipam(&["10.20.0.0/24", "fd20::/64"]);
    let keys = json!({"vlan": 100, "isGateway": true, "ipam": ipam});
    let calls: Result<Vec<_>> = (0..6).map(|_| bed.plugin(&keys)).collect();
    let calls = calls?;
    let results: Result<Vec<_>> = thread::scope(|scope| {
        let add = |(_, cni): &'_ (Ns, Cni)| Ok(cni.add()?.ok()?);
        let adds: Vec<_> = calls.iter().map(|c| scope.spawn(move || add(c))).collect();
        let joined = adds.into_iter().map(|a| a.join());
        joined
            .map(|done| done.unwrap_or_else(|p| resume_unwind(p)))
            .collect()
    });
    for result in results? {
        in_the_result(bed.node(), &result)?;
    }
    let wanted = ["10.20.0.1/24", "fd20::1/64"];
    assert_eq!(addresses(bed.node(), "br0.100")?, wanted);
    assert_eq!(bed.taken()?.len(), 12);
    for (ns, _) in &calls {
        answers(ns, "10.20.0.1")?;
    }
    Ok(())
}

/// IPv6 alone.
pub(super) fn ipv6_only() -> Result<()> {
    let bed = Bed::new()?;
    let keys = json!({"vlan": 100, "isGateway": true, "ipam": bed.ipam(&["fd20::/64"])});
    let a = bed.attach(&keys)?;
    assert_eq!(addresses(bed.node(), "br0.100")?, ["fd20::1/64"]);
    answers(&a.ns, "fd20::1")
}

/// Two VLANs with a subnet each meet at their gateways and nowhere else.
pub(super) fn routes_between_vlans() -> Result<()> {
    let bed = Bed::new()?;
    let keys = |vlan: u16, subnet: &str| json!({"vlan": vlan, "isDefaultGateway": true, "ipam": bed.ipam(&[subnet])});
    let a = bed.attach(&keys(100, "10.20.0.0/24"))?;
    let b = bed.attach(&keys(200, "10.30.0.0/24"))?;
    assert_eq!(addresses(bed.node(), "br0.200")?, ["10.30.0.1/24"]);
    answers(&a.ns, b.address(0)?)?;
    bed.node().run("ip link set dev br0.200 down")?;
    is_silent(&a.ns, b.address(0)?)
}
