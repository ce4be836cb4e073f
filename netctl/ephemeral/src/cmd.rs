//! A command in a namespace: started on a thread that entered it, so with no `nsenter` between.
//!
//! Each command has a time limit (30 s unless told): a hung `ping` must not hang the suite. Each
//! dies with this process (`setpriv --pdeathsig`, since setting it here would need unsafe code).

use crate::{Error, Guarded, Ns, Result, Value};
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{io, thread};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a file may be busy that was written a moment ago.
const BUSY: Duration = Duration::from_secs(5);

/// A command to be run in a namespace; see [`Ns::command`].
#[derive(Clone, Debug)]
pub struct Cmd {
    pub(crate) ns: Ns,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    clear: bool,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    limit: Duration,
    wrap: &'static [&'static str],
}

/// What a command left.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    /// From just before the start to its end.
    pub wall: Duration,
}

const DIES_WITH_US: &[&str] = &["setpriv", "--pdeathsig", "KILL", "--"];
const CONTAINED: &[&str] = &[
    "setpriv",
    "--pdeathsig",
    "KILL",
    "--",
    "unshare",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
    "--",
];

impl Cmd {
    pub(crate) fn new(ns: Ns, program: &OsStr) -> Self {
        Self {
            ns,
            program: program.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            clear: false,
            dir: None,
            stdin: Vec::new(),
            limit: Duration::from_secs(30),
            wrap: DIES_WITH_US,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (key.as_ref().to_owned(), value.as_ref().to_owned());
        self.env.push(pair);
        self
    }

    /// Starts from an empty environment.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.clear = true;
        self
    }

    /// The working directory.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// What it reads; nothing unless told. Not for [`Cmd::spawn`].
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// How long it may run (30 s unless told). Not for [`Cmd::spawn`].
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Gives it a process namespace and a `/proc` of its own: whatever it starts, daemons that
    /// leave its process group included, dies with it, and so with this process.
    /// Paths as [`Ns::path`] gives them do not exist for it.
    #[must_use]
    pub fn contained(mut self) -> Self {
        self.wrap = CONTAINED;
        self
    }

    /// Starts the program with nothing in between, for what is to be timed and ends by itself.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.wrap = &[];
        self
    }

    /// The command line, for messages.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    fn build(&self) -> Command {
        let mut command = match self.wrap {
            [] => Command::new(&self.program),
            [wrapper, rest @ ..] => {
                let mut command = Command::new(wrapper);
                command.args(rest).arg(&self.program);
                command
            }
        };
        if self.clear {
            command.env_clear();
        }
        command.args(&self.args).process_group(0);
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    fn start_error(&self, source: io::Error) -> Error {
        let command = self.line();
        Error::Start { command, source }
    }

    /// Runs it to its end, whatever its status.
    ///
    /// # Errors
    /// Where it cannot start, or runs past its limit.
    pub fn output(&self) -> Result<Output> {
        let mut command = self.build();
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let hung = AtomicBool::new(false);
        let run = || {
            let begin = Instant::now();
            let child = started(&mut command)?;
            collect(child, &self.stdin, self.limit, &hung, begin)
        };
        let output = self.ns.inside(run)?.map_err(|e| self.start_error(e))?;
        if hung.into_inner() {
            return Err(Error::Hung {
                command: self.line(),
                ns: self.ns.name().to_owned(),
                limit: self.limit,
                stderr: output.stderr,
            });
        }
        Ok(output)
    }

    /// Runs it; gives its stdout.
    ///
    /// # Errors
    /// As [`Cmd::output`], and where its status is not 0.
    pub fn run(&self) -> Result<String> {
        let output = self.output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Error::Failed {
            command: self.line(),
            ns: self.ns.name().to_owned(),
            status: output.status,
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    /// Runs it; gives its stdout as JSON.
    ///
    /// # Errors
    /// As [`Cmd::run`], and where that is not one JSON document.
    pub fn json(&self) -> Result<Value> {
        let text = self.run()?;
        serde_json::from_str(&text).map_err(|source| Error::Json {
            what: format!("the output of `{}`", self.line()),
            source,
            text,
        })
    }

    /// Starts it in the background; it and its process group die when the handle is dropped.
    ///
    /// # Errors
    /// Where it cannot start.
    pub fn spawn(&self) -> Result<Guarded> {
        Guarded::start(self.build(), self)
    }
}

/// Starts it. A script that was just written is busy as long as a child that another thread has begun to start has the
/// file open for writing, too: until that becomes the program that it is to be.
fn started(command: &mut Command) -> io::Result<Child> {
    let mut begun = command.spawn();
    let begin = Instant::now();
    while begun.as_ref().is_err_and(is_busy) && begin.elapsed() < BUSY {
        thread::yield_now();
        begun = command.spawn();
    }
    begun
}

fn is_busy(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ExecutableFileBusy
}

/// Feeds, drains, limits and reaps one child.
fn collect(
    mut child: Child,
    input: &[u8],
    limit: Duration,
    hung: &AtomicBool,
    begin: Instant,
) -> io::Result<Output> {
    let group = Pid::from_raw(child.id().cast_signed());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        // A child that ends without reading its stdin is no error of the lab's.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input)));
        let stderr = scope.spawn(move || drain(stderr));
        scope.spawn(move || {
            if waiting.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                hung.store(true, Ordering::Relaxed);
                let _ = killpg(group, Signal::SIGKILL);
            }
        });
        let stdout = drain(stdout);
        let status = child.wait()?;
        let wall = begin.elapsed();
        drop(done);
        let stderr = stderr.join().unwrap_or_default();
        Ok(Output {
            status,
            stdout,
            stderr,
            wall,
        })
    })
}

fn drain(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
