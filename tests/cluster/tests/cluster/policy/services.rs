//! Services as kube-proxy makes them: what hosts have to see, because they change addresses, they see both ways.

use super::past::{counter, pods, talk};
use super::reach;
use super::workload::plain;
use crate::overlay::stage::Pod;
use anyhow::{Result, ensure};
use fairway_lab::Ns;
use fairway_tests_cluster::{Bed, Echo, Plan, Talk, before};
use std::net::IpAddr;

/// What kube-proxy does: addresses of services become those of containers, and what no connection explains is
/// dropped.
fn services(node: &Ns, server: &Pod, port: u16) -> Result<()> {
    let mut rules = vec![
        "add table inet kube".to_owned(),
        "add chain inet kube pre { type nat hook prerouting priority dstnat; }".to_owned(),
        "add chain inet kube post { type nat hook postrouting priority srcnat; }".to_owned(),
        "add chain inet kube pass { type filter hook forward priority filter; }".to_owned(),
        "add rule inet kube pass ct state invalid counter drop".to_owned(),
        "add rule inet kube post meta mark 0x4000 masquerade".to_owned(),
    ];
    for ip in &server.ips {
        let (family, service) = match ip.is_ipv4() {
            true => ("ip", SERVICE.0),
            false => ("ip6", SERVICE.1),
        };
        rules.push(format!(
            "add rule inet kube pre {family} daddr {service} dnat {family} to {ip}"
        ));
        let port_rule = |number: u16, mark: &str, to: u16| {
            format!(
                "add rule inet kube pre fib daddr type local meta l4proto {{ tcp, udp }} th dport {number} \
                 meta nfproto {nf} {mark} dnat {family} to {to}",
                nf = if ip.is_ipv4() { "ipv4" } else { "ipv6" },
                to = match ip.is_ipv4() {
                    true => format!("{ip}:{to}"),
                    false => format!("[{ip}]:{to}"),
                }
            )
        };
        rules.push(port_rule(port, "meta mark set 0x4000", 80));
    }
    node.run(&format!("nft {}", rules.join("; ")))?;
    Ok(())
}

/// Packets that were dropped as invalid.
fn invalid(node: &Ns) -> Result<u64> {
    counter(node, "inet kube pass")
}

/// Addresses of a service, in no pool.
const SERVICE: (&str, &str) = ("10.200.0.1", "fd00:200::1");
const NODE_PORT: u16 = 30_080;

#[test]
fn services_and_firewalls_of_hosts_work_as_ever() -> Result<()> {
    services_work(189, "always")?;
    services_work(194, "cross-subnet")
}

/// Addresses of a machine on the underlay: the one of its cable, and one of IPv6.
pub(super) fn underlay(cable: &str) -> Result<[IpAddr; 2]> {
    let last = cable.rsplit('.').next().unwrap_or_default();
    Ok([cable.parse()?, format!("2001:db8::{last}").parse()?])
}

/// Two nodes on an underlay of both families, which check sources as strictly as Linux can, and a machine there that
/// is no node.
pub(super) fn between(test: impl FnOnce(&Bed, &Ns, [IpAddr; 2]) -> Result<()>) -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        let outside = bed.lab.machine("outside")?;
        let cable = bed.lan.plug(&outside)?;
        let add = |ns: &Ns, cable: &str| -> Result<[IpAddr; 2]> {
            let [v4, v6] = underlay(cable)?;
            ns.run(&format!("ip addr add {v6}/64 dev uplink nodad"))?;
            Ok([v4, v6])
        };
        let ips = add(&outside, &cable.address)?;
        for node in &bed.daemons {
            add(&node.ns, &node.cable.address)?;
            node.ns.set_sysctl("ipv4/conf/uplink/rp_filter", "1")?;
            node.launch()?;
        }
        bed.daemons.iter().try_for_each(|node| node.connected())?;
        test(bed, &outside, ips)
    })
}

fn services_work(net: u8, encap: &str) -> Result<()> {
    between(|bed, outside, _| {
        let [client, server] = pods(bed, net, encap)?;
        let _echo = Echo::start(&server.ns, &[80])?;
        for number in [1, 2] {
            services(&bed.node(number).ns, &server, NODE_PORT)?;
        }
        // Past the hosts, of which each sees nothing.
        talk(&[plain(bed, 1, "x", "three")?, plain(bed, 2, "y", "four")?])?;
        let service = [SERVICE.0.parse()?, SERVICE.1.parse()?];
        reach::open_at(&client.ns, &service, 80)?;
        // The container's own address, and the service's again.
        reach::open(&client.ns, &server, 80)?;
        reach::open_at(&client.ns, &service, 80)?;
        // A connection past the hosts outlives the daemons of both: nothing of it goes by a host meanwhile, which
        // would take its rest for invalid.
        let talks = server.ips.iter().zip(7000..);
        let talks = talks.map(|(ip, port)| Talk::start(&client.ns, (&server.ns, *ip), port));
        let talks = talks.collect::<Result<Vec<_>, _>>()?;
        for number in [1, 2] {
            let node = bed.node(number);
            node.kill()?;
            node.start_connected()?;
            talks.iter().try_for_each(Talk::goes_on)?;
            ensure!(
                invalid(&node.ns)? == 0,
                "n{number} has seen half of something"
            );
        }
        // From a machine that is no node, by the server's node and by the other one.
        for number in [2, 1] {
            let ips = underlay(&bed.node(number).cable.address)?;
            reach::open_at(outside, &ips, NODE_PORT)?;
        }
        for number in [1, 2] {
            ensure!(
                invalid(&bed.node(number).ns)? == 0,
                "n{number} has seen half of something"
            );
        }
        Ok(())
    })
}
