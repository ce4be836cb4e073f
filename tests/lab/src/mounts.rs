//! A node's own mounts, so that what its daemon keeps in a BPF file system is nobody else's, outlives the
//! daemon, and goes with the test.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::fs::File;
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
        let make = || -> io::Result<File> {
            unshare(CloneFlags::CLONE_NEWNS)?;
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
            mount(
                Some("bpf"),
                "/sys/fs/bpf",
                Some("bpf"),
                MsFlags::empty(),
                none,
            )?;
            File::open("/proc/thread-self/ns/mnt")
        };
        let made = thread::spawn(make).join();
        made.unwrap_or_else(|panic| resume_unwind(panic)).map(Self)
    }

    /// What `nsenter` takes to get there.
    pub fn flag(&self) -> String {
        let (process, file) = (std::process::id(), self.0.as_raw_fd());
        format!("--mount=/proc/{process}/fd/{file}")
    }
}
