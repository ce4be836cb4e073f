//! How long it takes until a TCP connection is there (each is a new flow), and how long a byte takes there and
//! back on one. The ends are on different cores.

use crate::overlay::Way;
use anyhow::{Context as _, Result, ensure};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(5);

/// So many, one after the other, in µs.
pub(super) fn times(way: &Way, port: u16, count: usize) -> Result<Vec<f64>> {
    both(
        way,
        port,
        |to, ready| serve(to, count, ready),
        |to| connect(to, count),
    )
}

/// A byte there and back on one connection, so many times, in µs.
pub(super) fn trips(way: &Way, port: u16, count: usize) -> Result<Vec<f64>> {
    both(way, port, echo, |to| ask(to, count))
}

fn both(
    way: &Way,
    port: u16,
    serve: impl FnOnce(SocketAddr, &mpsc::Sender<()>) -> Result<()> + Send,
    client: impl FnOnce(SocketAddr) -> Result<Vec<f64>> + Send,
) -> Result<Vec<f64>> {
    let to = SocketAddr::new(way.to.parse::<IpAddr>()?, port);
    let (ready, listening) = mpsc::channel();
    std::thread::scope(|scope| {
        let server = scope.spawn(move || way.server.inside(|| serve(to, &ready)));
        let begun = listening.recv().context("the server does not listen");
        let made = begun.and_then(|()| way.client.inside(|| client(to))?);
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
    TcpStream::connect_timeout(&to, LIMIT)?;
    Ok(())
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

fn echo(at: SocketAddr, ready: &mpsc::Sender<()>) -> Result<()> {
    pin(1)?;
    let listener = TcpListener::bind(at)?;
    ready.send(())?;
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        stream.write_all(&byte)?;
    }
    Ok(())
}

fn ask(to: SocketAddr, count: usize) -> Result<Vec<f64>> {
    pin(0)?;
    let mut stream = TcpStream::connect_timeout(&to, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        stream.write_all(&[0])?;
        stream.read_exact(&mut [0])?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}
