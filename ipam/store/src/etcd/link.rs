//! The connection to one member, and how another takes its place.
//!
//! One member is asked at a time. After a doubt its connection is dropped and the next one is tried, with
//! the files of TLS read anew. A new connection counts only once the member has answered on it: with
//! TLS 1.3 a client believes to be connected before the server has looked at its certificate, and a
//! transaction sent on such a connection would be in doubt without need.

use super::verdict::{Answer, Distrust, Verdict, client_words, distrust, verdict, words};
use super::{tls, wire};
use crate::{Cause, Etcd, StoreError};
use etcd_client::{Channel, Client, ConnectOptions};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::transport::Endpoint;

/// For a connection to one member, answer included.
const CONNECT: Duration = Duration::from_secs(2);
/// etcd hangs up on who pings more often than every 5 s; watches have signs of life of their own.
const PING: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(3));

/// A connection that has been answered on.
pub(super) struct Link {
    pub(super) client: Client,
    /// The member's URL.
    pub(super) place: String,
    /// A user is set, but the cluster had no authentication when this was made, so that it bears no name:
    /// once there is, all is denied to it, and only to it.
    pub(super) nameless: bool,
    endpoint: usize,
}

pub(super) struct Links {
    etcd: Etcd,
    slot: Mutex<Slot>,
    /// How often all connections were given up.
    renewed: watch::Sender<u64>,
    /// Held by who connects.
    connecting: tokio::sync::Mutex<()>,
}

struct Slot {
    link: Option<Arc<Link>>,
    /// The endpoint that is tried next.
    next: usize,
}

/// What came of each endpoint.
#[derive(Debug)]
struct Tried(Vec<StoreError>);

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for error in &self.0 {
            write!(f, "{comma}{error}")?;
            comma = "; ";
        }
        Ok(())
    }
}

impl std::error::Error for Tried {}

impl Links {
    /// Looks at the files of TLS; connects to nobody.
    pub(super) fn new(etcd: Etcd) -> Result<Self, StoreError> {
        if let Some(tls) = &etcd.tls {
            tls::load(tls)?;
        }
        // Not all nodes with the same member.
        let next = crate::backoff::random(etcd.endpoints.len());
        Ok(Self {
            etcd,
            slot: Mutex::new(Slot { link: None, next }),
            renewed: watch::Sender::new(0),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    /// All endpoints, for messages.
    pub(super) fn place(&self) -> String {
        self.etcd.endpoints.join(",")
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that is used now; a new one where there is none.
    pub(super) async fn link(&self, deadline: Instant) -> Result<Arc<Link>, StoreError> {
        if let Some(link) = &self.slot().link {
            return Ok(Arc::clone(link));
        }
        let late = |_| self.away("no connection in time".into());
        let guard = timeout_at(deadline, self.connecting.lock());
        let _guard = guard.await.map_err(late)?;
        let next = {
            let slot = self.slot();
            if let Some(link) = &slot.link {
                return Ok(Arc::clone(link));
            }
            slot.next
        };
        let count = self.etcd.endpoints.len();
        let mut tried = Vec::new();
        for step in 0..count {
            let endpoint = (next + step) % count;
            let end = deadline.min(Instant::now() + CONNECT);
            let connected = timeout_at(end, self.connect(endpoint)).await;
            let silent = |_| StoreError::Unreachable {
                place: self.etcd.endpoints[endpoint].clone(),
                source: "it does not answer".into(),
            };
            match connected.map_err(silent).flatten() {
                Ok(link) => {
                    let link = Arc::new(link);
                    let mut slot = self.slot();
                    slot.next = endpoint;
                    slot.link = Some(Arc::clone(&link));
                    return Ok(link);
                }
                Err(error) => tried.push(error),
            }
            if Instant::now() >= deadline {
                // The next call begins where this one came to.
                self.slot().next = (endpoint + 1) % count;
                break;
            }
        }
        Err(self.none(tried))
    }

    fn away(&self, source: Cause) -> StoreError {
        let place = self.place();
        StoreError::Unreachable { place, source }
    }

    /// No member can be used: what needs hands is said first.
    fn none(&self, mut tried: Vec<StoreError>) -> StoreError {
        if tried.len() == 1
            && let Some(only) = tried.pop()
        {
            return only;
        }
        let worst = tried.iter().position(StoreError::needs_hands);
        let place = self.place();
        match worst.map(|at| &tried[at]) {
            Some(StoreError::Certificate { .. }) => StoreError::Certificate {
                place,
                source: Tried(tried).into(),
            },
            Some(StoreError::Denied { .. }) => StoreError::Denied {
                place,
                source: Tried(tried).into(),
            },
            Some(StoreError::Location(_)) => tried.swap_remove(worst.unwrap_or(0)),
            _ => self.away(Tried(tried).into()),
        }
    }

    /// Gives up the connection that is used now, and with it all watches.
    pub(super) fn renew(&self) {
        self.slot().link = None;
        self.renewed.send_modify(|times| *times += 1);
    }

    /// Changes when all connections are given up.
    pub(super) fn renewed(&self) -> watch::Receiver<u64> {
        self.renewed.subscribe()
    }

    /// Drops a connection after a doubt: the next call goes to the next member.
    pub(super) fn doubt(&self, link: &Arc<Link>) {
        let mut slot = self.slot();
        if slot.link.as_ref().is_some_and(|now| Arc::ptr_eq(now, link)) {
            slot.link = None;
            slot.next = (link.endpoint + 1) % self.etcd.endpoints.len();
        }
    }

    async fn connect(&self, endpoint: usize) -> Result<Link, StoreError> {
        let place = self.etcd.endpoints[endpoint].clone();
        let tls = self.etcd.tls.as_ref().map(tls::load).transpose()?;
        let build = |member: Endpoint| {
            member
                .http2_keep_alive_interval(PING.0)
                .keep_alive_timeout(PING.1)
                .keep_alive_while_idle(false)
        };
        let connected = wire::connect(&place, tls, build).await;
        let (channel, ending) = connected.map_err(|error| self.no_way(&place, &error))?;
        let failed = |error: etcd_client::Error| {
            // What ended the connection says more than what became of the request.
            if let Some(cause) = ending.take() {
                return self.no_way(&place, &cause);
            }
            let answer = verdict(&error);
            let (place, source) = (place.clone(), client_words(&error).into());
            match answer {
                Verdict::Final(Answer::Denied) | Verdict::Token => {
                    StoreError::Denied { place, source }
                }
                _ => StoreError::Unreachable { place, source },
            }
        };
        let options = ConnectOptions::new().with_require_leader(true);
        let client = Client::from_channel(Channel::Tonic(channel), Some(options)).await;
        let mut client = client.map_err(failed)?;
        let mut nameless = false;
        if let Some(user) = &self.etcd.user {
            let word = (user.name.clone(), user.password.clone());
            match client.update_user(Some(word)).await {
                Err(error) if client_words(&error).contains("authentication is not enabled") => {
                    nameless = true;
                }
                other => other.map_err(failed)?,
            }
        }
        // Any answer will do, even a refusal, but a member without a leader is of no use.
        match client.status().await {
            Err(error) if !matches!(verdict(&error), Verdict::Final(_) | Verdict::Token) => {
                return Err(failed(error));
            }
            _ => {}
        }
        Ok(Link {
            client,
            place,
            nameless,
            endpoint,
        })
    }

    fn no_way(&self, place: &str, error: &std::io::Error) -> StoreError {
        let distrusted = self.distrusted(place, distrust(error));
        distrusted.unwrap_or_else(|| StoreError::Unreachable {
            place: place.to_owned(),
            source: words(error).into(),
        })
    }

    /// The words for a certificate that is not taken.
    fn distrusted(&self, place: &str, distrust: Option<Distrust>) -> Option<StoreError> {
        let tls = self.etcd.tls.as_ref()?;
        let mut text = String::new();
        let _ = match distrust? {
            Distrust::Theirs(flaw) => write!(
                text,
                "its certificate is not good by {} ({}): {flaw}",
                tls.ca.path.display(),
                tls.ca.field
            ),
            Distrust::Ours(alert) => match &tls.client {
                Some((cert, _)) => write!(
                    text,
                    "it does not take our certificate {} ({}): {alert}",
                    cert.path.display(),
                    cert.field
                ),
                None => write!(text, "it wants a certificate from us: {alert}"),
            },
        };
        Some(StoreError::Certificate {
            place: place.to_owned(),
            source: text.into(),
        })
    }
}

/// A fresh token.
pub(super) async fn refresh(link: &Link) -> Result<(), etcd_client::Error> {
    let refreshed = timeout(CONNECT, link.client.refresh_token()).await;
    let late = |_| etcd_client::Error::Internal("no token in time".into());
    refreshed.map_err(late)?
}
