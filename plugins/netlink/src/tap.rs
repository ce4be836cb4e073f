//! Taps: interfaces whose other end is a process, such as a virtual machine.
//!
//! rtnetlink does not make them. A file is opened and told (`TUNSETIFF`) to be one, in
//! the namespace of the thread that opened it; it lasts as long as the file, unless it is
//! told to persist. So an interface that is made half-way is none: it goes with the file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::libc;

const DEVICE: &str = "/dev/net/tun";

/// A tap to create. It is down, and has a random hardware address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TapSpec {
    /// Name, 1 to 15 bytes.
    pub name: String,
    /// Whether more than one file may be opened for it, each a queue.
    pub multi_queue: bool,
    /// The user who may open it; None: who may administer networks.
    pub owner: Option<u32>,
    /// The group that may open it.
    pub group: Option<u32>,
}

/// A tap could not be made.
#[derive(Debug, thiserror::Error)]
#[error("create tap {name}: {step}: {source}")]
pub struct TapError {
    /// Its name.
    pub name: String,
    /// Which step.
    step: &'static str,
    /// The system's error.
    #[source]
    pub source: io::Error,
}

impl TapError {
    /// The name is taken.
    pub fn is_exists(&self) -> bool {
        self.source.raw_os_error() == Some(libc::EBUSY)
    }
}

/// `struct ifreq`, as far as `TUNSETIFF` reads it.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

const _: () = assert!(size_of::<Request>() == size_of::<libc::ifreq>());

/// Makes a tap that persists, in the calling thread's namespace. A name that is taken is
/// [`TapError::is_exists`].
///
/// Whoever opens it says anew how frames are framed; only whether it has one queue or many
/// is for good.
pub fn create(spec: &TapSpec) -> Result<(), TapError> {
    let failed = |step, source| TapError {
        name: spec.name.clone(),
        step,
        source,
    };
    let bytes = spec.name.as_bytes();
    if bytes.is_empty() || bytes.len() >= libc::IFNAMSIZ || bytes.contains(&b'%') {
        let reason = "a link's name has 1 to 15 bytes, none of them %";
        return Err(failed("name", io::Error::other(reason)));
    }
    let mut name = [0; libc::IFNAMSIZ];
    name[..bytes.len()].copy_from_slice(bytes);
    let queues = match spec.multi_queue {
        true => libc::IFF_MULTI_QUEUE,
        false => 0,
    };
    // EXCL: another's tap of that name is not to be taken over.
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR | libc::IFF_TUN_EXCL | queues;
    let request = Request {
        name,
        // All 16 bits are used: the highest one is EXCL.
        flags: flags as libc::c_short,
        rest: [0; 22],
    };
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .open(DEVICE)
        .map_err(|error| failed(DEVICE, error))?;
    set(&file, spec, request).map_err(|(step, errno)| failed(step, errno.into()))
}

#[expect(
    unsafe_code,
    reason = "an ioctl takes a pointer or a number; each block says which"
)]
fn set(file: &File, spec: &TapSpec, mut request: Request) -> Result<(), (&'static str, Errno)> {
    let fd = file.as_raw_fd();
    let set = |what| move |errno| (what, errno);
    // SAFETY: the file is open, and the request is as large as the kernel's `struct ifreq`,
    // which it reads and writes back whole before the call returns.
    let made = unsafe { libc::ioctl(fd, libc::TUNSETIFF, &raw mut request) };
    Errno::result(made).map_err(set("TUNSETIFF"))?;
    if let Some(owner) = spec.owner {
        // SAFETY: the file is open; the argument is a number.
        let owned = unsafe { libc::ioctl(fd, libc::TUNSETOWNER, libc::c_ulong::from(owner)) };
        Errno::result(owned).map_err(set("TUNSETOWNER"))?;
    }
    if let Some(group) = spec.group {
        // SAFETY: as above.
        let owned = unsafe { libc::ioctl(fd, libc::TUNSETGROUP, libc::c_ulong::from(group)) };
        Errno::result(owned).map_err(set("TUNSETGROUP"))?;
    }
    // SAFETY: as above.
    let kept = unsafe { libc::ioctl(fd, libc::TUNSETPERSIST, libc::c_ulong::from(1_u32)) };
    Errno::result(kept).map_err(set("TUNSETPERSIST"))?;
    Ok(())
}
