//! A container that poses as another one.

use super::workload::plain;
use crate::overlay::stage::{Pod, network, reaches};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{Flow, FlowList, PolicyStatus};
use fairway_lab::{Value, poll};
use fairway_tests_cluster::frames::{Datagram, Frames, Mac, is_to_port, mac, transmit};
use fairway_tests_cluster::{Bed, Plan, SOON, on};
use std::net::IpAddr;

/// Where forged packets go to, and honest ones after them.
const FORGED: u16 = 99;
const HONEST: u16 = 98;

fn of_family(pod: &Pod, v6: bool) -> Result<IpAddr> {
    let mut ips = pod.ips.iter().copied();
    ips.find(|ip| ip.is_ipv6() == v6).context("an address")
}

/// The hardware address of the host's end.
fn gateway(pod: &Pod) -> Result<Mac> {
    let interfaces = pod.result["interfaces"].as_array().context("interfaces")?;
    let host = |interface: &&Value| interface["sandbox"].as_str().unwrap_or_default().is_empty();
    let mac = interfaces.iter().find(host).context("the host's end")?["mac"].as_str();
    let octets = mac
        .context("its address")?
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16));
    let octets: Vec<u8> = octets.collect::<Result<_, _>>()?;
    octets.try_into().ok().context("six octets")
}

fn packets(status: &PolicyStatus, reason: &str) -> u64 {
    let all = status.packets.iter();
    all.filter(|count| count.reason == reason && count.direction == "egress")
        .map(|count| count.packets)
        .sum()
}

/// One forged packet, and what the node says of it.
fn forge(bed: &Bed, from: &Pod, to: &Pod, forged: Datagram, reason: &str) -> Result<()> {
    let door = bed.door(1);
    let seen = Frames::watch(&to.ns)?;
    let before = packets(&door.policy_status()?, reason);
    let honest = Datagram {
        from_mac: mac(&from.ns, "eth0")?,
        from: of_family(from, forged.to.is_ipv6())?,
        port: HONEST,
        ..forged
    };
    transmit(&from.ns, "eth0", &[forged.bytes(), honest.bytes()])?;
    let mut frames = Vec::new();
    poll(SOON, "the honest one arrives", || {
        frames.extend(seen.seen());
        frames.iter().any(|frame| is_to_port(frame, HONEST))
    })
    .with_context(|| format!("{honest:?}"))?;
    let arrived = frames.iter().any(|frame| is_to_port(frame, FORGED));
    ensure!(!arrived, "{forged:?} arrived");
    eventually("it is counted and told", || {
        let now = packets(&door.policy_status()?, reason);
        ensure!(now > before, "{reason}: {before} packets, then {now}");
        let drops = FlowList {
            drops: true,
            ..FlowList::default()
        };
        let flows = door.flows(drops)?.flows;
        let told = |flow: &&Flow| {
            // Of a frame that is none of the container's, nothing more need be looked at.
            let ends = (flow.source, flow.destination);
            let fits = ends == (Some(forged.from), Some(forged.to)) || reason == "forged-mac";
            fits && flow.reason == reason && flow.endpoint == "x/liar" && flow.direction == "egress"
        };
        let last = flows.len().saturating_sub(10);
        ensure!(
            flows.iter().any(|flow| told(&flow)),
            "{reason}: {forged:?}: {:#?}",
            &flows[last..]
        );
        Ok(())
    })
}

#[test]
fn nobody_poses_as_another() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 162, "always")?;
        let liar = plain(bed, 1, "x", "liar")?;
        let (near, far) = (plain(bed, 1, "y", "near")?, plain(bed, 2, "y", "far")?);
        // Honest packets are sent once, too.
        for to in [&near, &far] {
            for ip in &to.ips {
                reaches(&liar, *ip, SOON)?;
            }
        }
        let own = Datagram {
            from_mac: mac(&liar.ns, "eth0")?,
            to_mac: gateway(&liar)?,
            from: liar.ips[0],
            to: near.ips[0],
            port: FORGED,
        };
        for (to, other) in [(&near, &far), (&far, &near)] {
            for v6 in [false, true] {
                let honest = Datagram {
                    from: of_family(&liar, v6)?,
                    to: of_family(to, v6)?,
                    ..own
                };
                let stranger: IpAddr = if v6 { "2001:db8::7" } else { "198.51.100.7" }.parse()?;
                for from in [of_family(other, v6)?, stranger] {
                    forge(
                        bed,
                        &liar,
                        to,
                        Datagram { from, ..honest },
                        "forged-address",
                    )?;
                }
                let from_mac = [2, 0, 0, 0, 0, 7];
                forge(
                    bed,
                    &liar,
                    to,
                    Datagram { from_mac, ..honest },
                    "forged-mac",
                )?;
            }
        }
        Ok(())
    })
}
