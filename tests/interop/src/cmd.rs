//! Programs run to their end, with all that they said kept for the reader.
//!
//! An engine that hangs must not hang the suite, so each is run under
//! `timeout`; and since Podman prints a failed ADD on stderr among warnings,
//! a failure always shows both streams.

use std::fmt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_lab::poll;

/// Seconds that one program may take before it is killed (status 124); the machine may be building something.
const LIMIT: &str = "120";

/// A program that has ended.
#[derive(Debug)]
pub struct Done {
    /// The command line, for messages.
    pub line: String,
    /// How it ended; 124 is our time limit.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$ {}\n{}\n{}{}",
            self.line, self.status, self.stdout, self.stderr
        )
    }
}

impl Done {
    /// Its stdout, if it succeeded.
    ///
    /// # Errors
    /// The whole of what it said, if it did not.
    pub fn ok(self) -> Result<String> {
        ensure!(self.status.success(), "failed: {self}");
        Ok(self.stdout)
    }

    /// Its stderr, if it failed as it should.
    ///
    /// # Errors
    /// If it succeeded, or ran into the time limit.
    pub fn refused(self) -> Result<String> {
        ensure!(
            !self.status.success() && self.status.code() != Some(124),
            "should have been refused: {self}"
        );
        Ok(self.stderr)
    }
}

/// A command with a time limit, an empty stdin and a bare environment.
pub fn limited(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=1", LIMIT, program])
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null());
    command
}

/// Runs it to the end.
///
/// # Errors
/// If it could not be started at all; not if it failed.
pub fn run(command: &mut Command) -> Result<Done> {
    let line = command
        .get_args()
        .skip(2)
        .map(|a| a.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    let output = command.output().with_context(|| line.clone())?;
    Ok(Done {
        line,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Waits until `look` succeeds, `limit` at most.
///
/// # Errors
/// The last thing that `look` said, once the time is over.
pub fn eventually<T>(limit: Duration, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let mut last = None;
    let found = poll(limit, "success", || {
        look().map_err(|why| last = Some(why)).ok()
    });
    found.map_err(|late| match last {
        Some(why) => why.context(late),
        None => late.into(),
    })
}
