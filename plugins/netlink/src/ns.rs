//! Network namespaces.
//!
//! A namespace belongs to a thread. To act in another one, a thread goes there
//! and must come back before it does anything else; one that cannot come back
//! would set up the wrong host, so then the process ends. A netlink socket
//! stays in the namespace where it was opened, which is why
//! `Handle::open_in` needs to go there only once.
//!
//! On DEL the namespace is often gone already, or its path names an ordinary
//! file that the runtime left behind (a mount point without its mount). These
//! two are told apart from real failures.

use std::fs::{File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc::O_NONBLOCK;
use nix::sched::{CloneFlags, setns};
use nix::sys::statfs::{NSFS_MAGIC, PROC_SUPER_MAGIC, fstatfs};

/// Why a namespace cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NsError {
    /// Nothing is at the path.
    #[error("network namespace {} does not exist", .0.display())]
    Gone(PathBuf),
    /// What is at the path is no namespace.
    #[error("{} is not a network namespace", .0.display())]
    NotANamespace(PathBuf),
    /// A system call failed.
    #[error("{op} network namespace {}: {source}", .path.display())]
    Io {
        /// Which step: "open", "stat", "enter".
        op: &'static str,
        /// The namespace's path.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl NsError {
    /// Is what is at the path no network namespace, or is nothing there? Then whatever was in the one that was meant has
    /// gone with it.
    pub fn is_no_namespace(&self) -> bool {
        matches!(self, NsError::Gone(_) | NsError::NotANamespace(_))
    }
}

/// An open network namespace; it lives at least as long as this does.
#[derive(Debug)]
pub struct NetNs {
    file: File,
    path: PathBuf,
}

impl NetNs {
    /// Opens the namespace at a path such as `/run/netns/NAME` or
    /// `/proc/PID/ns/net`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, NsError> {
        let path = path.into();
        // Whatever else the path names, opening it must not wait: a pipe would.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(O_NONBLOCK);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(source) => {
                return Err(match source.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ESRCH) => NsError::Gone(path),
                    // A socket, for one: the path may be of a process that has it where the namespace was.
                    Some(Errno::ENXIO | Errno::ENODEV) => NsError::NotANamespace(path),
                    _ => NsError::Io {
                        op: "open",
                        path,
                        source,
                    },
                });
            }
        };
        // One look at the file that is open, not at whatever has the path by now.
        match fstatfs(&file) {
            Ok(stat) if [NSFS_MAGIC, PROC_SUPER_MAGIC].contains(&stat.filesystem_type()) => {
                Ok(Self { file, path })
            }
            Ok(_) => Err(NsError::NotANamespace(path)),
            Err(errno) => Err(NsError::Io {
                op: "stat",
                path,
                source: errno.into(),
            }),
        }
    }

    /// Opens the namespace at a path if it is still that one of this [`identity`](Self::identity): paths are given again.
    pub fn open_same(
        path: impl Into<PathBuf>,
        identity: (u64, u64),
    ) -> Result<Option<Self>, NsError> {
        let there = Self::open(path)?;
        Ok((there.identity()? == identity).then_some(there))
    }

    /// The calling thread's own namespace.
    pub fn current() -> Result<Self, NsError> {
        // A thread always has one: without its file nothing is known of any other either.
        Self::open("/proc/thread-self/ns/net").map_err(|error| match error {
            NsError::Gone(path) | NsError::NotANamespace(path) => NsError::Io {
                op: "open",
                path,
                source: io::ErrorKind::NotFound.into(),
            },
            error => error,
        })
    }

    /// Whether both are the same namespace, whatever their paths.
    pub fn same_as(&self, other: &Self) -> Result<bool, NsError> {
        Ok(self.identity()? == other.identity()?)
    }

    /// Device and inode, by which the kernel knows a namespace.
    pub fn identity(&self) -> Result<(u64, u64), NsError> {
        let meta = self.file.metadata().map_err(|source| NsError::Io {
            op: "stat",
            path: self.path.clone(),
            source,
        })?;
        Ok((meta.dev(), meta.ino()))
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the calling thread there until the guard is dropped.
    pub fn enter(&self) -> Result<Entered, NsError> {
        let home = Self::current()?;
        self.set()?;
        Ok(Entered {
            home,
            not_send: PhantomData,
        })
    }

    /// Runs `f` there, and comes back.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> Result<T, NsError> {
        let _entered = self.enter()?;
        Ok(f())
    }

    fn set(&self) -> Result<(), NsError> {
        setns(&self.file, CloneFlags::CLONE_NEWNET).map_err(|errno| match errno {
            // A file of /proc or nsfs, but of another sort of namespace.
            Errno::EINVAL => NsError::NotANamespace(self.path.clone()),
            errno => NsError::Io {
                op: "enter",
                path: self.path.clone(),
                source: errno.into(),
            },
        })
    }
}

impl AsFd for NetNs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Proof that the thread is in another namespace; dropping it goes back. It
/// cannot be sent to another thread, which would go somewhere it has not been.
#[derive(Debug)]
#[must_use = "the thread goes back as soon as this is dropped"]
pub struct Entered {
    home: NetNs,
    not_send: PhantomData<*const ()>,
}

impl Entered {
    /// The namespace to go back to.
    pub fn home(&self) -> &NetNs {
        &self.home
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Err(error) = self.home.set() {
            // To go on would be to configure the host as if it were the container.
            eprintln!("cannot go back: {error}");
            std::process::abort();
        }
    }
}
