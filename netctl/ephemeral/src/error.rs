//! What can go wrong in the lab, worded for whoever reads a failed test.
//!
//! `Debug` prints what `Display` prints: `unwrap()` and a test that returns `Err` show `Debug`,
//! and nobody should have to read a command's stderr with `\n` written out.

use std::{fmt, io, time::Duration};

/// The result of nearly everything here; `Result` alone is `Result<()>`.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// See the module's head.
#[derive(thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{what}: {source}")]
    Os {
        /// What was tried.
        what: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A command could not be started.
    #[error("cannot start `{command}`: {source}")]
    Start {
        /// The command line.
        command: String,
        /// Why not.
        source: io::Error,
    },
    /// A command ended with a status other than 0.
    #[error("`{command}` in {ns}: {status}\n{stdout}{stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// The namespace's name.
        ns: String,
        /// Exit status or signal.
        status: std::process::ExitStatus,
        /// What it printed.
        stdout: String,
        /// What it complained about.
        stderr: String,
    },
    /// A command ran past its limit and was killed.
    #[error("`{command}` in {ns} still ran after {limit:?} and was killed\n{stderr}")]
    Hung {
        /// The command line.
        command: String,
        /// The namespace's name.
        ns: String,
        /// The limit.
        limit: Duration,
        /// What it complained about until then.
        stderr: String,
    },
    /// A command says that something is wrong, or nothing that makes sense.
    #[error("`{command}` says: {text}")]
    Said {
        /// The command.
        command: String,
        /// What it said.
        text: String,
    },
    /// A condition did not come true.
    #[error("not within {limit:?}: {what}")]
    Deadline {
        /// The condition.
        what: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// Something that should be one JSON document is not.
    #[error("{what} is not exactly one JSON document: {source}\n{text}")]
    Json {
        /// Whose output.
        what: String,
        /// The parser's word.
        source: serde_json::Error,
        /// The text itself.
        text: String,
    },
    /// A plugin succeeded or failed where the test wanted it the other way round.
    #[error("wanted {wanted}, got {got}")]
    Outcome {
        /// What the test wanted.
        wanted: String,
        /// What came, in full.
        got: String,
    },
    /// The kernel says that it has a feature, and yet it does not work: a failure, no skip.
    #[error("the kernel should have {feature} ({because}), but: {probe}")]
    Feature {
        /// The feature's name.
        feature: &'static str,
        /// Why it should be there.
        because: String,
        /// What the probe met.
        probe: String,
    },
    /// Two states that should be the same differ.
    #[error("{what}:\n{diff}")]
    Differ {
        /// What was compared.
        what: String,
        /// The lines that differ.
        diff: String,
    },
}

impl Error {
    pub(crate) fn os(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Os { what, source }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
