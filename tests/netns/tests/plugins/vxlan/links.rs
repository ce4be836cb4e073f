//! What the kernel has of a container, and what passes.

use super::{bed, conf};
use fairway_tests_netns::{
    Bed, Families, Member, Ns, Result, State, Value, ensure, json, link, reaches,
};

/// Counts what the node hears of ARP, and of ND but duplicate address detection.
const COUNTERS: &str = "nft add table arp t
    nft 'add chain arp t c { type filter hook input priority 0; }'
    nft 'add rule arp t c counter'
    nft add table ip6 t
    nft 'add chain ip6 t c { type filter hook input priority 0; }'
    nft 'add rule ip6 t c ip6 saddr != :: icmpv6 type nd-neighbor-solicit counter'";

/// Neighbours on a link, as `ip` shows them: (address, hardware address, states).
fn neighbours(ns: &Ns, link: &str) -> Result<Vec<(String, String, Value)>> {
    let shown = ns.json(&format!("ip -j neigh show dev {link} nud all"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |known: &Value| {
        (
            text(&known["dst"]),
            text(&known["lladdr"]),
            known["state"].clone(),
        )
    };
    let shown: Vec<_> = shown.as_array().into_iter().flatten().map(one).collect();
    // Multicast has entries of the kernel's own. And a container that has a link-local address by now, which comes when
    // the kernel gets to it, is known by that one as soon as it has asked for routers, or the gateway by that name.
    let own = |(ip, _, state): &(String, String, Value)| {
        let by_itself = ip.starts_with("fe80:") && ip != "fe80::1";
        *state != json!(["NOARP"]) && !by_itself
    };
    Ok(shown.into_iter().filter(own).collect())
}

/// Every neighbour on both ends is there for good, and it is the one that it should be.
fn know_each_other(bed: &Bed, member: &Member, families: Families) -> Result {
    let mut gateways = Vec::new();
    gateways.extend(families.v4().then_some("169.254.1.1"));
    gateways.extend(families.v6().then_some("fe80::1"));
    let near = link(bed.node(), &member.host_link())?["address"].clone();
    let far = link(&member.ns, "eth0")?["address"].clone();
    for (ns, name, mac, wanted) in [
        (
            &member.ns,
            "eth0",
            near,
            gateways.iter().map(|ip| (*ip).to_owned()).collect(),
        ),
        (bed.node(), member.host_link().as_str(), far, member.ips()),
    ] {
        let mut there = neighbours(ns, name)?;
        let state = json!(["PERMANENT"]);
        let right = |known: &(String, String, Value)| known.1 == mac && known.2 == state;
        ensure(
            there.iter().all(right),
            format!("none to be asked for: {there:?}"),
        )?;
        there.sort_by_key(|(ip, ..)| ip.contains(':'));
        let there: Vec<_> = there.into_iter().map(|(ip, ..)| ip).collect();
        assert_eq!(there, wanted);
    }
    Ok(())
}

#[test]
fn containers_reach_the_node_and_each_other_and_nobody_asks_who_is_who() -> Result {
    for families in Families::ALL {
        let bed = bed()?;
        bed.daemon(|daemon| daemon.gives(families));
        bed.node().sh(COUNTERS)?;
        let conf = conf(&bed, json!({}));
        let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
        for (from, to) in [(&a.ns, &b), (&b.ns, &a), (bed.node(), &a), (bed.node(), &b)] {
            for ip in to.ips() {
                assert!(reaches(from, &ip).is_ok(), "{} to {ip}", from.name());
            }
        }
        if families.v4() {
            assert!(reaches(&a.ns, "169.254.1.1").is_ok());
        }
        if families.v6() {
            assert!(reaches(&a.ns, "fe80::1%eth0").is_ok());
        }
        for member in [&a, &b] {
            know_each_other(&bed, member, families)?;
            member.check()?;
        }
        let counted = bed
            .node()
            .sh("nft list table arp t; nft list table ip6 t")?;
        assert_eq!(
            counted.matches("counter packets 0 bytes 0").count(),
            2,
            "{counted}"
        );
        a.del()?;
        assert!(reaches(bed.node(), &b.ips()[0]).is_ok());
        b.check()?;
    }
    Ok(())
}

#[test]
fn the_result_and_both_ends() -> Result {
    let bed = bed()?;
    let extra = json!({"mtu": 1300, "dns": {"nameservers": ["192.0.2.53"]}});
    let a = bed.add("a", &conf(&bed, extra))?;
    let asked = bed.daemon(|daemon| daemon.asked());
    assert_eq!(
        asked,
        [
            "endpoint.prepare",
            "ipam.allocate",
            "endpoint.guard",
            "endpoint.shape",
            "endpoint.open",
            "endpoint.ready"
        ]
    );
    let (host, inside) = (&a.result["interfaces"][0], &a.result["interfaces"][1]);
    assert_eq!(
        (&host["name"], &inside["name"]),
        (&json!(a.host_link()), &json!("eth0"))
    );
    assert_eq!(inside["sandbox"], a.ns.path().display().to_string());
    assert_eq!(
        a.result["ips"],
        json!([
            {"interface": 1, "address": "10.1.0.2/32", "gateway": "169.254.1.1"},
            {"interface": 1, "address": "fd00:1::2/128", "gateway": "fe80::1"},
        ])
    );
    assert_eq!(
        a.result["routes"],
        json!([{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}, {"dst": "::/0", "gw": "fe80::1"}])
    );
    assert_eq!(a.result["dns"], json!({"nameservers": ["192.0.2.53"]}));
    let port = link(bed.node(), &a.host_link())?;
    assert_eq!(
        (&port["mtu"], &port["address"]),
        (&json!(1300), &host["mac"])
    );
    assert_eq!(link(&a.ns, "eth0")?["mtu"], 1300);
    let addresses = port["addr_info"].as_array().cloned().unwrap_or_default();
    let addresses: Vec<_> = addresses
        .iter()
        .map(|a| {
            (
                a["local"].clone(),
                a["prefixlen"].clone(),
                a["scope"].clone(),
            )
        })
        .collect();
    // None that the kernel made of the hardware address.
    assert_eq!(
        addresses,
        [
            (json!("169.254.1.1"), json!(32), json!("link")),
            (json!("fe80::1"), json!(64), json!("link")),
        ]
    );
    let port = a.host_link();
    for (setting, value) in [
        (format!("ipv4/conf/{port}/rp_filter"), "1"),
        (format!("ipv6/conf/{port}/accept_ra"), "0"),
        (format!("ipv4/conf/{port}/forwarding"), "1"),
        (format!("ipv6/conf/{port}/forwarding"), "1"),
    ] {
        assert_eq!(bed.node().sysctl(&setting)?, value, "{setting}");
    }
    // The node's routes to it are the daemon's, every one of them.
    let routes = bed.node().sh("ip route; ip -6 route | grep -v fe80")?;
    let routes: Vec<_> = routes.lines().collect();
    assert_eq!(routes.len(), 2, "{routes:?}");
    assert!(
        routes.iter().all(|route| route.contains("proto 250")),
        "{routes:?}"
    );
    Ok(())
}

#[test]
fn the_mtu_is_the_networks_unless_it_is_less() -> Result {
    let bed = bed()?;
    let a = bed.add("a", &conf(&bed, json!({})))?;
    assert_eq!(link(&a.ns, "eth0")?["mtu"], 1450);
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let call = |mtu: u32| bed.cni("b", &ns, &conf(&bed, json!({"mtu": mtu}))).add();
    let error = call(1451)?.fails(7)?;
    assert!(
        error.msg.contains("1451") && error.msg.contains("1450"),
        "{error:?}"
    );
    let error = call(1279)?.fails(7)?;
    assert!(
        error.msg.contains("1279") && error.msg.contains("1280"),
        "{error:?}"
    );
    before.unchanged()?;
    bed.daemon(|daemon| daemon.gives(Families::V4));
    call(600)?.ok()?;
    assert_eq!(link(&ns, "eth0")?["mtu"], 600);
    Ok(())
}

#[test]
fn routes_of_ipam_take_the_place_of_the_default_in_their_family() -> Result {
    let bed = bed()?;
    let routes = json!([{"dst": "203.0.113.0/24", "mtu": 1280, "priority": 77}]);
    let extra = json!({"ipam": {"type": "fairway", "routes": routes}});
    let a = bed.add("a", &conf(&bed, extra))?;
    let shown = a.ns.sh("ip route; ip -6 route show default")?;
    assert!(!shown.contains("default via 169.254.1.1"), "{shown}");
    for part in [
        "203.0.113.0/24 via 169.254.1.1 dev eth0 metric 77 mtu 1280",
        "169.254.1.1 dev eth0 scope link",
        "default via fe80::1",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    a.check()
}

/// The neighbours go with the link; the gateway answers for itself all the same.
#[test]
fn a_link_that_was_down_works_again() -> Result {
    let bed = bed()?;
    let a = bed.add("a", &conf(&bed, json!({})))?;
    a.ns.sh("ip link set eth0 down; ip link set eth0 up
        ip route add 169.254.1.1 dev eth0 scope link; ip route add default via 169.254.1.1
        ip -6 route replace default via fe80::1 dev eth0")?;
    let _outside = bed.outside()?;
    reaches(&a.ns, "192.0.2.1")?;
    reaches(&a.ns, "fd00:9::1")
}

/// A container that sends under another's address is not heard.
#[test]
fn an_address_that_is_not_its_own_goes_no_further() -> Result {
    let bed = bed()?;
    let conf = conf(&bed, json!({}));
    let (a, b) = (bed.add("a", &conf)?, bed.add("b", &conf)?);
    a.ns.run(&format!("ip addr add {}/32 dev lo", b.v4()))?;
    let heard = "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; }'
        nft 'add rule ip t c icmp type echo-request counter'";
    bed.node().sh(heard)?;
    let count = || bed.node().sh("nft list table ip t");
    let spoofed = format!("ping -n -c 1 -W 0.3 -I {} 169.254.1.1", b.v4());
    assert!(a.ns.run(&spoofed).is_err());
    assert!(count()?.contains("packets 0"), "{}", count()?);
    assert!(reaches(&a.ns, "169.254.1.1").is_ok());
    assert!(!count()?.contains("packets 0"), "{}", count()?);
    Ok(())
}
