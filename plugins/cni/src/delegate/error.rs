//! What can go wrong between a plugin and the one that it calls.

use crate::{Code, Fault};
use std::{io, path::PathBuf};

/// Why a delegate could not be called, or what it did wrong.
#[derive(Debug, thiserror::Error)]
pub enum DelegateError {
    /// The type is no plain file name.
    #[error("plugin type {kind:?} is not a plain file name")]
    Type {
        /// The type as configured.
        kind: String,
    },
    /// Nothing of that name in `CNI_PATH`.
    #[error("failed to find plugin {kind:?} in path [{}]", join(.path))]
    NotFound {
        /// The type as configured.
        kind: String,
        /// Where it was looked for.
        path: Vec<PathBuf>,
    },
    /// It could not be started, or not be talked to.
    #[error("plugin {}", .file.display())]
    Exec {
        /// The file.
        file: PathBuf,
        /// The operating system's word on it.
        source: io::Error,
    },
    /// It answered something that is neither a result nor an error.
    #[error("plugin {}: {status}, and its answer cannot be read: {output:?}; it says {log:?}", .file.display())]
    Answer {
        /// The file.
        file: PathBuf,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The start of what it printed.
        output: String,
        /// The end of what it printed on standard error.
        log: String,
    },
}

impl Fault for DelegateError {
    fn code(&self) -> Code {
        match self {
            DelegateError::Type { .. } => Code::INVALID_CONFIG,
            DelegateError::NotFound { .. } => Code::DELEGATE_MISSING,
            DelegateError::Exec { .. } => Code::IO,
            DelegateError::Answer { .. } => Code::DECODE,
        }
    }
}

fn join(path: &[PathBuf]) -> String {
    path.iter()
        .map(|dir| dir.display().to_string())
        .collect::<Vec<_>>()
        .join(" ")
}
