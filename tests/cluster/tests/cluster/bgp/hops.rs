//! Next hops beyond a node's subnet: what a reflector tells of a node in another rack, and what a neighbour tells from
//! its loopback over two hops. The node's own routing table says how they are reached, whatever becomes of it.

use super::OPEN;
use crate::overlay::fabric::{Families, fabric};
use crate::overlay::stage::{Pod, all_pairs, network, ping};
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_api::Method;
use fairway_api::admin::{BgpPeers, BgpRoute, BgpRouteList, ObjectApply, RouteWhy};
use fairway_bgp_bed::Bird;
use fairway_lab::{Ns, Value, json, promptly};
use fairway_tests_cluster::{Bed, Plan, before};
use std::net::IpAddr;
use std::time::Duration;

/// The loopback of a router behind the router, and what is behind that.
const FAR: &str = "198.18.255.1";
const BEHIND: &str = "203.0.113.1";
/// The kernel's table is another, and so is that of containers. Where a processor is there for it.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(1);

/// The router between the two racks reflects for both nodes, of each family in a session of that family.
fn reflector(router: &Ns) -> Result<Bird> {
    let client = |number: u8| {
        format!(
            "protocol bgp n{number}v4 {{
               local 198.18.{number}.254 as 64512; neighbor 198.18.{number}.{number} as 64512;
               rr client; connect delay time 1;
               ipv4 {{ import all; export where source = RTS_BGP; }};
             }}
             protocol bgp n{number}v6 {{
               local 2001:db8:{number}::fe as 64512; neighbor 2001:db8:{number}::{number} as 64512;
               rr client; connect delay time 1;
               ipv6 {{ import all; export where source = RTS_BGP; }};
             }}"
        )
    };
    let kernel = |family: &str| {
        format!("protocol kernel {{ {family} {{ import none; export where source = RTS_BGP; }}; }}")
    };
    Bird::start(
        router,
        &format!(
            "router id 198.18.1.254;
             protocol device {{}}
             protocol direct {{ ipv4; ipv6; }}
             {} {} {} {}",
            kernel("ipv4"),
            kernel("ipv6"),
            client(1),
            client(2)
        ),
    )
}

/// A router of another AS behind the router, and from its loopback a neighbour of the first node.
fn spine(bed: &Bed, router: &Ns) -> Result<(Ns, Bird)> {
    let spine = bed.lab.machine("spine")?;
    bed.lab.wire(&spine, "down0", router, "up0")?;
    router.run("ip addr add 198.18.250.1/30 dev up0")?;
    for line in [
        "ip addr add 198.18.250.2/30 dev down0".to_owned(),
        format!("ip addr add {FAR}/32 dev lo"),
        format!("ip addr add {BEHIND}/32 dev lo"),
        "ip route add default via 198.18.250.1".to_owned(),
    ] {
        spine.run(&line)?;
    }
    for to in [FAR, BEHIND] {
        router.run(&format!("ip route add {to} via 198.18.250.2"))?;
    }
    let bird = Bird::start(
        &spine,
        &format!(
            "router id {FAR};
             protocol device {{}}
             protocol static {{ ipv4; route 203.0.113.0/24 unreachable; }}
             protocol bgp far {{
               local {FAR} as 65001; neighbor 198.18.1.1 as 64512; multihop 2;
               connect delay time 1;
               ipv4 {{ import none; export where source = RTS_STATIC; }};
             }}"
        ),
    )?;
    Ok((spine, bird))
}

fn apply(bed: &Bed) -> Result<()> {
    let mut objects = Vec::new();
    let mut add = |name: &str, spec: Value| {
        objects.push(json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": "BgpPeer",
            "metadata": {"name": name}, "spec": spec,
        }));
    };
    for number in [1, 2] {
        for (family, address) in [
            ("v4", format!("198.18.{number}.254")),
            ("v6", format!("2001:db8:{number}::fe")),
        ] {
            let spec = json!({
                "nodes": [format!("n{number}")], "address": address, "asn": "Internal",
                "connectRetry": "1s",
            });
            add(&format!("reflector{number}-{family}"), spec);
        }
    }
    let open: Value = serde_json::from_str(OPEN)?;
    add(
        "far",
        json!({
            "nodes": ["n1"], "address": FAR, "asn": 65001, "ttl": {"multihop": 2},
            "connectRetry": "1s", "import": open, "export": {"rules": []},
        }),
    );
    bed.door(1).apply(ObjectApply { objects })?;
    Ok(())
}

/// Which way the first node sends packets of containers.
fn way(bed: &Bed, address: IpAddr) -> Result<String> {
    let network = Some("net".to_owned());
    let why = bed.door(1).why(RouteWhy { address, network })?;
    Ok(why
        .route
        .map_or_else(|| "none".to_owned(), |route| route.forward))
}

fn paths(bed: &Bed, prefix: Option<&str>) -> Result<Vec<BgpRoute>> {
    let list = BgpRouteList {
        prefix: prefix.map(str::to_owned),
        ..BgpRouteList::default()
    };
    Ok(bed.door(1).call(Method::BgpRoutes(list))?)
}

/// What the kernel has for the prefix that holds an address, in whichever of Fairway's tables.
fn in_kernel(node: &Ns, prefix: &str) -> Result<String> {
    Ok(node.run(&format!("ip route show table all {prefix} protocol 250"))?)
}

fn within(what: &str, is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let mut last = String::new();
    let done = promptly(FOLLOWS_WITHIN, what, || match is_so() {
        Ok(so) => so,
        Err(error) => {
            last = format!("{error:#}");
            false
        }
    });
    done.with_context(|| last)
}

#[test]
fn next_hops_in_other_racks_go_the_way_that_the_nodes_own_table_says() -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        let router = fabric(bed, Families::Both)?;
        // The router once more, to the first rack.
        router.run("ip addr add 198.18.1.253/24 dev br1")?;
        router.run("ip addr add 2001:db8:1::fd/64 dev br1 nodad")?;
        let node = &bed.node(1).ns;
        network(bed, "net", 79, "never")?;
        let pods = [
            Pod::add(bed, 1, "one", "net")?,
            Pod::add(bed, 2, "two", "net")?,
        ];
        let _bird = reflector(&router)?;
        let (_spine, far) = spine(bed, &router)?;
        apply(bed)?;
        all_pairs(&pods)?;
        let other = |v4: bool| -> Result<IpAddr> {
            let mut ips = pods[1].ips.iter();
            Ok(*ips.find(|ip| ip.is_ipv4() == v4).context("an address")?)
        };
        let (v4, v6) = (other(true)?, other(false)?);
        ensure!(
            way(bed, v4)? == "via 198.18.1.254 dev fab0",
            "{}",
            way(bed, v4)?
        );
        ensure!(
            way(bed, v6)? == "via 2001:db8:1::fe dev fab0",
            "{}",
            way(bed, v6)?
        );
        // It is said how the next hop is reached, which is the other node.
        let all = paths(bed, None)?;
        let mut told = all.iter().filter(|one| one.next_hop.is_some());
        let block = told.find(|one| one.next_hop == "198.18.2.2".parse().ok());
        let block = block.with_context(|| format!("{all:?}"))?;
        ensure!(block.via == ["198.18.1.254 dev fab0"], "{block:?}");
        let why = bed.door(1).why(RouteWhy {
            address: v4,
            network: Some("net".to_owned()),
        })?;
        let text = format!("{why:?}");
        ensure!(
            text.contains("since next hop 198.18.2.2 is reached so"),
            "{text}"
        );

        // A neighbour of another AS on its loopback.
        let behind: IpAddr = BEHIND.parse()?;
        eventually("the neighbour on its loopback is heard", || {
            let peers: BgpPeers = bed.door(1).call(Method::BgpPeers)?;
            let said = || far.ask("show protocols all far");
            ensure!(ping(&pods[0].ns, behind, 56), "{peers:?}\n{}", said()?);
            Ok(())
        })?;
        ensure!(way(bed, behind)? == "via 198.18.1.254 dev fab0");

        // The operator sends all of it by another gateway.
        node.run("ip route replace 198.18.0.0/16 via 198.18.1.253")?;
        node.run("ip -6 route replace 2001:db8::/32 via 2001:db8:1::fd")?;
        for to in [v4, v6, behind] {
            let gateway = if to.is_ipv4() {
                "198.18.1.253"
            } else {
                "2001:db8:1::fd"
            };
            let wanted = format!("via {gateway} dev fab0");
            within("the way follows the node's table", || {
                let way = way(bed, to)?;
                ensure!(way == wanted, "{to} {way}");
                Ok(true)
            })?;
        }
        within("the kernel follows", || {
            let text = in_kernel(node, &block.prefix)?;
            ensure!(text.contains("via 198.18.1.253 dev fab0"), "{text}");
            Ok(true)
        })?;
        all_pairs(&pods)?;

        // Without a route there is no way, and it is said why.
        node.run("ip route del 198.18.0.0/16")?;
        within("what is not reached is not used", || {
            Ok(way(bed, v4)? == "none")
        })?;
        eventually("the best is chosen anew", || {
            let all = paths(bed, Some(&block.prefix))?;
            let of = |one: &&BgpRoute| one.next_hop == block.next_hop;
            let one = all.iter().find(of).with_context(|| format!("{all:?}"))?;
            ensure!(!one.best && one.via.is_empty(), "{one:?}");
            let why = "its next hop is not reached: no route of this node leads to it";
            ensure!(one.why == why, "{one:?}");
            Ok(())
        })?;
        within("the kernel does not use it", || {
            Ok(in_kernel(node, &block.prefix)?.is_empty())
        })?;
        // The default route is a route.
        node.run("ip route add default via 198.18.1.254")?;
        within("the default route leads to it", || {
            let way = way(bed, v4)?;
            ensure!(way == "via 198.18.1.254 dev fab0", "{way}");
            Ok(true)
        })?;
        all_pairs(&pods)?;
        // One that says that nothing goes there comes before it.
        node.run("ip route add unreachable 198.18.2.0/24")?;
        within(
            "what is refused is not used",
            || Ok(way(bed, v4)? == "none"),
        )?;
        node.run("ip route del unreachable 198.18.2.0/24")?;
        within("it is back", || Ok(way(bed, v4)? != "none"))?;
        all_pairs(&pods)?;
        pods.iter().try_for_each(Pod::del)
    })
}
