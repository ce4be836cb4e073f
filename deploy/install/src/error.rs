//! What can stop an installation. Nothing is half-done then that the next call would not put right.

use crate::names::NameError;
use std::{io, path::PathBuf};

/// See the module's head.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The system refuses.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// `read`, `rename`, …
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What stands in the way is no file that could be kept aside.
    #[error("{} is neither a file nor a link, and is left as it is", path.display())]
    NoFile {
        /// It.
        path: PathBuf,
    },
    /// The plugins' binary does not run here, so it replaces nothing.
    #[error("{} does not run on this node: {reason}", path.display())]
    Unfit {
        /// The binary.
        path: PathBuf,
        /// What it said, or how it ended.
        reason: String,
    },
    /// A type was asked for that the binary is not.
    #[error("types: {kind} is none of the plugins in {}", path.display())]
    NoSuchType {
        /// The type.
        kind: String,
        /// The binary.
        path: PathBuf,
    },
    /// Not a name that a file may have here.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The record of an earlier call cannot be understood.
    #[error("{}: {reason}", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration that is to be written is none.
    #[error("{}: {reason}", path.display())]
    Conf {
        /// Where it was read.
        path: PathBuf,
        /// The field, and what is wrong with it.
        reason: String,
    },
    /// There is a configuration of that name, and it was not written by us, or changed since.
    #[error("{} was not written by fairway-install, or was changed since; it is left as it is", path.display())]
    Foreign {
        /// It.
        path: PathBuf,
    },
    /// A runtime would take another configuration.
    #[error(
        "{} comes before {name}: a runtime that takes the first would not use it. Give it another name, \
         or say --not-first where that is meant",
        path.display()
    )]
    NotFirst {
        /// What comes before.
        path: PathBuf,
        /// Ours.
        name: String,
    },
    /// The network is not ready to be used.
    #[error("{kind} is not ready: {reason}")]
    NotReady {
        /// The plugin that was asked.
        kind: String,
        /// What it said.
        reason: String,
    },
    /// What should be there is not.
    #[error("{} is not as it should be: {reason}", path.display())]
    Missing {
        /// What was looked at.
        path: PathBuf,
        /// What it is instead.
        reason: &'static str,
    },
    /// A test has killed the call here.
    #[cfg(test)]
    #[error("killed before {0}")]
    Killed(String),
}

impl InstallError {
    /// With its causes, on one line.
    pub fn shown(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            next = cause.source();
        }
        text
    }
}
