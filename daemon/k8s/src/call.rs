//! Requests: each has an end, and its error a text that an operator can read.

use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// What a request may take. A watch has no such end; the watcher has one for its silence.
const WITHIN: Duration = Duration::from_secs(10);

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{}", text(_0))]
    Kube(#[from] kube::Error),
    #[error("no answer within {WITHIN:?}")]
    Late,
}

impl CallError {
    /// The status of HTTP; none: there was no answer.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            CallError::Kube(error) => code(error),
            CallError::Late => None,
        }
    }
}

/// Makes a request.
pub(crate) async fn call<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, CallError> {
    match timeout(WITHIN, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(CallError::Late),
    }
}

pub(crate) fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// What the server says, or what keeps us from asking it.
pub(crate) fn text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.contains(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            text
        }
    }
}
