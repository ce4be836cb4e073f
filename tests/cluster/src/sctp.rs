//! SCTP, one connection a socket (RFC 6458, one-to-one style): such a socket reads, writes and names its ends as one of
//! TCP does, so the library's types for those hold it. Only the kernel of the virtual machines has it.

use nix::libc;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrStorage, bind, listen,
    setsockopt, socket, sockopt,
};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd as _, OwnedFd};

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
