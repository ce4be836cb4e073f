//! What can become of a call.

use crate::{ErrorBody, frame::FrameError};
use std::{io, path::PathBuf, time::Duration};

/// Why there is no answer, or a refusal.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no socket, or nobody listens on it: the daemon does not run.
    #[error("no fairwayd at {}", socket.display())]
    NotThere {
        /// Where it should be.
        socket: PathBuf,
        /// What connecting met.
        source: io::Error,
    },
    /// The socket is there and not for this user: it is root's.
    #[error("{} may not be used by this user", socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
        /// What connecting met.
        source: io::Error,
    },
    /// The daemon does not answer. What was asked for may still be done.
    #[error("fairwayd at {} did not {what} within {} s", socket.display(), after.as_secs_f32())]
    TimedOut {
        /// Its socket.
        socket: PathBuf,
        /// `take the connection`, `take the request`, `answer`.
        what: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke. What was asked for may still be done.
    #[error("the connection to fairwayd at {} broke", socket.display())]
    Broken {
        /// Its socket.
        socket: PathBuf,
        /// How.
        source: Breakage,
    },
    /// The daemon refuses.
    #[error(transparent)]
    Refused(#[from] ErrorBody),
    /// The daemon speaks another version of the protocol.
    #[error(
        "fairwayd at {} speaks version {theirs} of the protocol, this program version {ours}",
        socket.display()
    )]
    Version {
        /// Its socket.
        socket: PathBuf,
        /// The daemon's.
        theirs: u64,
        /// [`crate::VERSION`].
        ours: u32,
    },
    /// The request cannot be sent: it is too long.
    #[error("the request cannot be sent")]
    Unsendable(#[source] FrameError),
}

/// How a connection broke.
#[derive(Debug, thiserror::Error)]
pub enum Breakage {
    /// The system says so.
    #[error(transparent)]
    Io(io::Error),
    /// It was closed before the answer.
    #[error("closed before the answer")]
    Closed,
    /// What came is no answer.
    #[error(transparent)]
    Frame(FrameError),
    /// The answer is not what that request is answered with.
    #[error("an answer of another form")]
    Answer(#[source] serde_json::Error),
    /// `early` or a `part` where none was asked for, or an `ok` that differs from what came early.
    #[error("an answer that does not fit the one before")]
    OutOfStep,
    /// An earlier call on this connection failed half-way; it is of no use any more.
    #[error("an earlier call on it failed")]
    Spent,
}

impl ClientError {
    /// Is nobody there, so that nothing was asked?
    pub fn is_not_there(&self) -> bool {
        matches!(self, ClientError::NotThere { .. })
    }

    /// May the daemon have done, or still do, what was asked?
    pub fn outcome_unknown(&self) -> bool {
        match self {
            ClientError::TimedOut { what, .. } => *what == ANSWER,
            ClientError::Broken { source, .. } => !matches!(source, Breakage::Spent),
            _ => false,
        }
    }
}

pub(super) const CONNECT: &str = "take the connection";
pub(super) const REQUEST: &str = "take the request";
pub(super) const ANSWER: &str = "answer";
