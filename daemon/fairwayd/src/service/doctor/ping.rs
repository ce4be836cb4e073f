//! Whether other nodes answer, and to packets of the full size: by the program `ping`, many at once.
//!
//! The kernel's own tunnel sends from the same address to the same address; what a ping of the full size
//! that may not be taken apart gets through, an encapsulated packet gets through, if UDP does.

use super::judge::Reached;
use fairway_ipam::NodeName;
use std::{
    collections::HashMap, io::ErrorKind, net::IpAddr, process::Stdio, sync::Arc, time::Duration,
};
use tokio::{process::Command, sync::Semaphore, task::JoinSet, time::timeout};

/// Processes at a time.
const AT_ONCE: usize = 48;
/// One that has not ended by then is killed; it should after [`DEADLINE`].
const WITHIN: Duration = Duration::from_secs(3);
/// In seconds. With [`BETWEEN`] three tries fit, and the first answer ends it.
const DEADLINE: &str = "2";
/// Seconds between two tries.
const BETWEEN: &str = "0.7";
/// What is asked first, in bytes without headers: what `ping` takes by itself.
const SMALL: u32 = 56;

/// A node that is to be asked.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) node: NodeName,
    /// From where to where.
    pub(super) ways: Vec<(IpAddr, IpAddr)>,
    /// What must get through, in bytes with the IP header.
    pub(super) mtu: u32,
}

type Found = (NodeName, Vec<(IpAddr, Reached)>);

/// Pings that run; dropped, they are ended.
#[derive(Debug)]
pub(super) struct Pings {
    running: JoinSet<Found>,
}

impl Pings {
    pub(super) fn start(targets: Vec<Target>) -> Pings {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for target in targets {
            running.spawn(target.reach(permits.clone()));
        }
        Pings { running }
    }

    /// Nodes of which nothing is known yet.
    pub(super) fn left(&self) -> usize {
        self.running.len()
    }

    /// The next that is known; none at the end. May be given up without loss.
    pub(super) async fn next(&mut self) -> Option<Found> {
        loop {
            if let Ok(found) = self.running.join_next().await? {
                return Some(found);
            }
        }
    }
}

impl Target {
    async fn reach(self, permits: Arc<Semaphore>) -> Found {
        let mut running = JoinSet::new();
        for (from, to) in self.ways.clone() {
            let permits = permits.clone();
            running.spawn(async move {
                // Nobody closes it.
                let _permit = permits.acquire().await;
                (to, both_sizes(from, to, self.mtu).await)
            });
        }
        let mut found: HashMap<_, _> = running.join_all().await.into_iter().collect();
        let in_order = self
            .ways
            .iter()
            .filter_map(|(_, to)| Some((*to, found.remove(to)?)));
        (self.node, in_order.collect())
    }
}

async fn both_sizes(from: IpAddr, to: IpAddr, mtu: u32) -> Reached {
    match ping(from, to, SMALL).await {
        Reached::Yes { .. } => {}
        other => return other,
    }
    match ping(from, to, payload(to, mtu)).await {
        Reached::Yes { .. } => Reached::Yes { bytes: mtu },
        Reached::No { .. } => Reached::Small { bytes: mtu },
        other => other,
    }
}

/// What is left of a packet without the headers of IP and ICMP (RFC 791, 8200, 792, 4443).
fn payload(to: IpAddr, mtu: u32) -> u32 {
    mtu.saturating_sub(match to {
        IpAddr::V4(_) => 20 + 8,
        IpAddr::V6(_) => 40 + 8,
    })
}

fn arguments(from: IpAddr, to: IpAddr, size: u32) -> Vec<String> {
    let (size, from, to) = (size.to_string(), from.to_string(), to.to_string());
    let words = [
        "-n", "-q", "-c", "1", "-w", DEADLINE, "-i", BETWEEN, "-M", "do", "-s", &size, "-I", &from,
        &to,
    ];
    words.map(str::to_owned).to_vec()
}

async fn ping(from: IpAddr, to: IpAddr, size: u32) -> Reached {
    let mut command = Command::new("ping");
    command.args(arguments(from, to, size)).env("LC_ALL", "C");
    command.stdin(Stdio::null()).kill_on_drop(true);
    match timeout(WITHIN, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Reached::Yes { bytes: size },
        Ok(Ok(output)) => Reached::No {
            said: said(&output.stderr),
        },
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Reached::NoPing,
        Ok(Err(error)) => Reached::Untried {
            why: format!("ping: {error}"),
        },
        Err(_) => Reached::Untried {
            why: "ping does not end".to_owned(),
        },
    }
}

/// The first line on standard error.
fn said(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_of_the_mtu_is_asked_with_and_may_not_be_taken_apart() {
        let (v4, v6): (IpAddr, IpAddr) =
            ("192.0.2.3".parse().unwrap(), "2001:db8::3".parse().unwrap());
        assert_eq!((payload(v4, 1500), payload(v6, 1500)), (1472, 1452));
        assert_eq!(payload(v6, 20), 0);
        let line = arguments("192.0.2.1".parse().unwrap(), v4, 1472).join(" ");
        assert_eq!(
            line,
            "-n -q -c 1 -w 2 -i 0.7 -M do -s 1472 -I 192.0.2.1 192.0.2.3"
        );
    }

    #[test]
    fn what_ping_says_is_one_line() {
        assert_eq!(
            said(b"\n ping: connect: Network is unreachable\nmore\n"),
            "ping: connect: Network is unreachable"
        );
        assert_eq!(said(b""), "");
        assert_eq!(said(&[b'x'; 1000]).len(), 200);
    }
}
