//! A network namespace without a name, held by one file descriptor of this process.
//!
//! A helper thread makes it by `unshare` and hands the descriptor over, so the calling thread
//! never leaves its own namespace. When the process ends, the kernel closes the descriptor and
//! the namespace goes with all its links. Another process reaches it as `/proc/PID/fd/N`.

use crate::{Cmd, Error, Result, Value};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// A network namespace; clones share it, and the last one to go lets it go.
///
/// Processes that still run in it then are killed: nothing of a test outlives it.
#[derive(Clone)]
pub struct Ns(Arc<Inner>);

struct Inner {
    name: String,
    file: File,
    inode: u64,
    owned: bool,
    spawner: Mutex<Option<Spawner>>,
}

/// The thread that starts long-lived children: "parent death" for `PR_SET_PDEATHSIG` is the
/// death of the *thread* that forked, so that thread must live as long as the namespace.
struct Spawner {
    jobs: mpsc::Sender<Job>,
    thread: thread::JoinHandle<()>,
}

type Job = (Command, mpsc::Sender<io::Result<Child>>);

impl Ns {
    /// A fresh namespace; `name` is for messages only. `lo` is down.
    ///
    /// # Errors
    /// Where `unshare` is not permitted: this needs root.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        };
        let made = thread::spawn(make)
            .join()
            .unwrap_or_else(|p| resume_unwind(p));
        let file = made.map_err(Error::os("cannot make a network namespace (needs root)"))?;
        Self::of(name.into(), file, true)
    }

    /// The namespace that this process itself is in, for commands that need none of their own.
    ///
    /// # Errors
    /// Where /proc is not there.
    pub fn host() -> Result<Self> {
        let file = File::open("/proc/self/ns/net").map_err(Error::os("own namespace"))?;
        Self::of("host".into(), file, false)
    }

    fn of(name: String, file: File, owned: bool) -> Result<Self> {
        let inode = file.metadata().map_err(Error::os("namespace"))?.ino();
        Ok(Self(Arc::new(Inner {
            name,
            file,
            inode,
            owned,
            spawner: Mutex::new(None),
        })))
    }

    /// The name for messages.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What other processes (of root) open: good as `CNI_NETNS` while this process lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", pid(), self.0.file.as_raw_fd()))
    }

    /// The inode that tells it from every other namespace.
    pub fn inode(&self) -> u64 {
        self.0.inode
    }

    /// Moves the calling thread in. Only for threads that end afterwards.
    pub(crate) fn enter(&self) -> io::Result<()> {
        Ok(setns(&self.0.file, CloneFlags::CLONE_NEWNET)?)
    }

    /// Runs `f` on a thread in the namespace; a panic passes through.
    ///
    /// `/proc/sys/net` and new sockets are the namespace's there; `/sys/class/net` is not, and
    /// `/proc/net` is so only as `/proc/thread-self/net`.
    ///
    /// # Errors
    /// Where the thread may not enter.
    pub fn inside<T: Send>(&self, f: impl FnOnce() -> T + Send) -> Result<T> {
        let body = || self.enter().map(|()| f());
        let done = thread::scope(|scope| scope.spawn(body).join());
        done.unwrap_or_else(|p| resume_unwind(p))
            .map_err(Error::os(format!("cannot enter {}", self.0.name)))
    }

    /// A command that will run in the namespace.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Cmd {
        Cmd::new(self.clone(), program.as_ref())
    }

    /// A plain `std` command that enters by `nsenter`, for callers that need one.
    pub fn std_command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display()));
        command.arg("--").arg(program);
        command
    }

    /// Runs a command line, split at white space and without a shell; gives its stdout.
    ///
    /// # Errors
    /// Where it cannot start or ends with a status other than 0.
    pub fn run(&self, line: &str) -> Result<String> {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        self.command(program).args(words).run()
    }

    /// Runs a script by `sh -e`; gives its stdout.
    ///
    /// # Errors
    /// As [`Ns::run`].
    pub fn sh(&self, script: &str) -> Result<String> {
        self.command("sh").args(["-ec", script]).run()
    }

    /// As [`Ns::run`], with the output read as JSON; no output is `[]`.
    ///
    /// # Errors
    /// As [`Ns::run`], and where the output is no JSON.
    pub fn json(&self, line: &str) -> Result<Value> {
        let text = self.run(line)?;
        if text.trim().is_empty() {
            return Ok(Value::Array(Vec::new()));
        }
        serde_json::from_str(&text).map_err(|source| Error::Json {
            what: format!("the output of `{line}`"),
            source,
            text,
        })
    }

    /// Brings a link up.
    ///
    /// # Errors
    /// As [`Ns::run`].
    pub fn up(&self, link: &str) -> Result {
        self.run(&format!("ip link set dev {link} up")).map(drop)
    }

    /// Gives a link an address (`10.0.0.1/24`, `fd00::1/64`), ready at once: no DAD.
    ///
    /// # Errors
    /// As [`Ns::run`].
    pub fn addr(&self, link: &str, address: &str) -> Result {
        let nodad = if address.contains(':') { " nodad" } else { "" };
        self.run(&format!("ip addr add {address} dev {link}{nodad}"))
            .map(drop)
    }

    /// Reads a sysctl below `net/`, for example `ipv4/ip_forward`.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn sysctl(&self, name: &str) -> Result<String> {
        let path = Path::new("/proc/sys/net").join(name);
        let text = self.inside(|| fs::read_to_string(&path))?;
        text.map(|text| text.trim_end().to_owned())
            .map_err(Error::os(format!("sysctl net/{name}")))
    }

    /// Writes a sysctl below `net/`.
    ///
    /// # Errors
    /// Where there is none of that name or the kernel refuses the value.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result {
        let path = Path::new("/proc/sys/net").join(name);
        self.inside(|| fs::write(&path, value))?
            .map_err(Error::os(format!("sysctl net/{name} = {value}")))
    }

    /// The processes whose main thread is in the namespace, this one left out.
    pub fn processes(&self) -> Vec<i32> {
        self.0.processes()
    }

    /// Starts a child on the namespace's lasting thread.
    pub(crate) fn spawn(&self, command: Command) -> io::Result<Child> {
        let mut slot = (self.0.spawner.lock()).unwrap_or_else(PoisonError::into_inner);
        let spawner = match &mut *slot {
            Some(spawner) => spawner,
            empty => empty.insert(Spawner::start(&self.0.file)?),
        };
        let (answer, child) = mpsc::channel();
        let gone = || io::Error::other("the namespace's thread could not enter it");
        (spawner.jobs.send((command, answer))).map_err(|_| gone())?;
        child.recv().map_err(|_| gone())?
    }
}

impl Inner {
    fn processes(&self) -> Vec<i32> {
        let own = pid().cast_signed();
        let there = |pid: &i32| {
            fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|m| m.ino() == self.inode)
        };
        pids().filter(|pid| *pid != own).filter(there).collect()
    }
}

impl Spawner {
    fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::spawn(move || {
            let entered = setns(&file, CloneFlags::CLONE_NEWNET);
            drop(file);
            if entered.is_err() {
                return;
            }
            for (mut command, answer) in queue {
                // The asker waits for the answer, so it can't be gone.
                let _ = answer.send(command.spawn());
            }
        });
        Ok(Self { jobs, thread })
    }
}

/// This process as `/proc` knows it: that may be the `/proc` of another process namespace.
pub(crate) fn pid() -> u32 {
    let seen = fs::read_link("/proc/self").ok();
    let seen = seen.and_then(|name| name.to_str()?.parse().ok());
    seen.unwrap_or_else(std::process::id)
}

/// All processes of the machine.
fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A process left in there would keep the namespace, so it goes first.
        let kill_all = || {
            let left = self.processes();
            for pid in &left {
                let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
            left.is_empty()
        };
        if self.owned {
            let _ = crate::poll(Duration::from_secs(2), "", kill_all);
        }
        let slot = self.spawner.get_mut();
        if let Some(Spawner { jobs, thread }) = slot.unwrap_or_else(PoisonError::into_inner).take()
        {
            drop(jobs);
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Ns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ns({} {})", self.0.name, self.0.inode)
    }
}
