//! Nothing passes a container's link before its policy is in place: not in, and not out.

use super::objects::{apply, deny_all};
use super::workload::{Workload, plain};
use crate::overlay::stage::{Pod, network, plugin};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_lab::{Ns, poll};
use fairway_tests_cluster::frames::{Frames, is_to_port};
use fairway_tests_cluster::{Bed, Plan, SOON, Stop, on};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What comes in, and what goes out.
const IN: u16 = 4242;
const OUT: u16 = 4343;

/// Datagrams of UDP and first packets of TCP to many addresses, again and again, from one namespace.
struct Flood {
    stop: Arc<Stop>,
    rounds: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn start(ns: &Ns, to: Vec<SocketAddr>) -> Self {
        let (stop, rounds) = (Arc::<Stop>::default(), Arc::<AtomicU64>::default());
        let (ns, ended, count) = (ns.clone(), stop.clone(), rounds.clone());
        let thread = std::thread::spawn(move || {
            let _ = ns.inside(|| {
                while !ended.pause(Duration::from_millis(1)) {
                    send(&to);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        });
        Self {
            stop,
            rounds,
            thread: Some(thread),
        }
    }

    /// Waits until all addresses were sent to so many times more.
    fn more(&self, rounds: u64) -> Result<()> {
        let until = self.rounds.load(Ordering::Relaxed) + rounds;
        poll(SOON, "the flood goes on", || {
            self.rounds.load(Ordering::Relaxed) >= until
        })?;
        Ok(())
    }
}

/// Errors are of no account: nobody may be there yet, and there may be no way there.
fn send(to: &[SocketAddr]) {
    let sockets = (
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    );
    for to in to {
        let (family, datagram) = match to {
            SocketAddr::V4(_) => (AddressFamily::Inet, &sockets.0),
            SocketAddr::V6(_) => (AddressFamily::Inet6, &sockets.1),
        };
        if let Ok(datagram) = datagram {
            let _ = datagram.send_to(b"flood", to);
        }
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        if let Ok(fd) = socket(family, SockType::Stream, flags, None) {
            let _ = connect(fd.as_raw_fd(), &SockaddrStorage::from(*to));
        }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All addresses of the blocks that the pod's are of.
fn blocks(pod: &Pod) -> Vec<SocketAddr> {
    let around = |ip: &IpAddr| -> Vec<IpAddr> {
        match ip {
            IpAddr::V4(ip) => {
                let first = u32::from(*ip) & !63;
                (0..64)
                    .map(|at| Ipv4Addr::from(first + at).into())
                    .collect()
            }
            IpAddr::V6(ip) => {
                let first = u128::from(*ip) & !63;
                (0..64)
                    .map(|at| Ipv6Addr::from(first + at).into())
                    .collect()
            }
        }
    };
    let all = pod.ips.iter().flat_map(around);
    all.map(|ip| SocketAddr::new(ip, IN)).collect()
}

fn count(frames: &Frames, port: u16) -> usize {
    let seen = frames.seen();
    seen.iter().filter(|frame| is_to_port(frame, port)).count()
}

/// Packets that got in, and that got out, of a container that is added while all are sent.
fn added(
    bed: &Bed,
    namespace: &str,
    name: &str,
    sink: &Pod,
    floods: &[Flood],
) -> Result<[usize; 2]> {
    let ns = bed.lab.container()?;
    let (came, left) = (Frames::watch(&ns)?, Frames::watch(&sink.ns)?);
    let to = sink.ips.iter().map(|ip| SocketAddr::new(*ip, OUT));
    let eager = Flood::start(&ns, to.collect());
    eager.more(2)?;
    let labels = &[];
    let who = Workload {
        namespace,
        pod: name,
        labels,
    };
    let cni = who.tell(plugin(bed.node(1), name, "net", Some(&ns)));
    let result = cni.add()?.ok().with_context(|| format!("ADD of {name}"))?;
    for flood in floods.iter().chain([&eager]) {
        flood.more(20)?;
    }
    let found = [count(&came, IN), count(&left, OUT)];
    drop(eager);
    cni.del(Some(&result))?.ok()?;
    Ok(found)
}

#[test]
fn not_one_packet_is_earlier_than_the_policy() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 161, "always")?;
        apply(&bed.door(1), &[deny_all("x")])?;
        eventually("both nodes know the policy", || {
            for node in [1, 2] {
                ensure!(bed.door(node).policies()?.len() == 1);
            }
            Ok(())
        })?;
        let (near, far) = (plain(bed, 1, "y", "near")?, plain(bed, 2, "y", "far")?);
        let sinks = [
            plain(bed, 1, "y", "sink")?,
            plain(bed, 2, "y", "other-sink")?,
        ];
        let floods = [&near, &far].map(|from| Flood::start(&from.ns, blocks(&near)));
        for round in 0..3 {
            for at in 0..4 {
                let name = format!("shut-{round}-{at}");
                let [came, left] = added(bed, "x", &name, &sinks[at % 2], &floods)?;
                ensure!(came == 0, "{came} packets came into {name}");
                ensure!(left == 0, "{left} packets left {name}");
            }
            // Where nothing is forbidden they do come and go, so they would have.
            for (at, sink) in sinks.iter().enumerate() {
                let name = format!("open-{round}-{at}");
                let [came, left] = added(bed, "y", &name, sink, &floods)?;
                ensure!(came > 0 && left > 0, "{name}: {came} came, {left} left");
            }
        }
        Ok(())
    })
}
