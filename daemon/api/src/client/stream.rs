//! A socket whose every step has an end.
//!
//! A daemon that is stopped (SIGSTOP, a debugger, a full machine) still has a socket that takes
//! connections until its queue is full, and then blocks the next `connect` for ever.

use super::error::{ANSWER, Breakage, CONNECT, ClientError, REQUEST};
use crate::frame;
use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt,
        },
        time::TimeVal,
    },
};
use std::{
    io::{self, ErrorKind, Read, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The kernel takes a time of zero for "no end".
const SHORTEST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) path: PathBuf,
    socket: UnixStream,
}

impl Stream {
    pub(super) fn connect(path: &Path, timeout: Duration) -> Result<Stream, ClientError> {
        let timeout = timeout.max(SHORTEST);
        let path = path.to_owned();
        match dial(&path, timeout) {
            Ok(socket) => Ok(Stream { path, socket }),
            // EAGAIN: the daemon's queue of connections is full, and stayed so.
            Err(Errno::EAGAIN) => Err(ClientError::TimedOut {
                socket: path,
                what: CONNECT,
                after: timeout,
            }),
            Err(errno @ (Errno::EACCES | Errno::EPERM)) => Err(ClientError::Denied {
                socket: path,
                source: errno.into(),
            }),
            Err(errno) => Err(ClientError::NotThere {
                socket: path,
                source: errno.into(),
            }),
        }
    }

    /// Sends a frame. That the daemon has closed is not told here: it may have said why before.
    pub(super) fn send(&mut self, frame: &[u8], timeout: Duration) -> Result<(), ClientError> {
        let timeout = timeout.max(SHORTEST);
        let written = self
            .socket
            .set_write_timeout(Some(timeout))
            .and_then(|()| self.socket.write_all(frame));
        match written {
            Err(error) if gone(&error) => Ok(()),
            Err(error) => Err(self.failed(error, REQUEST, timeout)),
            Ok(()) => Ok(()),
        }
    }

    /// The next frame's body, which must be there as a whole in time: one that trickles in does not
    /// extend it.
    pub(super) fn receive(&mut self, timeout: Duration) -> Result<Vec<u8>, ClientError> {
        let mut source = Until {
            socket: &self.socket,
            end: Instant::now() + timeout,
        };
        match frame::read(&mut source, frame::MAX_REPLY) {
            Ok(Ok(Some(body))) => Ok(body),
            Ok(Ok(None)) => Err(self.broken(Breakage::Closed)),
            Ok(Err(error)) => Err(self.broken(Breakage::Frame(error))),
            Err(error) if gone(&error) => Err(self.broken(Breakage::Closed)),
            Err(error) => Err(self.failed(error, ANSWER, timeout)),
        }
    }

    pub(super) fn broken(&self, source: Breakage) -> ClientError {
        let socket = self.path.clone();
        ClientError::Broken { socket, source }
    }

    fn failed(&self, error: io::Error, what: &'static str, after: Duration) -> ClientError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::TimedOut {
                socket: self.path.clone(),
                what,
                after,
            },
            _ => self.broken(Breakage::Io(error)),
        }
    }
}

fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}

/// `std` has no `connect` with an end; the kernel takes the time to send for it.
fn dial(path: &Path, timeout: Duration) -> nix::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let socket = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let micros = i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX);
    let time = TimeVal::new(micros / 1_000_000, micros % 1_000_000);
    setsockopt(&socket, sockopt::SendTimeout, &time)?;
    loop {
        match connect(socket.as_raw_fd(), &address) {
            Err(Errno::EINTR) => {}
            other => return other.map(|()| UnixStream::from(socket)),
        }
    }
}

/// Reads until a moment.
struct Until<'a> {
    socket: &'a UnixStream,
    end: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left.max(SHORTEST)))?;
        self.socket.read(buffer)
    }
}
