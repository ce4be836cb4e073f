//! What can go wrong, what is said of it, and with which status netctl ends.

use crate::{
    attach::AttachError, conformance::ConformanceError, manifest::ManifestError, terminal::plain,
};
use fairway_api::{Breakage, ClientError, SOCKET_VARIABLE};
use std::{error::Error, fmt::Write as _, io, path::PathBuf};

/// Why netctl did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetctlError {
    /// The command line is wrong.
    #[error(transparent)]
    Usage(clap::Error),
    /// The daemon was not reached, or refused.
    #[error(transparent)]
    Daemon(#[from] ClientError),
    /// A container was not attached, or not detached.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The objects to be applied could not be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Plugins could not be examined.
    #[error(transparent)]
    Conformance(#[from] Box<ConformanceError>),
    /// The answer could not be printed.
    #[error("cannot print the answer")]
    Output(#[source] io::Error),
    /// The terminal does not take what is to be shown.
    #[error("the terminal")]
    Terminal(#[source] io::Error),
    /// A file that was asked for.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file, or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer cannot be written in that form.
    #[error("cannot write the answer as JSON")]
    Json(#[from] serde_json::Error),
    /// The answer cannot be written in that form.
    #[error("cannot write the answer as YAML")]
    Yaml(#[from] serde_saphyr::SerializeError),
}

impl NetctlError {
    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            NetctlError::Usage(_) => 2,
            NetctlError::Daemon(error) if error.is_not_there() => 3,
            _ => 1,
        }
    }

    /// For people: what, why, and how to mend it.
    pub(crate) fn shown(&self) -> String {
        let mut text = match self {
            // Its own words are a list of all methods that it knows.
            NetctlError::Daemon(ClientError::Refused(body)) if body.is_unknown_method() => {
                "netctl: fairwayd does not know what was asked".to_owned()
            }
            _ => format!("netctl: {self}"),
        };
        let mut cause = self.source();
        while let Some(error) = cause {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        if let Some(remedy) = self.remedy() {
            let _ = write!(text, "\n        {remedy}");
        }
        plain(&text).into_owned()
    }

    fn remedy(&self) -> Option<String> {
        let error = match self {
            NetctlError::Daemon(error) => error,
            NetctlError::Attach(error) => return error.remedy().map(str::to_owned),
            _ => return None,
        };
        Some(match error {
            ClientError::NotThere { .. } => format!(
                "start fairwayd on this machine, or say where it listens: --socket PATH or {SOCKET_VARIABLE}"
            ),
            ClientError::Denied { .. } => NOT_ROOT.to_owned(),
            ClientError::TimedOut { .. } => {
                "it runs and does not answer: its log tells more; what was asked may still be done"
                    .to_owned()
            }
            // Where somebody has opened the socket's mode, the daemon looks at the user and hangs up.
            ClientError::Broken {
                source: Breakage::Closed | Breakage::Io(_),
                ..
            } if !nix::unistd::geteuid().is_root() => NOT_ROOT.to_owned(),
            ClientError::Broken { .. } => {
                "what was asked may be done or not: look (`ls`) before you ask again".to_owned()
            }
            ClientError::Version { .. } => OTHER.to_owned(),
            ClientError::Refused(body) if body.is_unknown_method() => OTHER.to_owned(),
            ClientError::Refused(body) if body.code == TRY_AGAIN => {
                "that passes: try again".to_owned()
            }
            ClientError::Refused(_) | ClientError::Unsendable(_) => return None,
        })
    }
}

const NOT_ROOT: &str =
    "the socket is root's, and no group's: run netctl as root, for example by sudo";
const OTHER: &str =
    "netctl and fairwayd are of different releases: use the netctl that came with it";
/// CNI's code for what passes.
const TRY_AGAIN: u32 = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_api::ErrorBody;

    #[test]
    fn what_passes_is_said_to_pass() {
        let refused = |code| {
            let message = "the store is away".to_owned();
            let details = "etcd: no leader".to_owned();
            let body = ErrorBody {
                code,
                message,
                details,
            };
            NetctlError::from(ClientError::Refused(body))
        };
        assert_eq!(
            refused(TRY_AGAIN).shown(),
            "netctl: the store is away: etcd: no leader\n        that passes: try again"
        );
        assert_eq!(
            refused(7).shown(),
            "netctl: the store is away: etcd: no leader"
        );
        assert_eq!(refused(7).status(), 1);
    }

    #[test]
    fn a_daemon_that_does_not_know_the_verb_is_of_another_release() {
        let body = ErrorBody {
            code: 6,
            message: "the request: method".to_owned(),
            details: "unknown variant `x.y`, expected one of `ipam.allocate`, `ipam.release`"
                .to_owned(),
        };
        let error = NetctlError::from(ClientError::Refused(body));
        assert_eq!(
            error.shown(),
            format!("netctl: fairwayd does not know what was asked\n        {OTHER}")
        );
        assert_eq!(error.status(), 1);
    }
}
