//! What a failed call means: was it done, was it not, or does nobody know.
//!
//! Only what etcd itself says is certain, and only those of its words that it says before it proposes a
//! request to the others or when it applies it as nothing. A timeout, a lost leader or a broken
//! connection may come after the request was on its way: the outcome is not known. The list is from
//! etcd's sources (api/v3rpc/rpctypes, etcdserver/apply.go, v3_server.go).
//!
//! One of its words lies: the transaction that fills the quota is applied *and* answered with "database
//! space exceeded" (`quotaApplierV3`). A test with a small quota found it.

use etcd_client::Error;
use tonic::{Code, Status};

/// See the module's head.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It did not reach etcd, or etcd says that it did nothing and another member may do better.
    NotDone,
    /// The member has more to do than it can, and did nothing.
    Busy,
    /// The token is not good (any more); nothing was done.
    Token,
    /// Nothing was done, and it will be the same with every member.
    Final(Answer),
    /// Nobody knows.
    Doubt,
}

/// A certain answer of etcd's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    OutOfSpace,
    Denied,
    Refused,
    LeaseGone,
    Compacted,
    /// The response is larger than what we take; asked for less, it may come.
    TooMuch,
}

/// Whose certificate is not good.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Distrust {
    /// Theirs: we do not take it.
    Theirs(String),
    /// Ours: they do not take it.
    Ours(String),
}

pub(super) fn verdict(error: &Error) -> Verdict {
    match error {
        Error::GRpcStatus(status) => status_verdict(status),
        Error::LeaseKeepAliveError(word) if word == "lease not found" => {
            Verdict::Final(Answer::LeaseGone)
        }
        _ => Verdict::Doubt,
    }
}

fn status_verdict(status: &Status) -> Verdict {
    let text = status.message();
    let has = |word: &str| text.contains(word);
    if !text.starts_with("etcdserver: ") {
        return match status.code() {
            Code::ResourceExhausted if has("received message larger than max") => {
                Verdict::Final(Answer::Refused)
            }
            Code::OutOfRange if has("message length too large") => Verdict::Final(Answer::TooMuch),
            _ if not_connected(status) => Verdict::NotDone,
            _ => Verdict::Doubt,
        };
    }
    match status.code() {
        Code::ResourceExhausted if has("space exceeded") => Verdict::Final(Answer::OutOfSpace),
        Code::ResourceExhausted if has("too many requests") => Verdict::Busy,
        Code::InvalidArgument if has("revision in auth header is old") => Verdict::Token,
        Code::InvalidArgument if has("authentication failed") || has("user name is empty") => {
            Verdict::Final(Answer::Denied)
        }
        Code::InvalidArgument => Verdict::Final(Answer::Refused),
        Code::Unauthenticated => Verdict::Token,
        Code::PermissionDenied => Verdict::Final(Answer::Denied),
        Code::NotFound if has("requested lease not found") => Verdict::Final(Answer::LeaseGone),
        Code::OutOfRange if has("has been compacted") => Verdict::Final(Answer::Compacted),
        Code::Unavailable if has("no leader") => Verdict::NotDone,
        Code::DataLoss => Verdict::Final(Answer::Refused),
        _ => Verdict::Doubt,
    }
}

/// The causes of an error, itself first.
fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn std::error::Error + 'static) = *error;
        // `io::Error::source` skips what it wraps.
        let io = error.downcast_ref::<std::io::Error>();
        match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// No connection came about, so nothing was sent on it.
fn not_connected(status: &Status) -> bool {
    chain(status).any(|error| error.is::<tonic::ConnectError>())
}

/// Whether an error is about a certificate.
pub(super) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<Distrust> {
    chain(error).find_map(|error| match error.downcast_ref()? {
        rustls::Error::InvalidCertificate(flaw) => Some(Distrust::Theirs(flaw.to_string())),
        rustls::Error::AlertReceived(alert) => {
            let alert = format!("{alert:?}");
            let about = ["Certificate", "UnknownCA", "AccessDenied"];
            let about = about.iter().any(|word| alert.contains(word));
            about.then_some(Distrust::Ours(alert))
        }
        _ => None,
    })
}

/// All that an error says, its causes included, each once.
pub(super) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = match error.downcast_ref::<Status>() {
            Some(status) => status.message().to_owned(),
            None => error.to_string(),
        };
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
    }
    words.join(": ")
}

/// As [`words`], for etcd-client's errors, which do not show their causes.
pub(super) fn client_words(error: &Error) -> String {
    match error {
        Error::GRpcStatus(status) => words(status),
        Error::TransportError(error) => words(error),
        other => words(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_called_so() {
        let of = |code, text: &str| format!("{:?}", status_verdict(&Status::new(code, text)));
        for (code, text, wanted) in [
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                "Final(OutOfSpace)",
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: too many requests",
                "Busy",
            ),
            (Code::Unavailable, "etcdserver: no leader", "NotDone"),
            (Code::Unavailable, "etcdserver: leader changed", "Doubt"),
            (Code::Unavailable, "etcdserver: request timed out", "Doubt"),
            (
                Code::Unavailable,
                "etcdserver: request timed out, possibly due to previous leader failure",
                "Doubt",
            ),
            (Code::Unavailable, "etcdserver: server stopped", "Doubt"),
            (Code::Unknown, "raft proposal dropped", "Doubt"),
            (Code::Unavailable, "error reading from server: EOF", "Doubt"),
            (Code::Cancelled, "operation was canceled", "Doubt"),
            // A proxy's word is not etcd's.
            (Code::PermissionDenied, "forbidden", "Doubt"),
            (
                Code::PermissionDenied,
                "etcdserver: permission denied",
                "Final(Denied)",
            ),
            (
                Code::Unauthenticated,
                "etcdserver: invalid auth token",
                "Token",
            ),
            (
                Code::InvalidArgument,
                "etcdserver: revision in auth header is old",
                "Token",
            ),
            (
                Code::InvalidArgument,
                "etcdserver: user name is empty",
                "Final(Denied)",
            ),
            (
                Code::InvalidArgument,
                "etcdserver: request is too large",
                "Final(Refused)",
            ),
            (
                Code::NotFound,
                "etcdserver: requested lease not found",
                "Final(LeaseGone)",
            ),
        ] {
            assert_eq!(of(code, text), wanted, "{text}");
        }
    }
}
