//! A child in the background that cannot be forgotten.
//!
//! Dropping the handle kills its process group and reaps it. If this process is killed first,
//! the kernel kills the child (and with [`Cmd::contained`] all that the child started).

use crate::{Cmd, Error, Ns, Result};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long a stopped process may take to be so: a thread that waits for a disk stops behind that.
const STOPS: Duration = Duration::from_secs(60);

/// See the module's head; made by [`Cmd::spawn`].
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    line: String,
    log: File,
    ended: Option<ExitStatus>,
    /// The kernel kills the child when the thread of this namespace that started it ends.
    ns: Ns,
}

impl Guarded {
    pub(crate) fn start(mut command: Command, cmd: &Cmd) -> Result<Self> {
        let os = || Error::os("a file for the child's output");
        let log = tempfile::tempfile().map_err(os())?;
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(os())?);
        command.stderr(log.try_clone().map_err(os())?);
        let (line, ns) = (cmd.line(), cmd.ns.clone());
        let child = ns.spawn(command).map_err(|source| Error::Start {
            command: line.clone(),
            source,
        })?;
        Ok(Self {
            child,
            line,
            log,
            ended: None,
            ns,
        })
    }

    /// Its process id; with [`Cmd::contained`] that of the wrapper.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What it printed so far, both streams as they came.
    pub fn log(&self) -> String {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        // By offset: the child shares the file position, and reading must not move it.
        while let Ok(n @ 1..) = self.log.read_at(&mut chunk, bytes.len() as u64) {
            bytes.extend_from_slice(&chunk[..n]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// Where it does not within `limit`; the message holds its output.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let ended = crate::poll(limit, "", || self.ended());
        ended.map_err(|_| Error::Hung {
            command: self.line.clone(),
            ns: self.ns.name().to_owned(),
            limit,
            stderr: self.log(),
        })
    }

    /// Waits until its output holds `text`.
    ///
    /// # Errors
    /// Where it ends before, or does not say so within `limit`; the message holds its output.
    pub fn wait_for(&mut self, limit: Duration, text: &str) -> Result {
        let what = format!("`{}` says {text:?}", self.line);
        let said = crate::poll(limit, &what, || {
            let ended = self.ended();
            let said = self.log().contains(text);
            (said || ended.is_some()).then_some((said, ended))
        });
        match said {
            Ok((true, _)) => Ok(()),
            Ok((false, ended)) => Err(Error::Failed {
                command: self.line.clone(),
                ns: self.ns.name().to_owned(),
                status: ended.unwrap_or_default(),
                stdout: self.log(),
                stderr: format!("(ended before it said {text:?})"),
            }),
            Err(_) => Err(Error::Deadline {
                what: format!("{what}; so far:\n{}", self.log()),
                limit,
            }),
        }
    }

    /// Sends a signal to it alone. After SIGSTOP none of its threads runs any more: until the one that takes the signal
    /// has a processor, the others go on.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn signal(&self, signal: Signal) -> Result {
        let what = || format!("{signal} to `{}`", self.line);
        let pid = Pid::from_raw(self.pid());
        kill(pid, signal).map_err(|e| Error::os(what())(e.into()))?;
        if signal != Signal::SIGSTOP {
            return Ok(());
        }
        let look = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        crate::poll(STOPS, &format!("it stops: {}", what()), || {
            matches!(waitid(Id::Pid(pid), look), Ok(WaitStatus::Stopped(..)))
        })
    }

    /// Ends it by SIGTERM, after `limit` by SIGKILL; gives its status.
    ///
    /// # Errors
    /// Where even that does not help.
    pub fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        if self.ended().is_none() {
            self.signal(Signal::SIGTERM)?;
        }
        if let Ok(status) = self.wait(limit) {
            return Ok(status);
        }
        self.kill_group();
        self.wait(limit)
    }

    fn kill_group(&self) {
        // The group bears the child's number; it may be gone already.
        let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill_group();
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
