//! One node: a namespace, a state folder, a socket, and the daemon's process, which comes and goes.
//!
//! The process is the release binary. It dies with the test, however that ends; what it said is kept over
//! its restarts, so that a failed test can show it.

use crate::{Cable, Door};
use fairway_lab::{Cni, Error, Guarded, Mounts, Ns, Result, bin_dir, plugin_dir, poll};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a daemon may take for what it does at once: the machine may be building something, or be an emulated one
/// that reads all programs of the dataplane first.
pub const SOON: Duration = Duration::from_secs(180);

/// See the module's head.
#[derive(Debug)]
pub struct Daemon {
    /// The node's name.
    pub name: String,
    /// Where it and the node's plugins run.
    pub ns: Ns,
    /// Its wire to the store.
    pub cable: Cable,
    dir: PathBuf,
    mounts: Mounts,
    process: Mutex<Option<Guarded>>,
    past: Mutex<String>,
    rebooted: AtomicBool,
    lacks: Mutex<Option<String>>,
    builds: Mutex<Option<Build>>,
}

/// Other programs than those of the build that is tested.
#[derive(Debug, Clone)]
pub struct Build {
    /// The daemon's program.
    pub daemon: PathBuf,
    /// The folder of the plugins.
    pub plugins: PathBuf,
}

/// Shows the program another boot's id: `sh` with the file that holds it, the program, and its arguments.
const REBOOTED: &str = "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && exec \"$@\"";

impl Daemon {
    /// A node with its folder below `dir`; its daemon does not run yet.
    pub(crate) fn new(name: &str, ns: Ns, cable: Cable, dir: &Path) -> std::io::Result<Self> {
        let dir = dir.join(name);
        fs::create_dir(&dir)?;
        Ok(Self {
            name: name.to_owned(),
            ns,
            cable,
            dir,
            mounts: Mounts::new()?,
            process: Mutex::default(),
            past: Mutex::default(),
            rebooted: AtomicBool::new(false),
            lacks: Mutex::default(),
            builds: Mutex::default(),
        })
    }

    /// Where its journal lies and its plugins leave records.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// Its settings. It reads them at its next start.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn configure(&self, settings: &str) -> Result {
        let text = format!(
            "node = {:?}\nsocket = {:?}\nstate_dir = {:?}\n{settings}",
            self.name,
            self.door().socket,
            self.state(),
        );
        fs::write(self.dir.join("fairwayd.toml"), text).map_err(|source| Error::Os {
            what: format!("settings of {}", self.name),
            source,
        })
    }

    /// Its socket.
    pub fn door(&self) -> Door {
        Door {
            node: self.name.clone(),
            socket: self.dir.join("sock"),
        }
    }

    /// A plugin of that type, run on this node.
    pub fn cni(&self, kind: &str) -> Cni {
        let socket = self.door().socket.display().to_string();
        let state = self.state().display().to_string();
        let folder = self.build().map_or_else(plugin_dir, |build| build.plugins);
        let cni = Cni::new(&self.ns, folder, kind);
        cni.env("FAIRWAY_SOCKET", socket)
            .env("FAIRWAY_STATE_DIR", state)
    }

    /// From now on its plugins, and from its next start its daemon, are these.
    pub fn runs(&self, build: Build) {
        let mut builds = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        *builds = Some(build);
    }

    fn build(&self) -> Option<Build> {
        let builds = self.builds.lock();
        builds.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn process(&self) -> MutexGuard<'_, Option<Guarded>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the process, and no more.
    ///
    /// # Errors
    /// Where there is no such program.
    pub fn launch(&self) -> Result {
        let mut process = self.process();
        self.keep(process.take());
        let ours = || bin_dir().join("fairwayd");
        let program = self.build().map_or_else(ours, |build| build.daemon);
        let enter = || self.ns.command("nsenter").arg(self.mounts.flag());
        let command = match self.rebooted.load(Ordering::Relaxed) {
            false => enter(),
            // A mount namespace of its own, so that nobody else sees that boot.
            true => {
                let unshare = enter().args(["unshare", "--mount", "sh", "-c", REBOOTED]);
                unshare.arg(self.dir.join("boot_id"))
            }
        };
        let lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        let command = match lacks.as_deref() {
            None => command,
            Some(lacks) => command.args(["setpriv", "--bounding-set", lacks, "--"]),
        };
        let command = command.arg(program);
        let command = command
            .arg("--config")
            .arg(self.dir.join("fairwayd.toml"))
            .env("RUST_LOG", "info,fairwayd=debug");
        *process = Some(command.spawn()?);
        Ok(())
    }

    /// Has all that the node owns taken away. It must not run.
    ///
    /// # Errors
    /// Where something has to stay; with its words.
    pub fn cleanup(&self) -> Result {
        let (program, settings) = (bin_dir().join("fairwayd"), self.dir.join("fairwayd.toml"));
        let line = format!(
            "nsenter {} {} --config {} --cleanup",
            self.mounts.flag(),
            program.display(),
            settings.display()
        );
        self.ns.run(&line).map(drop)
    }

    /// From its next start on, it sees another boot than the one in which the test runs.
    ///
    /// # Errors
    /// Where its folder cannot be written.
    pub fn reboot(&self) -> Result {
        self.rebooted.store(true, Ordering::Relaxed);
        let id = "0e0e0e0e-0000-4000-8000-000000000001\n";
        fs::write(self.dir.join("boot_id"), id).map_err(|source| Error::Os {
            what: "another boot's id".to_owned(),
            source,
        })
    }

    /// From its next start on, it may not have these capabilities, as `-bpf,-sys_admin`.
    pub fn lacks(&self, capabilities: &str) {
        let mut lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        *lacks = Some(capabilities.to_owned());
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// Where it ends, or does not answer; with its words.
    pub fn start(&self) -> Result {
        self.launch()?;
        let what = format!("{} answers", self.name);
        let answered = poll(SOON, &what, || match self.door().info() {
            Ok(_) => Some(true),
            Err(_) => self.ended().then_some(false),
        });
        match answered {
            Ok(true) => Ok(()),
            _ => Err(Error::Deadline {
                what: format!("{what}; it said:\n{}", self.log()),
                limit: SOON,
            }),
        }
    }

    /// Starts it and waits until it has a store to talk to.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn start_connected(&self) -> Result {
        self.start()?;
        self.connected()
    }

    /// Waits until it has a store to talk to.
    ///
    /// # Errors
    /// Where it does not find it; with its words.
    pub fn connected(&self) -> Result {
        let what = format!("{} is connected", self.name);
        let there = || self.door().info().is_ok_and(|info| info.connected);
        poll(SOON, &what, there).map_err(|_| Error::Deadline {
            what: format!("{what}; it said:\n{}", self.log()),
            limit: SOON,
        })
    }

    /// Its process, where it runs.
    pub fn pid(&self) -> Option<i32> {
        self.process().as_ref().map(Guarded::pid)
    }

    /// Has its process ended?
    pub fn ended(&self) -> bool {
        let mut process = self.process();
        process
            .as_mut()
            .is_none_or(|process| process.ended().is_some())
    }

    /// SIGKILL; gone when this returns.
    ///
    /// # Errors
    /// Where even that does not end it.
    pub fn kill(&self) -> Result {
        let mut slot = self.process();
        let Some(mut process) = slot.take() else {
            return Ok(());
        };
        if process.ended().is_none() {
            process.signal(Signal::SIGKILL)?;
            process.wait(SOON)?;
        }
        self.keep(Some(process));
        Ok(())
    }

    /// SIGTERM; gone when this returns.
    ///
    /// # Errors
    /// Where it does not end by that.
    pub fn stop(&self) -> Result {
        let mut slot = self.process();
        let Some(mut process) = slot.take() else {
            return Ok(());
        };
        if process.ended().is_none() {
            process.signal(Signal::SIGTERM)?;
            process.wait(SOON)?;
        }
        self.keep(Some(process));
        Ok(())
    }

    /// Sends a signal such as SIGSTOP or SIGCONT.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn signal(&self, signal: Signal) -> Result {
        let process = self.process();
        process
            .as_ref()
            .map_or(Ok(()), |process| process.signal(signal))
    }

    fn keep(&self, process: Option<Guarded>) {
        let Some(process) = process else { return };
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(past, "{}--- it ended", process.log());
    }

    /// All that it said, over all its lives.
    pub fn log(&self) -> String {
        let process = self.process();
        let now = process.as_ref().map(Guarded::log).unwrap_or_default();
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{past}{now}")
    }

    /// Waits until it has said this.
    ///
    /// # Errors
    /// Where it does not; with what it said.
    pub fn says(&self, text: &str) -> Result {
        let what = format!("{} says {text:?}", self.name);
        poll(SOON, &what, || self.log().contains(text)).map_err(|_| Error::Deadline {
            what: format!("{what}; it said:\n{}", self.log()),
            limit: SOON,
        })
    }
}
