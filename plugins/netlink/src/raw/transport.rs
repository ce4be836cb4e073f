//! The socket, behind a trait so that tests can play the kernel.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;
use nix::libc::MSG_TRUNC;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use crate::glance::glance;
use crate::link::Link;

/// How long one receive waits for the kernel. Most requests are worked off before
/// the send returns, however long they wait for the lock that all network
/// configuration shares; so this ends only the wait for an answer that was lost.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A way to the kernel and back.
pub trait Transport {
    /// Sends one datagram, whole.
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;

    /// Receives one datagram of the kernel's in place of what `buffer` holds, no
    /// more of it than the buffer has room for, and tells its whole length.
    /// `WouldBlock` when none came in time.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;

    /// Makes room for a datagram of `send` bytes and for `receive` bytes of
    /// answers that pile up before they are read.
    fn reserve(&mut self, send: usize, receive: usize);

    /// A link of the socket's namespace, asked for past netlink; `Unsupported` where there is no such way.
    fn glance(&self, name: &str) -> io::Result<Option<Link>> {
        let _ = name;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A netlink socket. It stays in the namespace that the thread was in when it
/// was opened.
#[derive(Debug)]
pub struct KernelSocket {
    socket: Socket,
}

impl KernelSocket {
    /// Opens a socket for one of netlink's protocols.
    pub fn open(protocol: isize) -> io::Result<Self> {
        let socket = Socket::new(protocol)?;
        let patience = TimeVal::new(ANSWER_WITHIN.as_secs() as i64, 0);
        setsockopt(&socket, sockopt::ReceiveTimeout, &patience)?;
        // Kernels before 4.12 and 4.20 know these not; they go without.
        tolerate_unknown(socket.set_ext_ack(true))?;
        tolerate_unknown(socket.set_cap_ack(true))?;
        if protocol == NETLINK_ROUTE {
            tolerate_unknown(socket.set_netlink_get_strict_chk(true))?;
        }
        Ok(Self { socket })
    }
}

fn tolerate_unknown(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(Errno::ENOPROTOOPT as i32) => Ok(()),
        other => other,
    }
}

impl Transport for KernelSocket {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram, 0).map(drop)
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            buffer.clear();
            match self.socket.recv_from(buffer, MSG_TRUNC) {
                // Any process may send to any netlink socket; only port 0 is the kernel.
                Ok((length, from)) if from.port_number() == 0 => return Ok(length),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn reserve(&mut self, send: usize, receive: usize) {
        // Beyond the limits that hold for others; without the right to it the
        // standard buffers stay, and what does not fit fails when it is sent.
        let _ = setsockopt(&self.socket, sockopt::SndBufForce, &send);
        let _ = setsockopt(&self.socket, sockopt::RcvBufForce, &receive);
    }

    fn glance(&self, name: &str) -> io::Result<Option<Link>> {
        glance(self.socket.as_fd(), name)
    }
}
