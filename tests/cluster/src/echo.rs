//! A server in a container: what it is sent by TCP or UDP, or by SCTP, it sends back.
//!
//! One thread serves all ports of one namespace. It ends with its handle.

use crate::sctp;
use fairway_lab::{Ns, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

/// See the module's head.
#[derive(Debug)]
pub struct Echo {
    end: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

struct Sockets {
    listeners: Vec<TcpListener>,
    datagrams: Vec<UdpSocket>,
    open: Vec<TcpStream>,
}

impl Sockets {
    /// Of both families each.
    fn bind(ports: &[u16]) -> io::Result<Self> {
        let (mut listeners, mut datagrams) = (Vec::new(), Vec::new());
        for port in ports {
            let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port))?;
            listener.set_nonblocking(true)?;
            listeners.push(listener);
            let datagram = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, *port))?;
            datagram.set_nonblocking(true)?;
            datagrams.push(datagram);
        }
        let open = Vec::new();
        Ok(Self {
            listeners,
            datagrams,
            open,
        })
    }

    /// The same for SCTP.
    fn bind_sctp(ports: &[u16]) -> io::Result<Self> {
        let bind = |port: &u16| sctp::listener((Ipv6Addr::UNSPECIFIED, *port).into());
        Ok(Self {
            listeners: ports.iter().map(bind).collect::<io::Result<_>>()?,
            datagrams: Vec::new(),
            open: Vec::new(),
        })
    }

    /// Until the other end of `until` is closed.
    fn serve(mut self, until: &UnixStream) {
        loop {
            let fds: Vec<BorrowedFd<'_>> = std::iter::once(until.as_fd())
                .chain(self.listeners.iter().map(TcpListener::as_fd))
                .chain(self.datagrams.iter().map(UdpSocket::as_fd))
                .chain(self.open.iter().map(TcpStream::as_fd))
                .collect();
            let Ok(ready) = ready(&fds) else { return };
            if ready.first() == Some(&true) {
                return;
            }
            let mut ready = ready.into_iter().skip(1);
            let mut came = Vec::new();
            for listener in &self.listeners {
                if ready.next() == Some(true) {
                    came.extend(std::iter::from_fn(|| listener.accept().ok()));
                }
            }
            for datagram in &self.datagrams {
                if ready.next() == Some(true) {
                    echo_datagrams(datagram);
                }
            }
            self.open
                .retain_mut(|stream| ready.next() != Some(true) || echo(stream));
            for (stream, _) in came {
                let usable = stream.set_nonblocking(true).is_ok();
                self.open.extend(usable.then_some(stream));
            }
        }
    }
}

fn ready(fds: &[BorrowedFd<'_>]) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::new(*fd, PollFlags::POLLIN))
        .collect();
    match poll(&mut polled, PollTimeout::NONE) {
        Ok(_) => Ok(polled.iter().map(|fd| fd.any() == Some(true)).collect()),
        Err(Errno::EINTR) => Ok(vec![false; polled.len()]),
        Err(error) => Err(error.into()),
    }
}

fn echo_datagrams(socket: &UdpSocket) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok((count, from)) = socket.recv_from(&mut bytes) {
        // What does not get out is as good as lost.
        let _ = socket.send_to(&bytes[..count], from);
    }
}

/// False: it is at its end.
fn echo(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 2048];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(count) if stream.write_all(&bytes[..count]).is_err() => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

impl Echo {
    /// Serves these ports, by TCP and UDP over IPv4 and IPv6.
    ///
    /// # Errors
    /// Where one of them is taken.
    pub fn start(ns: &Ns, ports: &[u16]) -> Result<Self> {
        Self::of(ns, || Sockets::bind(ports))
    }

    /// Serves these ports by SCTP over IPv4 and IPv6.
    ///
    /// # Errors
    /// Where one of them is taken, or the kernel has no SCTP.
    pub fn sctp(ns: &Ns, ports: &[u16]) -> Result<Self> {
        Self::of(ns, || Sockets::bind_sctp(ports))
    }

    fn of(ns: &Ns, bind: impl FnOnce() -> io::Result<Sockets> + Send) -> Result<Self> {
        let os = |source| fairway_lab::Error::Os {
            what: format!("an echo server in {}", ns.name()),
            source,
        };
        // A socket stays in the namespace where it was made.
        let sockets = ns.inside(bind)?.map_err(os)?;
        let (end, until) = UnixStream::pair().map_err(os)?;
        let thread = std::thread::spawn(move || sockets.serve(&until));
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
