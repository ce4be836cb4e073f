//! What the kernel tells without being asked.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use super::Datagram;

/// No notification is longer; one that is counts as lost.
const BUFFER: usize = 64 * 1024;

/// A socket that some multicast groups of a protocol come in by. Never waits: its
/// descriptor becomes readable when there is something to be told.
#[derive(Debug)]
pub struct Subscription {
    socket: Socket,
    buffer: Vec<u8>,
}

/// What was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// A datagram, for [`messages`].
    Datagram(&'a [u8]),
    /// More came than there was room for, and some of it is lost. What is received
    /// after this was told after it was lost.
    Lost,
}

impl Subscription {
    /// Subscribes in the calling thread's namespace. A kernel that has no such
    /// group tells nothing of it.
    pub fn open(protocol: isize, groups: &[u32]) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.set_non_blocking(true)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        for group in groups {
            match socket.add_membership(*group) {
                Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => {}
                other => other?,
            }
        }
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    /// Lets that many bytes wait to be read, with what the kernel counts for
    /// keeping them. Without the right to more, the system's limit stays.
    pub fn reserve(&self, bytes: usize) {
        if setsockopt(&self.socket, sockopt::RcvBufForce, &bytes).is_err() {
            let _ = setsockopt(&self.socket, sockopt::RcvBuf, &bytes);
        }
    }

    /// The next of what was told; None if there is nothing now.
    pub fn receive(&mut self) -> io::Result<Option<Told<'_>>> {
        loop {
            self.buffer.clear();
            match self.socket.recv_from(&mut self.buffer, libc::MSG_TRUNC) {
                // Any process may send to any netlink socket; only port 0 is the kernel.
                Ok((_, from)) if from.port_number() != 0 => {}
                Ok((length, _)) if length > self.buffer.len() => return Ok(Some(Told::Lost)),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {
                    return Ok(Some(Told::Lost));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Told::Datagram(&self.buffer)))
    }
}

impl AsFd for Subscription {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Subscription {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Type and body (fixed header and attributes) of each message in a datagram. The
/// last is an error, with which rule of the format was broken, if the datagram is
/// not whole.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), &'static str>> {
    Datagram::new(datagram).map(|message| message.map(|message| (message.kind, message.body)))
}
