//! Datagrams that are larger than the way: what only the first piece says holds for all.

use super::objects::{apply, policy};
use super::reach;
use super::workload::plain;
use crate::overlay::stage::{Pod, answers, network, ping};
use anyhow::{Context, Result, ensure};
use fairway_lab::{Ns, json, poll};
use fairway_tests_cluster::{Echo, Plan, SOON, on};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Of several pieces, and of one.
const SIZES: [usize; 3] = [5000, 1800, 200];

/// Is a datagram of so many bytes sent back?
fn echoed(from: &Ns, to: SocketAddr, size: usize) -> Result<bool> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = from.inside(|| UdpSocket::bind(any))??;
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    socket.send_to(&vec![7; size], to)?;
    let mut bytes = vec![0; 1 << 16];
    let heard = socket.recv_from(&mut bytes);
    Ok(heard.is_ok_and(|(count, from)| count == size && from == to))
}

fn all(from: &Pod, to: &Pod, port: u16, open: bool) -> Result<()> {
    for ip in &to.ips {
        for size in SIZES {
            let to = SocketAddr::new(*ip, port);
            let what = format!("{size} bytes from {} to {to}: {open}", from.name);
            // What was sent first may have made the way known.
            let done = poll(SOON, &what, || {
                echoed(&from.ns, to, size).is_ok_and(|found| found == open)
            });
            done.context(what)?;
        }
    }
    Ok(())
}

#[test]
fn pieces_are_let_through_and_refused_as_the_whole() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 182, "always")?;
        let server = plain(bed, 1, "x", "server")?;
        let (near, far) = (plain(bed, 1, "y", "near")?, plain(bed, 2, "y", "far")?);
        let _echo = Echo::start(&server.ns, &[80, 81])?;
        let port = json!([{"port": 80, "protocol": "UDP"}]);
        let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"ports": port}]});
        apply(&bed.door(1), &[policy("x", "one-port", spec)])?;
        for from in [&near, &far] {
            reach::until(&from.ns, server.ips[0], 81, false)?;
            all(from, &server, 80, true)?;
            for _ in 0..3 {
                for ip in &server.ips {
                    for size in SIZES {
                        let to = SocketAddr::new(*ip, 81);
                        ensure!(
                            !echoed(&from.ns, to, size)?,
                            "{size} bytes from {}",
                            from.name
                        );
                    }
                }
            }
        }
        // No rule with ports lets ICMP in, in one piece or in several.
        for ip in &server.ips {
            ensure!(!ping(&far.ns, *ip, 56) && !ping(&far.ns, *ip, 4000), "{ip}");
        }
        let spec = json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]});
        apply(&bed.door(1), &[policy("x", "all", spec)])?;
        for ip in &server.ips {
            poll(SOON, "ICMP in pieces", || ping(&far.ns, *ip, 4000))?;
            ensure!(answers(&near.ns, *ip, 4000), "{ip}");
        }
        Ok(())
    })
}
