//! A node's own mounts, so that what its daemon keeps in a BPF file system is nobody else's, outlives the
//! daemon, and goes with the test.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::panic::resume_unwind;
use std::thread;

/// A mount namespace without a name, held by one file descriptor of this process.
#[derive(Debug)]
pub struct Mounts(File);

impl Mounts {
    /// As this process sees the machine, but for `/sys/fs/bpf`, which is empty.
    ///
    /// # Errors
    /// Where it may not: this needs root.
    pub fn new() -> io::Result<Self> {
        Self::with("bpf", &["/sys/fs/bpf"])
    }

    /// As this process sees the machine, but for these folders, which are empty. Where the machine has none of that
    /// name it gets one.
    ///
    /// # Errors
    /// Where it may not: this needs root.
    pub fn over(folders: &[&'static str]) -> io::Result<Self> {
        folders.iter().try_for_each(fs::create_dir_all)?;
        Self::with("tmpfs", folders)
    }

    fn with(kind: &'static str, folders: &[&'static str]) -> io::Result<Self> {
        let folders = folders.to_vec();
        let make = move || -> io::Result<File> {
            unshare(CloneFlags::CLONE_NEWNS)?;
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
            for folder in folders {
                mount(Some(kind), folder, Some(kind), MsFlags::empty(), none)?;
            }
            File::open("/proc/thread-self/ns/mnt")
        };
        let made = thread::spawn(make).join();
        made.unwrap_or_else(|panic| resume_unwind(panic)).map(Self)
    }

    /// What `nsenter` takes to get there.
    pub fn flag(&self) -> String {
        let (process, file) = (crate::ns::pid(), self.0.as_raw_fd());
        format!("--mount=/proc/{process}/fd/{file}")
    }
}
