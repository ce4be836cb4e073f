//! A call to one member after the other, until there is an answer or the time is up.

use super::EtcdStore;
use super::link::{Link, refresh};
use super::verdict::{Answer, Verdict, client_words, verdict};
use crate::{StoreError, backoff::Backoff};
use etcd_client::{Client, Error};
use fairway_kv::{LeaseId, Revision};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// For a call as a whole.
const CALL: Duration = Duration::from_secs(5);
/// For one member's answer to what can be asked of another.
const ATTEMPT: Duration = Duration::from_secs(2);
/// For the answer to a transaction: an election takes one to two seconds.
const COMMIT: Duration = Duration::from_secs(4);

/// How a call is to be taken that has no answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It may be asked again.
    Yes,
    /// It may have been done.
    No,
}

impl EtcdStore {
    /// Calls one member after the other until there is an answer.
    pub(super) async fn call<T, F>(
        &self,
        again: Again,
        f: impl Fn(Client) -> F + Send + Sync,
    ) -> Result<(T, Arc<Link>), StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, Error>> + Send,
    {
        let deadline = Instant::now() + CALL;
        let attempt = match again {
            Again::Yes => ATTEMPT,
            Again::No => COMMIT,
        };
        let (mut fresh_token, mut named) = (false, false);
        let mut busy = Backoff::new();
        loop {
            let link = self.links.link(deadline).await?;
            let end = match again {
                Again::Yes => deadline.min(Instant::now() + attempt),
                // Whatever it took to connect: an answer is waited for.
                Again::No => Instant::now() + attempt,
            };
            let done = timeout_at(end, f(link.client.clone())).await;
            let (judged, source) = match done {
                Ok(Ok(value)) => return Ok((value, link)),
                Ok(Err(error)) => (verdict(&error), client_words(&error)),
                Err(_) => (Verdict::Doubt, format!("no answer within {attempt:?}")),
            };
            let place = link.place.clone();
            match judged {
                // Authentication was enabled since: the next connection says who we are.
                Verdict::Final(Answer::Denied) if link.nameless && !named => {
                    named = true;
                    self.links.doubt(&link);
                }
                Verdict::Final(answer) => return Err(answer.error(place, source)),
                Verdict::Token if fresh_token => {
                    let source = source.into();
                    return Err(StoreError::Denied { place, source });
                }
                Verdict::Token => {
                    fresh_token = true;
                    match refresh(&link).await {
                        Ok(()) => continue,
                        Err(error) => match verdict(&error) {
                            Verdict::Final(answer) => {
                                return Err(answer.error(place, client_words(&error)));
                            }
                            _ => self.links.doubt(&link),
                        },
                    }
                }
                Verdict::Doubt if again == Again::No => {
                    self.links.doubt(&link);
                    let source = source.into();
                    return Err(StoreError::Unknown { place, source });
                }
                // A new connection, with TLS and a password to check, is more work for a member that has
                // too much already: it is given time, and left for another only when that did not help.
                Verdict::Busy => {
                    if timeout_at(deadline, busy.pause()).await.is_err() {
                        self.links.doubt(&link);
                    }
                }
                Verdict::NotDone | Verdict::Doubt => self.links.doubt(&link),
            }
            if Instant::now() >= deadline {
                let source = source.into();
                return Err(StoreError::Unreachable { place, source });
            }
        }
    }
}

impl Answer {
    fn error(self, place: String, source: String) -> StoreError {
        let source = source.into();
        match self {
            Answer::OutOfSpace => StoreError::OutOfSpace { place, source },
            Answer::Denied => StoreError::Denied { place, source },
            Answer::Refused => StoreError::Refused { place, source },
            Answer::TooMuch => StoreError::Protocol { place, source },
            // Who asked knows better, and says so.
            Answer::LeaseGone => StoreError::LeaseGone { lease: LeaseId(0) },
            Answer::Compacted => StoreError::Compacted {
                after: Revision(0),
                oldest: Revision(0),
            },
        }
    }
}
