//! All pairs of containers, both families, every way to encapsulate.

use super::stage::{Pod, all_pairs, answers, network};
use anyhow::{Result, ensure};
use fairway_tests_cluster::{Bed, Plan, on};
use std::net::IpAddr;

fn pods(bed: &Bed, network: &str) -> Result<Vec<Pod>> {
    let mut pods = Vec::new();
    for node in 1..=bed.daemons.len() {
        for which in ["a", "b"] {
            pods.push(Pod::add(
                bed,
                node,
                &format!("{network}-{node}{which}"),
                network,
            )?);
        }
    }
    Ok(pods)
}

/// As operators set their machines up: new links without IPv6, strict checks of sources everywhere, and a route
/// to the whole of the site's network, of which pools are a part.
#[test]
fn on_hardened_hosts_in_a_sites_network() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let outside = bed.wires[0].address.clone();
        for daemon in &bed.daemons {
            daemon
                .ns
                .set_sysctl("ipv6/conf/default/disable_ipv6", "1")?;
            daemon.ns.set_sysctl("ipv4/conf/all/rp_filter", "1")?;
            daemon.ns.set_sysctl("ipv4/conf/default/rp_filter", "1")?;
            daemon
                .ns
                .run(&format!("ip route add 10.0.0.0/8 via {outside}"))?;
        }
        network(bed, "net", 25, "always")?;
        let pods = pods(bed, "net")?;
        all_pairs(&pods)?;
        for pod in &pods {
            ensure!(
                answers(&pod.ns, outside.parse()?, 56),
                "{} to the outside",
                pod.name
            );
        }
        for daemon in &bed.daemons {
            let info = daemon.door().info()?;
            ensure!(info.problems.is_empty(), "{:?}", info.problems);
            ensure!(answers(&daemon.ns, pods[0].ips[0], 56), "{}", daemon.name);
        }
        Ok(())
    })
}

/// Network cards that get inner checksums wrong need not be trusted with them.
#[test]
fn checksums_by_the_kernel_itself() -> Result<()> {
    let software = "overlay_checksum = \"software\"\n";
    on(&Plan::nodes(2).members(1).settings(software), |bed| {
        network(bed, "net", 24, "always")?;
        let pods = pods(bed, "net")?;
        all_pairs(&pods)?;
        for daemon in &bed.daemons {
            let features = daemon.ns.run("ethtool -k fairway.vx")?;
            ensure!(
                features.contains("tx-checksum-ip-generic: off"),
                "{features}"
            );
        }
        Ok(())
    })
}

#[test]
fn all_pairs_in_every_way() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        for (number, encap) in [(21, "always"), (22, "cross-subnet"), (23, "never")] {
            network(bed, encap, number, encap)?;
            let mut pods = pods(bed, encap)?;
            if encap == "never" {
                // The nodes are neighbours by IPv4 only.
                pods.iter_mut()
                    .for_each(|pod| pod.ips.retain(IpAddr::is_ipv4));
            }
            all_pairs(&pods)?;
            // The node itself, and other nodes.
            for pod in &pods {
                for daemon in &bed.daemons {
                    for ip in pod.ips.iter().filter(|ip| ip.is_ipv4()) {
                        ensure!(answers(&daemon.ns, *ip, 56), "{} to {ip}", daemon.name);
                    }
                    let node = daemon.cable.address.parse()?;
                    ensure!(answers(&pod.ns, node, 56), "{} to {node}", pod.name);
                }
            }
            for pod in &pods {
                pod.cni.check(&pod.result)?.ok()?;
                pod.del()?;
            }
        }
        Ok(())
    })
}
