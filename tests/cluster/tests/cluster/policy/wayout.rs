//! No node is another's way out: what comes by the overlay, and is neither for a container nor an answer, ends there.

use super::past::pods;
use super::services::between;
use crate::overlay::stage::Pod;
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{PoolSet, PoolSettings};
use fairway_lab::{Ns, poll};
use fairway_tests_cluster::frames::{Datagram, Frames, is_to_port, mac};
use fairway_tests_cluster::{Bed, SOON, joined};
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where packets go to that must not arrive, and those that do, after them.
const LOST: u16 = 99;
const FOUND: u16 = 98;
/// The first network's VNI, and one of no network.
const OURS: u32 = 4096;
const NOBODYS: u32 = 77;

/// The second node, as what sends by the overlay whatever it likes.
struct Sender {
    socket: UdpSocket,
    /// A packet of its container to nowhere yet.
    packet: Datagram,
    ips: Vec<IpAddr>,
}

impl Sender {
    fn new(bed: &Bed, pod: &Pod) -> Result<Sender> {
        let (one, two) = (bed.node(1), bed.node(2));
        let from: IpAddr = two.cable.address.parse()?;
        let to: IpAddr = one.cable.address.parse()?;
        let socket = two.ns.inside(|| UdpSocket::bind((from, 0)))??;
        socket.connect((to, 4789))?;
        let packet = Datagram {
            from_mac: mac(&two.ns, "fairway.vx")?,
            to_mac: mac(&one.ns, "fairway.vx")?,
            from: pod.ips[0],
            to: pod.ips[0],
            port: LOST,
        };
        let ips = pod.ips.clone();
        Ok(Sender {
            socket,
            packet,
            ips,
        })
    }

    /// The container's packet to there.
    fn packet(&self, to: IpAddr, port: u16) -> Result<Vec<u8>> {
        let mut ips = self.ips.iter();
        let from = ips.find(|ip| ip.is_ipv4() == to.is_ipv4());
        let from = *from.context("an address of the family")?;
        let packet = Datagram {
            from,
            to,
            port,
            ..self.packet
        };
        Ok(packet.bytes())
    }

    /// Sends it in VXLAN (RFC 7348).
    fn send(&self, vni: u32, packet: &[u8]) -> Result<()> {
        let header = [[8, 0, 0, 0], (vni << 8).to_be_bytes()].concat();
        self.socket.send(&[&header, packet].concat())?;
        Ok(())
    }
}

fn arrived(seen: &Frames, port: u16) -> bool {
    seen.seen().iter().any(|frame| is_to_port(frame, port))
}

/// Whatever the second node's container sends to the outside ends at the first node, which passes on what is for its
/// own container.
fn ends(from: &Sender, outside: &Ns, ips: [IpAddr; 2], here: &Pod) -> Result<()> {
    for ip in ips {
        for vni in [OURS, NOBODYS] {
            let (lost, found) = (Frames::watch(outside)?, Frames::watch(&here.ns)?);
            let packet = from.packet(ip, LOST)?;
            from.send(vni, &packet)?;
            // A sum that is wrong makes it invalid for whoever tracks connections.
            let mut wrong = packet;
            if let Some(last) = wrong.last_mut() {
                *last ^= 1;
            }
            from.send(vni, &wrong)?;
            let mut own = here.ips.iter();
            let own = own.find(|own| own.is_ipv4() == ip.is_ipv4());
            let own = from.packet(*own.context("an address")?, FOUND)?;
            poll(SOON, "what is for a container", || {
                from.send(OURS, &own).is_ok() && arrived(&found, FOUND)
            })?;
            ensure!(!arrived(&lost, LOST), "a packet to {ip} with VNI {vni}");
        }
    }
    Ok(())
}

/// What drops it at the first node: a rule, or the table.
fn by(bed: &Bed) -> Result<[bool; 3]> {
    let ns = &bed.node(1).ns;
    let rule = |family: &str| -> Result<bool> {
        let shown = ns.run(&format!("ip {family} rule"))?;
        Ok(shown.contains("from all iif fairway.vx blackhole"))
    };
    let tables = ns.run("nft list tables")?;
    Ok([
        rule("-4")?,
        rule("-6")?,
        tables.contains("table inet fairway"),
    ])
}

fn masquerade(bed: &Bed, yes: bool) -> Result<()> {
    bed.door(1).pool_set(PoolSet {
        name: "net".to_owned(),
        settings: PoolSettings {
            masquerade: Some(yes),
            ..PoolSettings::default()
        },
        ..PoolSet::default()
    })?;
    eventually("one or the other drops it", || {
        let by = by(bed)?;
        ensure!(by == [!yes, !yes, yes], "{by:?}");
        Ok(())
    })
}

#[test]
fn no_node_is_the_way_out_of_another_nodes_containers() -> Result<()> {
    between(|bed, outside, ips| {
        let [here, there] = pods(bed, 195, "always")?;
        let from = Sender::new(bed, &there)?;
        masquerade(bed, true)?;
        ends(&from, outside, ips, &here)?;
        let node = bed.node(1);
        // What the kernel does not track is no answer.
        node.ns.run(
            "nft add table inet raw; add chain inet raw pre { type filter hook prerouting priority raw; }; \
             add rule inet raw pre iifname fairway.vx notrack",
        )?;
        ends(&from, outside, ips, &here)?;
        node.ns.run("nft delete table inet raw")?;
        masquerade(bed, false)?;
        ends(&from, outside, ips, &here)?;

        // One takes over from the other, and at no moment there is neither.
        let (watched, end) = (Frames::watch(outside)?, AtomicBool::new(false));
        let packets = ips.map(|ip| from.packet(ip, LOST));
        let [v4, v6] = packets;
        let packets = [v4?, v6?];
        std::thread::scope(|scope| -> Result<()> {
            let sending = scope.spawn(|| -> Result<u64> {
                let mut sent = 0;
                while !end.load(Ordering::Relaxed) {
                    for packet in &packets {
                        from.send(OURS, packet)?;
                        sent += 1;
                    }
                    std::thread::park_timeout(Duration::from_micros(100));
                }
                Ok(sent)
            });
            let turned = (0..10).try_for_each(|round| masquerade(bed, round % 2 == 0));
            end.store(true, Ordering::Relaxed);
            let sent = joined(sending)?;
            turned?;
            ensure!(sent > 1000, "only {sent} packets were sent");
            Ok(())
        })?;
        ensure!(!arrived(&watched, LOST), "between the two");

        // The daemon that comes up leaves it so. And it is the table that drops it.
        masquerade(bed, true)?;
        node.kill()?;
        ensure!(by(bed)? == [false, false, true]);
        ends(&from, outside, ips, &here)?;
        node.ns.run("nft delete table inet fairway")?;
        for packet in &packets {
            let seen = Frames::watch(outside)?;
            poll(SOON, "nothing drops it", || {
                from.send(OURS, packet).is_ok() && arrived(&seen, LOST)
            })?;
        }
        node.start_connected()?;
        eventually("the daemon that comes up does", || {
            ensure!(by(bed)? == [false, false, true]);
            Ok(())
        })?;
        ends(&from, outside, ips, &here)
    })
}
