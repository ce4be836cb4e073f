//! SCTP, one connection a socket (RFC 6458, one-to-one style): such a socket reads, writes and names its ends as one of
//! TCP does, so the library's types for those hold it. Only the kernel of the virtual machines has it.

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, connect,
    listen, setsockopt, socket, sockopt,
};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;

/// One that does not wait, and whose connection is aborted when it is closed: one that waits for its end would keep its
/// port.
pub(crate) fn stream(of: SocketAddr) -> io::Result<OwnedFd> {
    let family = match of {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(family, SockType::Stream, flags, SockProtocol::Sctp)?;
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&fd, sockopt::Linger, &at_once)?;
    Ok(fd)
}

/// A server's.
pub(crate) fn listener(at: SocketAddr) -> io::Result<TcpListener> {
    let fd = stream(at)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(at))?;
    listen(&fd, Backlog::new(64)?)?;
    Ok(TcpListener::from(fd))
}

/// A client's, which waits as long for what it reads and writes as it is told to.
pub(crate) fn connected(to: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let fd = stream(to)?;
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    let there = poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)], limit)?;
    let stream = TcpStream::from(fd);
    match stream.take_error()? {
        Some(error) => Err(error),
        None if there == 0 => Err(io::ErrorKind::TimedOut.into()),
        None => stream.set_nonblocking(false).map(|()| stream),
    }
}
