//! What a link is like, without the lock.
//!
//! rtnetlink answers even a question under the one lock that all changes of all namespaces wait for. On a node that
//! starts many containers at once each question then waits as long as a change does, and everybody behind it. The old
//! ioctls know less and take no lock. They do not know whether a link carries traffic: IFF_RUNNING is also set while
//! the kernel has not yet looked.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::errno::Errno;
use nix::libc;

use crate::link::Link;
use crate::mac::MacAddr;

/// `struct ifreq`: a name, and an answer as the question has it.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    answer: [u8; 24],
}

const _: () = assert!(size_of::<Request>() == size_of::<libc::ifreq>());

/// Asks about a link in the namespace of a socket (of any kind); None where there is none of that name.
///
/// Five questions, each by name: where the name is another link's by the end, that is `Again`.
pub(crate) fn glance(socket: BorrowedFd<'_>, name: &str) -> io::Result<Option<Link>> {
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    match read(socket, name) {
        Err(Errno::ENODEV) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

fn read(socket: BorrowedFd<'_>, name: &str) -> Result<Link, Errno> {
    let index = || ask(socket, name, libc::SIOCGIFINDEX).map(|answer| number(&answer));
    let mut link = Link::new(index()?, name);
    let [low, high, ..] = ask(socket, name, libc::SIOCGIFFLAGS)?;
    let flags = libc::c_int::from(u16::from_ne_bytes([low, high]));
    link.up = flags & libc::IFF_UP != 0;
    link.mtu = number(&ask(socket, name, libc::SIOCGIFMTU)?);
    let [low, high, mac @ ..] = ask(socket, name, libc::SIOCGIFHWADDR)?;
    let kind = u16::from_ne_bytes([low, high]);
    if matches!(kind, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK) {
        link.mac = mac.first_chunk().copied().map(MacAddr);
    }
    match index()? == link.index {
        true => Ok(link),
        false => Err(Errno::EAGAIN),
    }
}

fn number(answer: &[u8; 24]) -> u32 {
    let [a, b, c, d, ..] = *answer;
    u32::from_ne_bytes([a, b, c, d])
}

#[expect(unsafe_code, reason = "an ioctl takes a pointer")]
fn ask(socket: BorrowedFd<'_>, name: &str, question: libc::Ioctl) -> Result<[u8; 24], Errno> {
    let mut request = Request {
        name: [0; libc::IFNAMSIZ],
        answer: [0; 24],
    };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: the socket is open, and the request is as large as the kernel's `struct ifreq`,
    // which it reads and writes back whole before the call returns.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), question, &raw mut request) };
    Errno::result(done).map(|_| request.answer)
}
