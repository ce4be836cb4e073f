//! `isGateway`, `isDefaultGateway`, `forceAddress`, and what the gateway needs of the host.

use fairway_tests_netns::{Bed, Families, Member, Result, Value, ensure, json, link, reaches};

/// The addresses of a link, with prefix, link-local ones left out.
fn addresses(link: &Value) -> Vec<String> {
    let infos = link["addr_info"].as_array().into_iter().flatten();
    let global = infos.filter(|info| info["scope"] == "global");
    let text = global.map(|info| {
        format!(
            "{}/{}",
            info["local"].as_str().unwrap_or("?"),
            info["prefixlen"]
        )
    });
    text.collect()
}

fn default_routes(member: &Member) -> Result<Vec<String>> {
    let text = member
        .ns
        .sh("ip route show default; ip -6 route show default")?;
    Ok(text
        .lines()
        .map(|line| line.split(" dev").next().unwrap_or_default().to_owned())
        .collect())
}

/// As on a node with the kernel's own settings, duplicate address detection included.
#[test]
fn containers_reach_each_other_and_the_gateway() -> Result {
    for families in Families::ALL {
        let bed = Bed::as_it_is()?;
        let conf = bed.conf(
            "bridge",
            json!({"isGateway": true, "ipam": bed.ipam(families)}),
        );
        let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
        let mut wanted = Vec::new();
        if families.v4() {
            assert_eq!((a.v4(), b.v4()), ("10.1.0.2".into(), "10.1.0.3".into()));
            // ADD has waited for the port to forward: the first packet arrives.
            assert!(reaches(&a.ns, &b.v4()).is_ok() && reaches(&a.ns, "10.1.0.1").is_ok());
            wanted.push("10.1.0.1/24");
        }
        if families.v6() {
            assert_eq!((a.v6(), b.v6()), ("fd00:1::2".into(), "fd00:1::3".into()));
            assert!(reaches(&a.ns, &b.v6()).is_ok());
            reaches(&a.ns, "fd00:1::1")?;
            wanted.push("fd00:1::1/64");
        }
        assert_eq!(addresses(&link(bed.node(), "br0")?), wanted);
        assert_eq!(
            default_routes(&a)?,
            [""; 0],
            "isGateway alone adds no route"
        );
        a.check()?;
        b.check()?;
    }
    Ok(())
}

#[test]
fn the_default_gateway_comes_with_default_routes() -> Result {
    let bed = Bed::new()?;
    let a = bed.add("a", &bed.conf("bridge", json!({"isDefaultGateway": true})))?;
    assert_eq!(
        default_routes(&a)?,
        ["default via 10.1.0.1", "default via fd00:1::1"]
    );
    let routes =
        json!([{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}, {"dst": "::/0", "gw": "fd00:1::1"}]);
    assert_eq!(a.result["routes"], routes);
    // Beyond the bridge: the node forwards.
    assert_eq!(bed.node().sysctl("ipv4/ip_forward")?, "1");
    assert_eq!(bed.node().sysctl("ipv6/conf/all/forwarding")?, "1");
    let outside = bed.outside()?;
    outside.sh("ip route add 10.1.0.0/24 via 192.0.2.1; ip route add fd00:1::/64 via fd00:9::1")?;
    reaches(&a.ns, "192.0.2.2")?;
    reaches(&a.ns, "fd00:9::2")?;
    a.check()
}

#[test]
fn a_gateway_named_by_ipam_is_the_bridges_address() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("bridge", json!({"isDefaultGateway": true}));
    conf["ipam"]["ranges"] = json!([[{"subnet": "10.1.0.0/24", "gateway": "10.1.0.254"}]]);
    let a = bed.add("a", &conf)?;
    assert_eq!(addresses(&link(bed.node(), "br0")?), ["10.1.0.254/24"]);
    assert_eq!(default_routes(&a)?, ["default via 10.1.0.254"]);
    assert!(reaches(&a.ns, "10.1.0.254").is_ok());
    Ok(())
}

#[test]
fn forwarding_is_only_for_the_families_in_use() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf(
        "bridge",
        json!({"isGateway": true, "ipam": bed.ipam(Families::V6)}),
    );
    bed.add("a", &conf)?;
    assert_eq!(bed.node().sysctl("ipv4/ip_forward")?, "0");
    assert_eq!(bed.node().sysctl("ipv6/conf/all/forwarding")?, "1");
    Ok(())
}

#[test]
fn without_a_gateway_the_bridge_has_no_address() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({}));
    let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
    assert_eq!(addresses(&link(bed.node(), "br0")?), [""; 0]);
    assert_eq!(bed.node().sysctl("ipv4/ip_forward")?, "0");
    assert!(reaches(&a.ns, &b.v4()).is_ok() && reaches(&a.ns, &b.v6()).is_ok());
    a.check()
}

/// Another address of the family on the bridge is an error, which leaves the bridge as it was, or is
/// replaced where `forceAddress` says so.
#[test]
fn force_address_replaces_and_its_absence_refuses() -> Result {
    let bed = Bed::new()?;
    bed.node().sh("ip link add br0 type bridge; ip link set br0 up; ip addr add 10.7.0.1/16 dev br0; ip addr add fd00:1::99/64 dev br0 nodad")?;
    let conf = bed.conf("bridge", json!({"isGateway": true}));
    let ns = bed.container()?;
    let error = bed.cni("a", &ns, &conf).add()?.fails(105)?;
    assert!(
        error.msg.contains("10.7.0.1/16") && error.msg.contains("forceAddress"),
        "{error:?}"
    );
    assert_eq!(
        addresses(&link(bed.node(), "br0")?),
        ["10.7.0.1/16", "fd00:1::99/64"]
    );
    assert_eq!(bed.held("net"), [""; 0]);

    let forced = bed.conf("bridge", json!({"isGateway": true, "forceAddress": true}));
    let a = bed.add("a", &forced)?;
    assert_eq!(
        addresses(&link(bed.node(), "br0")?),
        ["10.1.0.1/24", "fd00:1::1/64"]
    );
    assert!(reaches(&a.ns, "10.1.0.1").is_ok());
    reaches(&a.ns, "fd00:1::1")
}

/// An IPv6 address of another subnet is in nobody's way.
#[test]
fn other_ipv6_subnets_stay_on_the_bridge() -> Result {
    let bed = Bed::new()?;
    bed.node().sh(
        "ip link add br0 type bridge; ip link set br0 up; ip addr add fd00:77::1/64 dev br0 nodad",
    )?;
    bed.add("a", &bed.conf("bridge", json!({"isGateway": true})))?;
    let there = addresses(&link(bed.node(), "br0")?);
    ensure(
        there.contains(&"fd00:77::1/64".into()) && there.contains(&"fd00:1::1/64".into()),
        format!("{there:?}"),
    )
}

/// The bridge keeps its hardware address as containers come and go: a gateway that changes it is not
/// found until caches run out.
#[test]
fn the_bridges_mac_is_steady() -> Result {
    for gateway in [true, false] {
        let bed = Bed::new()?;
        let conf = bed.conf("bridge", json!({"isGateway": gateway}));
        let mac = || link(bed.node(), "br0").map(|link| link["address"].clone());
        let a = bed.add("a", &conf)?;
        let first = mac()?;
        for id in ["b", "c", "d", "e"] {
            bed.add(id, &conf)?;
            assert_eq!(mac()?, first);
        }
        a.del()?;
        assert_eq!(mac()?, first);
        assert_eq!(bed.add("a", &conf)?.result["interfaces"][0]["mac"], first);
    }
    Ok(())
}
