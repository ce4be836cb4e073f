//! Clients that ask a daemon for addresses, each on a connection of its own.

use anyhow::{Context as _, Result, ensure};
use fairway_api::ipam::{Allocate, Allocated, Attachment, Facts, Release, Released, Sourced};
use fairway_api::{Client, Method};
use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// What many clients did within some time.
#[derive(Debug, Default)]
pub(crate) struct Churn {
    /// Allocations answered, a second.
    pub(crate) rate: f64,
    /// From request to answer, in ms.
    pub(crate) allocate: Vec<f64>,
    pub(crate) release: Vec<f64>,
}

/// Who asks: a container as the runtimes name theirs, by 64 digits.
fn attachment(client: usize, number: usize) -> Attachment {
    Attachment {
        network: "bench".to_owned(),
        container: format!("{client:032x}{number:032x}"),
        ifname: "eth0".to_owned(),
    }
}

/// One address of the pool for this container; what is known of it is what containerd passes.
pub(crate) fn allocate(
    client: &mut Client,
    pool: &str,
    (who, number): (usize, usize),
) -> Result<(f64, Vec<IpAddr>)> {
    let request = Allocate {
        attachment: attachment(who, number),
        netns: None,
        facts: Facts {
            namespace: Some("default".to_owned()),
            pod: Some(format!("pod-{who:x}-{number:x}x")),
            pool: Some(Sourced {
                value: pool.to_owned(),
                field: "ipam.pool".to_owned(),
            }),
            ..Facts::default()
        },
        early: false,
    };
    let begin = Instant::now();
    let got: Allocated = client.call(Method::Allocate(Box::new(request)))?;
    let time = begin.elapsed().as_secs_f64() * 1e3;
    let addresses = got.addresses.iter().map(|address| address.ip).collect();
    Ok((time, addresses))
}

/// Gives back what that container has.
pub(crate) fn release(client: &mut Client, (who, number): (usize, usize)) -> Result<f64> {
    let attachment = attachment(who, number);
    let begin = Instant::now();
    let freed: Released = client.call(Method::Release(Release { attachment }))?;
    let time = begin.elapsed().as_secs_f64() * 1e3;
    ensure!(!freed.addresses.is_empty(), "nothing was freed");
    Ok(time)
}

/// Clients that allocate and release, one after the other, for so long. They count from `first`,
/// so that another run's containers are others.
pub(crate) fn churn(
    socket: &Path,
    pool: &str,
    clients: usize,
    time: Duration,
    first: usize,
) -> Result<Churn> {
    let begin = Instant::now();
    let one = |who: usize, mut client: Client| -> Result<Churn> {
        let mut done = Churn::default();
        for number in first.. {
            if begin.elapsed() >= time {
                break;
            }
            let (took, _) = allocate(&mut client, pool, (who, number))?;
            done.allocate.push(took);
            done.release.push(release(&mut client, (who, number))?);
        }
        Ok(done)
    };
    let parts = together(&[socket], clients, one)?;
    let seconds = begin.elapsed().as_secs_f64();
    let mut all = Churn::default();
    for part in parts {
        all.allocate.extend(part.allocate);
        all.release.extend(part.release);
    }
    all.rate = all.allocate.len() as f64 / seconds;
    Ok(all)
}

/// So many addresses from each daemon, by so many clients each; they are kept. Gives the seconds
/// from the first request to the last answer, and each request's ms. Containers count from `first`.
pub(crate) fn fill(
    sockets: &[&Path],
    pool: &str,
    (clients, each): (usize, usize),
    first: usize,
) -> Result<(f64, Vec<f64>)> {
    let begin = Instant::now();
    let one = |who: usize, mut client: Client| -> Result<Vec<(f64, Vec<IpAddr>)>> {
        let own = each / clients + usize::from(who % clients < each % clients);
        let numbers = (first..first + own).map(|number| allocate(&mut client, pool, (who, number)));
        numbers.collect()
    };
    let parts = together(sockets, clients, one)?;
    let seconds = begin.elapsed().as_secs_f64();
    let all: Vec<_> = parts.into_iter().flatten().collect();
    let given: Vec<_> = all.iter().flat_map(|(_, addresses)| addresses).collect();
    let different: HashSet<_> = given.iter().collect();
    ensure!(
        different.len() == given.len() && given.len() == each * sockets.len(),
        "{} different of {} addresses for {} containers",
        different.len(),
        given.len(),
        each * sockets.len(),
    );
    Ok((seconds, all.into_iter().map(|(time, _)| time).collect()))
}

/// Runs the same for each client, numbered through, once all are connected.
fn together<T: Send>(
    sockets: &[&Path],
    clients: usize,
    one: impl Fn(usize, Client) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let barrier = Barrier::new(sockets.len() * clients);
    let (barrier, one) = (&barrier, &one);
    let connected = |who: usize, socket: &Path| {
        // Also where it fails, or the others would wait for ever.
        let client = Client::connect(socket, Duration::from_secs(10));
        barrier.wait();
        let client = client.with_context(|| socket.display().to_string())?;
        one(who, client)
    };
    let connected = &connected;
    thread::scope(|scope| {
        let sockets = sockets.iter().flat_map(|socket| vec![*socket; clients]);
        let threads = sockets.enumerate();
        let threads = threads.map(|(who, socket)| scope.spawn(move || connected(who, socket)));
        let threads: Vec<_> = threads.collect();
        let ends = threads.into_iter().map(|thread| {
            let end = thread.join();
            end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        ends.collect()
    })
}
