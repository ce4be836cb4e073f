//! An underlay with a router in it: nodes of two subnets, over IPv4, IPv6 or both.
//!
//! ```text
//! n1 n2 … ── br1 ─ router ─ br2 ── … n4 n5
//! ```

use super::stage::{Pod, all_pairs, network};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::RouteWhy;
use fairway_lab::Ns;
use fairway_tests_cluster::{Bed, Plan, before};
use std::net::IpAddr;
use std::process::Output;

/// Which families the underlay has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Families {
    V4,
    V6,
    Both,
}

impl Families {
    fn v4(self) -> bool {
        self != Families::V6
    }

    fn v6(self) -> bool {
        self != Families::V4
    }
}

/// Gives each node a link `fab0`: the odd ones in the first subnet, the even ones in the second.
pub(crate) fn fabric(bed: &Bed, families: Families) -> Result<Ns> {
    let router = bed.lab.machine("router")?;
    for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        router.set_sysctl(key, "1")?;
    }
    for net in [1, 2] {
        router.run(&format!("ip link add br{net} type bridge forward_delay 0"))?;
        if families.v4() {
            router.run(&format!("ip addr add 198.18.{net}.254/24 dev br{net}"))?;
        }
        if families.v6() {
            router.run(&format!(
                "ip addr add 2001:db8:{net}::fe/64 dev br{net} nodad"
            ))?;
        }
        router.up(&format!("br{net}"))?;
    }
    for (at, daemon) in bed.daemons.iter().enumerate() {
        let (number, net) = (at + 1, at % 2 + 1);
        let node = &daemon.ns;
        bed.lab.wire(node, "fab0", &router, &format!("f{number}"))?;
        router.run(&format!("ip link set f{number} master br{net}"))?;
        if families.v4() {
            node.run(&format!("ip addr add 198.18.{net}.{number}/24 dev fab0"))?;
            node.run(&format!("ip route add 198.18.0.0/16 via 198.18.{net}.254"))?;
        }
        if families.v6() {
            node.run(&format!(
                "ip addr add 2001:db8:{net}::{number}/64 dev fab0 nodad"
            ))?;
            node.run(&format!(
                "ip -6 route add 2001:db8::/32 via 2001:db8:{net}::fe"
            ))?;
        }
        bed.configure(daemon, "underlay = \"fab0\"\n")?;
        daemon.launch()?;
    }
    bed.daemons
        .iter()
        .try_for_each(|daemon| daemon.connected())?;
    Ok(router)
}

/// The way from a node to an address, as its daemon tells it.
fn way(bed: &Bed, node: usize, address: IpAddr) -> Result<String> {
    let why = RouteWhy {
        address,
        network: None,
    };
    let route = bed.door(node).why(why)?.route;
    Ok(route.context("a route")?.forward)
}

#[test]
fn five_nodes_of_two_subnets_over_every_underlay() -> Result<()> {
    for (at, families) in [Families::V4, Families::V6, Families::Both]
        .into_iter()
        .enumerate()
    {
        before(&Plan::nodes(5).members(1), |bed| {
            let _router = fabric(bed, families)?;
            for (number, encap) in [(0, "always"), (1, "cross-subnet")] {
                let net = 81 + u8::try_from(at)? * 2 + number;
                network(bed, encap, net, encap)?;
                let pod = |node| Pod::add(bed, node, &format!("{encap}-{node}"), encap);
                let pods = (1..=5).map(pod).collect::<Result<Vec<_>>>()?;
                all_pairs(&pods)?;
                // The third is in the first's subnet, the second is not.
                for ip in &pods[2].ips {
                    let way = way(bed, 1, *ip)?;
                    // An IPv6 route has no gateway of IPv4.
                    let own = families.v6() || ip.is_ipv4();
                    let direct = encap == "cross-subnet" && own;
                    ensure!(
                        way.starts_with("via ") == direct,
                        "{families:?} {encap}: {way}"
                    );
                }
                for ip in &pods[1].ips {
                    let way = way(bed, 1, *ip)?;
                    ensure!(way.starts_with("vxlan "), "{families:?} {encap}: {way}");
                }
                pods.iter().try_for_each(Pod::del)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What `ping` says of a packet that is too large for the way.
fn too_large(pod: &Pod, to: IpAddr, size: u16) -> Result<String> {
    let done: Output = pod
        .ns
        .std_command("ping")
        .args(["-n", "-c1", "-W2", "-M", "do", "-s", &size.to_string()])
        .arg(to.to_string())
        .output()?;
    let text = [done.stdout, done.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_underlays_mtu_is_followed_and_told_to_senders() -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        let router = fabric(bed, Families::V4)?;
        network(bed, "net", 91, "always")?;
        let pods = [
            Pod::add(bed, 1, "one", "net")?,
            Pod::add(bed, 2, "two", "net")?,
        ];
        all_pairs(&pods)?;
        let link = pods[0].ns.json("ip -j link show dev eth0")?;
        ensure!(link[0]["mtu"] == 1450, "{link}");
        // Senders remember what they were told for ten minutes.
        for (mtu, before, inside) in [(1400, 1450, 1350), (1340, 1350, 1290)] {
            bed.node(2).ns.run(&format!("ip link set fab0 mtu {mtu}"))?;
            eventually("the first node follows", || {
                for ip in &pods[1].ips {
                    let way = way(bed, 1, *ip)?;
                    ensure!(way.ends_with(&format!("mtu {inside}")), "{way}");
                }
                Ok(())
            })?;
            // The sender is told, and sends what fits.
            for ip in &pods[1].ips {
                let headers = if ip.is_ipv4() { 28 } else { 48 };
                // What it is told may come later than ping listens; it is remembered all the same.
                eventually("the sender is told", || {
                    let told = too_large(&pods[0], *ip, before - headers)?;
                    ensure!(told.contains(&inside.to_string()), "{ip}: {told}");
                    Ok(())
                })?;
                eventually("what fits arrives", || {
                    let fits = too_large(&pods[0], *ip, inside - headers)?;
                    ensure!(fits.contains(" 1 received"), "{ip}: {fits}");
                    Ok(())
                })?;
            }
        }
        // New containers know it from the start; on what is left for IPv6 there must be 1280.
        let later = Pod::add(bed, 2, "later", "net")?;
        let link = later.ns.json("ip -j link show dev eth0")?;
        ensure!(link[0]["mtu"] == 1290, "{link}");
        bed.node(2).ns.run("ip link set fab0 mtu 1300")?;
        let ns = bed.lab.container()?;
        eventually("too small is told", || {
            let plugin = super::stage::plugin(bed.node(2), "small", "net", Some(&ns));
            let outcome = plugin.add()?;
            let error = outcome.fails(7)?;
            ensure!(error.msg.contains("1280"), "{error:?}");
            Ok(())
        })?;
        // And back.
        bed.node(2).ns.run("ip link set fab0 mtu 1500")?;
        eventually("the first node follows", || {
            let way = way(bed, 1, pods[1].ips[0])?;
            ensure!(way.ends_with("mtu 1450"), "{way}");
            Ok(())
        })?;
        all_pairs(&pods)?;
        drop(router);
        Ok(())
    })
}
