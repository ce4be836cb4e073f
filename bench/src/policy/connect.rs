//! How long it takes until a TCP connection is there. Each is a new flow; the ends are on different cores.

use crate::overlay::Way;
use anyhow::{Context as _, Result, ensure};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(5);

/// So many, one after the other, in µs.
pub(super) fn times(way: &Way, port: u16, count: usize) -> Result<Vec<f64>> {
    let to = SocketAddr::new(way.to.parse::<IpAddr>()?, port);
    let (ready, listening) = mpsc::channel();
    std::thread::scope(|scope| {
        let server = scope.spawn(move || way.server.inside(|| serve(to, count, &ready)));
        let begun = listening.recv().context("the server does not listen");
        let made = begun.and_then(|()| way.client.inside(|| connect(to, count))?);
        if made.is_err() {
            // The server waits for connections that do not come any more.
            drop(way.server.inside(|| release(to)));
        }
        let served = server.join();
        let times = made?;
        ensure!(matches!(served, Ok(Ok(Ok(())))), "{served:?}");
        Ok(times)
    })
}

fn pin(end: usize) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut set = CpuSet::new();
    set.set(end % cores)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Hangs up first, so that the ports that rest are the server's.
fn serve(at: SocketAddr, count: usize, ready: &mpsc::Sender<()>) -> Result<()> {
    pin(1)?;
    let listener = TcpListener::bind(at)?;
    ready.send(())?;
    for _ in 0..count {
        let (stream, from) = listener.accept()?;
        if from.ip() == at.ip() {
            break;
        }
        drop(stream);
    }
    Ok(())
}

fn release(to: SocketAddr) -> Result<()> {
    Ok(drop(TcpStream::connect_timeout(&to, LIMIT)?))
}

fn connect(to: SocketAddr, count: usize) -> Result<Vec<f64>> {
    pin(0)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        let mut stream = TcpStream::connect_timeout(&to, LIMIT)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        stream.set_read_timeout(Some(LIMIT))?;
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(times)
}
