//! The ptp plugin.

use crate::bridge::masquerade::leaves_masqueraded;
use fairway_tests_netns::{Bed, Families, Feature, Result, State, json, link, reaches, require};

#[test]
fn containers_reach_the_node_and_each_other_through_it() -> Result {
    for families in Families::ALL {
        let bed = Bed::as_it_is()?;
        let conf = bed.conf("ptp", json!({"ipam": bed.ipam(families)}));
        let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
        if families.v4() {
            assert!(reaches(&a.ns, "10.1.0.1").is_ok() && reaches(&a.ns, &b.v4()).is_ok());
            assert!(reaches(bed.node(), &a.v4()).is_ok());
            // Neighbours in the subnet are reached by the gateway, never asked for on the link.
            let way = a.ns.run(&format!("ip route get {}", b.v4()))?;
            assert!(way.contains("via 10.1.0.1"), "{way}");
        }
        if families.v6() {
            reaches(&a.ns, "fd00:1::1")?;
            reaches(&a.ns, &b.v6())?;
            let way = a.ns.run(&format!("ip -6 route get {}", b.v6()))?;
            assert!(way.contains("via fd00:1::1"), "{way}");
        }
        a.check()?;
        b.check()?;
        a.del()?;
        assert!(reaches(bed.node(), &b.ips()[0]).is_ok());
        b.check()?;
    }
    Ok(())
}

#[test]
fn the_result_and_the_host() -> Result {
    let bed = Bed::new()?;
    let a = bed.add(
        "a",
        &bed.conf(
            "ptp",
            json!({"mtu": 1300, "dns": {"nameservers": ["10.1.0.1"]}}),
        ),
    )?;
    let (host, inside) = (&a.result["interfaces"][0], &a.result["interfaces"][1]);
    assert_eq!(
        (&inside["name"], &host["name"]),
        (&json!("eth0"), &json!(a.host_link()))
    );
    assert_eq!(inside["sandbox"], a.ns.path().display().to_string());
    assert_eq!(
        (
            &a.result["ips"][0]["interface"],
            &a.result["ips"][1]["interface"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(a.result["dns"], json!({"nameservers": ["10.1.0.1"]}));
    assert_eq!(inside["mac"], link(&a.ns, "eth0")?["address"]);
    assert_eq!(
        (
            link(&a.ns, "eth0")?["mtu"].clone(),
            link(bed.node(), &a.host_link())?["mtu"].clone()
        ),
        (json!(1300), json!(1300))
    );
    let routes = bed
        .node()
        .sh("ip route show 10.1.0.2; ip -6 route show fd00:1::2")?;
    assert_eq!(routes.matches(&a.host_link()).count(), 2, "{routes}");
    assert_eq!(bed.node().sysctl("ipv4/ip_forward")?, "1");
    assert_eq!(bed.node().sysctl("ipv6/conf/all/forwarding")?, "1");
    Ok(())
}

#[test]
fn masquerades_with_both_backends() -> Result {
    if !require(Feature::Iptables)? {
        return Ok(());
    }
    for backend in ["iptables", "nftables"] {
        let bed = Bed::new()?;
        let mut conf = bed.conf("ptp", json!({"ipMasq": true, "ipMasqBackend": backend}));
        conf["ipam"]["routes"] = json!([{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]);
        let (a, _outside) = leaves_masqueraded(&bed, &conf)?;
        a.del()?;
        let rules = bed.node().sh("nft list ruleset 2>/dev/null")?;
        assert!(
            !rules.contains("10.1.0.2") && !rules.contains("fd00:1::2"),
            "{rules}"
        );
    }
    Ok(())
}

#[test]
fn routes_of_ipam_with_their_fields() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("ptp", json!({}));
    conf["ipam"]["routes"] = json!([{"dst": "203.0.113.0/24", "mtu": 1280, "advmss": 1200, "priority": 77},
                                    {"dst": "2001:db8::/32", "table": 1235}]);
    let a = bed.add("a", &conf)?;
    let shown =
        a.ns.sh("ip route show 203.0.113.0/24; ip -6 route show table 1235")?;
    for part in [
        "via 10.1.0.1",
        "metric 77",
        "mtu 1280",
        "advmss 1200",
        "2001:db8::/32 via fd00:1::1",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    a.check()
}

#[test]
fn without_ipam_there_is_nothing_to_route() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    for ipam in [json!(null), json!({})] {
        let error = bed
            .cni("a", &ns, &bed.conf("ptp", json!({"ipam": ipam})))
            .add()?
            .fails(7)?;
        assert!(error.msg.contains("ipam"), "{error:?}");
    }
    before.unchanged()
}

/// Two addresses of one subnet share the gateway and the route to it.
#[test]
fn two_addresses_of_one_family() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("ptp", json!({}));
    conf["ipam"]["ranges"] = json!([[{"subnet": "10.1.0.0/24", "rangeEnd": "10.1.0.9"}],
                                    [{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.100", "gateway": "10.1.0.1"}]]);
    let a = bed.add("a", &conf)?;
    assert_eq!(a.ips(), ["10.1.0.2", "10.1.0.100"]);
    assert!(reaches(bed.node(), "10.1.0.2").is_ok() && reaches(bed.node(), "10.1.0.100").is_ok());
    a.check()
}
