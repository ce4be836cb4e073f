//! Many connections tried at once from one namespace: which of them come about.
//!
//! What policy refuses leaves no trace but silence, so all depends on how long one waits for it. Waiting
//! for each by itself takes minutes for a table of hundreds; here all are tried side by side, and what is to
//! be silent is listened to for a while after the last of what is to answer has answered.

use crate::sctp;
use fairway_lab::{Ns, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// By what a connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP, where the kernel has it.
    Sctp,
}

/// What is tried, and what should come of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// By what.
    pub protocol: Protocol,
    /// Where an [`crate::Echo`] serves.
    pub to: SocketAddr,
    /// Is it to come about? Decides only how long is waited for it.
    pub wanted: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Nothing was heard.
    No,
    /// The handshake came about, and what was sent did not come back.
    Half,
    /// What was sent came back.
    Whole,
}

/// How long all may take, and what is to be silent is listened to.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For those that are wanted.
    pub limit: Duration,
    /// For the rest, after the last of those that are wanted.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(20),
            silence: Duration::from_millis(250),
        }
    }
}

/// UDP is sent again so often: nobody else would do it.
const AGAIN: Duration = Duration::from_millis(100);
const WORD: &[u8] = b"fairway\n";

enum Socket {
    /// It failed at once.
    None,
    Connecting(OwnedFd),
    Stream(TcpStream),
    Datagram(UdpSocket),
}

struct Try {
    socket: Socket,
    reached: Reached,
    wanted: bool,
    heard: usize,
}

impl Try {
    fn start(target: &Target) -> io::Result<Self> {
        let socket = match target.protocol {
            Protocol::Tcp => connecting(tcp(target.to)?, target.to),
            Protocol::Sctp => connecting(sctp::stream(target.to)?, target.to),
            Protocol::Udp => {
                let any: SocketAddr = match target.to {
                    SocketAddr::V4(_) => ([0; 4], 0).into(),
                    SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
                };
                let socket = UdpSocket::bind(any)?;
                socket.set_nonblocking(true)?;
                match socket.connect(target.to) {
                    Ok(()) => Socket::Datagram(socket),
                    Err(_) => Socket::None,
                }
            }
        };
        Ok(Self {
            socket,
            reached: Reached::No,
            wanted: target.wanted,
            heard: 0,
        })
    }

    fn again(&self) {
        if let (Socket::Datagram(socket), Reached::No) = (&self.socket, self.reached) {
            let _ = socket.send(WORD);
        }
    }

    fn waits_for(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        match &self.socket {
            _ if self.reached == Reached::Whole => None,
            Socket::None => None,
            Socket::Connecting(fd) => Some((fd.as_fd(), PollFlags::POLLOUT)),
            Socket::Stream(stream) => Some((stream.as_fd(), PollFlags::POLLIN)),
            Socket::Datagram(socket) => Some((socket.as_fd(), PollFlags::POLLIN)),
        }
    }

    fn step(&mut self) {
        let mut bytes = [0; 64];
        let heard = match &mut self.socket {
            Socket::None => return,
            Socket::Connecting(_) => return self.connected(),
            Socket::Stream(stream) => stream.read(&mut bytes),
            Socket::Datagram(socket) => socket.recv(&mut bytes),
        };
        match heard {
            Ok(count @ 1..) => {
                self.heard += count;
                if self.heard >= WORD.len() {
                    self.reached = Reached::Whole;
                }
            }
            // An ICMP error of a datagram is no end: the next one may get through.
            Err(_) if matches!(self.socket, Socket::Datagram(_)) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => self.socket = Socket::None,
        }
    }

    fn connected(&mut self) {
        let Socket::Connecting(fd) = std::mem::replace(&mut self.socket, Socket::None) else {
            return;
        };
        let mut stream = TcpStream::from(fd);
        if matches!(stream.take_error(), Ok(None)) && stream.write_all(WORD).is_ok() {
            self.reached = Reached::Half;
            self.socket = Socket::Stream(stream);
        }
    }
}

fn tcp(to: SocketAddr) -> io::Result<OwnedFd> {
    let family = match to {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    Ok(socket(family, SockType::Stream, flags, None)?)
}

fn connecting(fd: OwnedFd, to: SocketAddr) -> Socket {
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Socket::Connecting(fd),
        Err(_) => Socket::None,
    }
}

/// Tries all of them from a namespace, and says in their order what came of them.
///
/// # Errors
/// Where there are no more sockets to be had.
pub fn probe(ns: &Ns, targets: &[Target], patience: Patience) -> Result<Vec<Reached>> {
    let os = |source| fairway_lab::Error::Os {
        what: format!("probes from {}", ns.name()),
        source,
    };
    let start = || {
        targets
            .iter()
            .map(Try::start)
            .collect::<io::Result<Vec<_>>>()
    };
    let tries = ns.inside(start)?.map_err(os)?;
    watch(tries, patience).map_err(os)
}

fn watch(mut tries: Vec<Try>, patience: Patience) -> io::Result<Vec<Reached>> {
    let (begun, mut heard, mut sent) = (Instant::now(), Instant::now(), None::<Instant>);
    loop {
        if sent.is_none_or(|sent| sent.elapsed() >= AGAIN) {
            tries.iter().for_each(Try::again);
            sent = Some(Instant::now());
        }
        let missing = tries
            .iter()
            .any(|one| one.wanted && one.reached != Reached::Whole);
        let limit = match missing {
            true => begun + patience.limit,
            false => heard + patience.silence,
        };
        let left = limit.saturating_duration_since(Instant::now());
        let waiting = tries.iter().any(|one| one.waits_for().is_some());
        if left.is_zero() || !waiting {
            return Ok(tries.iter().map(|one| one.reached).collect());
        }
        for at in ready(&tries, left.min(AGAIN))? {
            let before = tries[at].reached;
            tries[at].step();
            if tries[at].reached != before {
                heard = Instant::now();
            }
        }
    }
}

fn ready(tries: &[Try], limit: Duration) -> io::Result<Vec<usize>> {
    let (mut at, mut fds) = (Vec::new(), Vec::new());
    for (number, one) in tries.iter().enumerate() {
        if let Some((fd, flags)) = one.waits_for() {
            at.push(number);
            fds.push(PollFd::new(fd, flags));
        }
    }
    let millis = u16::try_from(limit.as_millis().max(1)).unwrap_or(u16::MAX);
    match poll(&mut fds, PollTimeout::from(millis)) {
        Err(Errno::EINTR) => return Ok(Vec::new()),
        found => found?,
    };
    let ready = at.into_iter().zip(&fds);
    Ok(ready
        .filter(|(_, fd)| fd.any() == Some(true))
        .map(|(at, _)| at)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Echo;

    #[test]
    fn what_is_there_answers_and_what_is_not_is_silent() {
        let ns = Ns::new("probe").unwrap();
        ns.up("lo").unwrap();
        let _echo = Echo::start(&ns, &[80]).unwrap();
        // Packets to this port vanish.
        ns.sh("nft add table inet t; nft add chain inet t c '{ type filter hook input priority 0; }'; \
               nft add rule inet t c tcp dport 82 drop; nft add rule inet t c tcp dport 83 ct state established drop")
            .unwrap();
        let _more = Echo::start(&ns, &[83]).unwrap();
        let mut targets = Vec::new();
        for host in ["127.0.0.1", "[::1]"] {
            for (protocol, port) in [
                (Protocol::Tcp, 80),
                (Protocol::Udp, 80),
                (Protocol::Tcp, 81),
                (Protocol::Udp, 81),
                (Protocol::Tcp, 82),
                (Protocol::Tcp, 83),
            ] {
                let to = format!("{host}:{port}").parse().unwrap();
                let wanted = port == 80;
                targets.push(Target {
                    protocol,
                    to,
                    wanted,
                });
            }
        }
        let found = probe(&ns, &targets, Patience::default()).unwrap();
        let no = Reached::No;
        let wanted = [Reached::Whole, Reached::Whole, no, no, no, Reached::Half].repeat(2);
        assert_eq!(found, wanted);
    }
}
