//! A connection between two pods that is held while other things happen.

use crate::kubelet::Running;
use anyhow::{Context as _, Result, ensure};
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Nobody else's in a pod.
const PORT: u16 = 9000;
const LIMIT: Duration = Duration::from_secs(60);

/// Both ends; they are in the pods' networks, and in no process of theirs.
pub(crate) struct Talk(TcpStream, TcpStream);

impl Talk {
    /// By the first of the addresses of `to`.
    pub(crate) fn begin(from: &Running, to: &Running) -> Result<Self> {
        let ip = to.addresses.first().context("no address")?.parse()?;
        let address = SocketAddr::new(ip, PORT);
        let listener = inside(to, || Ok(TcpListener::bind(address)?))?;
        let caller = inside(from, || Ok(TcpStream::connect_timeout(&address, LIMIT)?))?;
        let (called, _) = listener.accept()?;
        let mut talk = Self(caller, called);
        talk.exchange()?;
        Ok(talk)
    }

    /// A word there, and one back.
    pub(crate) fn exchange(&mut self) -> Result<()> {
        let Self(one, two) = self;
        said(one, two)?;
        said(two, one)
    }
}

fn said(from: &mut TcpStream, to: &mut TcpStream) -> Result<()> {
    let mut heard = [0; 4];
    from.write_all(b"word")?;
    to.set_read_timeout(Some(LIMIT))?;
    to.read_exact(&mut heard)?;
    ensure!(heard == *b"word", "{heard:?}");
    Ok(())
}

/// A socket stays in the network that its thread was in when it was made.
fn inside<T: Send>(pod: &Running, make: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let network = File::open(format!("/proc/{}/ns/net", pod.pid))?;
    let made = thread::scope(|scope| {
        let body = || {
            setns(network, CloneFlags::CLONE_NEWNET)?;
            make()
        };
        scope.spawn(body).join()
    });
    made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
