//! A delegate as a process of its own.

use super::DelegateError;
use crate::Failure;
use serde_json::Value;
use std::{
    io::{self, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Why there is no result.
pub(super) enum Unanswered {
    /// The plugin says that it will not.
    Refused(Failure),
    /// It could not be run, or died.
    Broken(DelegateError),
}

impl From<DelegateError> for Unanswered {
    fn from(error: DelegateError) -> Self {
        Unanswered::Broken(error)
    }
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Refused(failure) => failure,
            Unanswered::Broken(error) => error.into(),
        }
    }
}

/// Runs the plugin to its end: configuration in, answer out.
fn converse(command: &mut Command, stdin: &[u8]) -> io::Result<Output> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let pipe = child.stdin.take();
    // Beside the reading: a plugin may say much before it has read all.
    thread::scope(|scope| {
        let writer = scope.spawn(|| pipe.map_or(Ok(()), |mut pipe| pipe.write_all(stdin)));
        let output = child.wait_with_output()?;
        match writer.join() {
            // A plugin that does not read its input closes the pipe: its exit status tells more.
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(output),
        }
    })
}

/// Starts it; a file that is being replaced at this moment ("text file busy") is tried again for 1 s.
fn spawn(command: &mut Command) -> io::Result<Child> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy
                    && Instant::now() < deadline =>
            {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "nothing tells when the writer closes the file"
                )]
                thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// Runs it and tells a result from a refusal and from anything else. What it logs goes to our own
/// standard error.
pub(super) fn answer(
    file: &Path,
    command: &mut Command,
    stdin: &[u8],
) -> Result<Output, Unanswered> {
    let output = converse(command, stdin).map_err(|source| DelegateError::Exec {
        file: file.to_owned(),
        source,
    })?;
    let _ = io::stderr().write_all(&output.stderr);
    if output.status.success() {
        return Ok(output);
    }
    let error = serde_json::from_slice::<Value>(&output.stdout).ok();
    match error.as_ref().and_then(Failure::from_json) {
        Some(failure) => Err(Unanswered::Refused(failure)),
        None => Err(Unanswered::Broken(unreadable(file, &output))),
    }
}

/// What it printed makes no sense.
pub(super) fn unreadable(file: &Path, output: &Output) -> DelegateError {
    const MAX: usize = 200;
    let log = String::from_utf8_lossy(&output.stderr);
    let skip = log.chars().count().saturating_sub(MAX);
    DelegateError::Answer {
        file: file.to_owned(),
        status: output.status,
        output: String::from_utf8_lossy(&output.stdout)
            .chars()
            .take(MAX)
            .collect(),
        log: log.chars().skip(skip).collect::<String>().trim().to_owned(),
    }
}
