//! `NetworkAttachmentDefinition` objects, for the plugin `multi`: which there are, and which of them a pod asks for.
//!
//! All of it is what the store has shown. A node that has lost its store answers by what it saw last; one that has not
//! seen any answers nobody, since a container would come up without a network that it was to have.

mod feed;
pub(crate) mod keys;

use crate::convert::body;
use fairway_api::{
    ErrorBody,
    definition::{Definition, Find, Found, Name, Pod},
};
use fairway_cni::Code;
use fairway_kv::Update;
use feed::{Feed, Pods, concerning};
use keys::Key;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// How long a pod's object is waited for: whoever starts it has it from the same API server.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// A handle on what the store has shown; clones share it.
#[derive(Clone)]
pub(crate) struct Definitions(Arc<Shared>);

struct Shared {
    seen: Mutex<Seen>,
    changed: watch::Sender<()>,
    patience: Duration,
}

#[derive(Default)]
struct Seen {
    feed: Feed,
    pods: Pods,
}

/// How a pod stands.
enum Standing {
    /// It asks for this.
    Says(Option<String>),
    /// One of its name is there, and is another.
    Another,
    Unknown,
}

impl Definitions {
    pub(crate) fn new() -> Definitions {
        Definitions::patient(KNOWN_WITHIN)
    }

    fn patient(patience: Duration) -> Definitions {
        Definitions(Arc::new(Shared {
            seen: Mutex::default(),
            changed: watch::Sender::new(()),
            patience,
        }))
    }

    /// What the store shows.
    pub(crate) fn store(&self, update: &Update) {
        {
            let mut seen = self.seen();
            if let Some(update) = concerning(update) {
                seen.feed.take(update);
            }
            seen.pods.take(update);
        }
        self.0.changed.send_replace(());
    }

    /// What is wrong with what the store shows.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.seen().feed.problems().cloned().collect()
    }

    /// Which there are of those that are named, here or by a pod. `follows`: objects come from an API server.
    ///
    /// # Errors
    /// Where what a pod asks for is not known.
    pub(crate) async fn find(&self, find: Find, follows: bool) -> Result<Found, ErrorBody> {
        let until = Instant::now() + self.0.patience;
        let whole = |seen: &Seen| seen.feed.seen.then_some(());
        if self.when(until, whole).await.is_none() {
            let text = "fairwayd has not seen yet what the store has";
            return Err(body(Code::TRY_AGAIN, text));
        }
        let mut names = find.names;
        let networks = match &find.pod {
            Some(pod) => self.asked(pod, follows, until).await?,
            None => None,
        };
        if let (Some(networks), Some(pod)) = (&networks, &find.pod) {
            let named = fairway_definitions::named(networks, &pod.namespace);
            names.extend(
                named
                    .into_iter()
                    .map(|(namespace, name)| Name { namespace, name }),
            );
        }
        names.sort();
        names.dedup();
        let seen = self.seen();
        let definition = |name: Name| {
            let key = Key {
                namespace: name.namespace.clone(),
                name: name.name.clone(),
            };
            let config = seen.feed.reader.0.get(&key)?.clone();
            Some(Definition { name, config })
        };
        Ok(Found {
            networks,
            definitions: names.into_iter().filter_map(definition).collect(),
        })
    }

    /// What a pod asks for.
    async fn asked(
        &self,
        pod: &Pod,
        follows: bool,
        until: Instant,
    ) -> Result<Option<String>, ErrorBody> {
        let says = |seen: &Seen| match seen.standing(pod) {
            Standing::Says(networks) => Some(networks),
            Standing::Another | Standing::Unknown => None,
        };
        let until = match follows && pod.wait {
            true => until,
            false => Instant::now(),
        };
        if let Some(networks) = self.when(until, says).await {
            return Ok(networks);
        }
        if !pod.wait {
            return Ok(None);
        }
        let title = format!("pod {}/{}", pod.namespace, pod.name);
        let standing = self.seen().standing(pod);
        Err(match (follows, standing) {
            (false, _) => {
                let text = format!(
                    "{title} is not known: this node's fairwayd follows no API server (kubeconfig)"
                );
                body(Code::INVALID_CONFIG, text)
            }
            (true, Standing::Another) => {
                let text = format!("of {title} one before it is known only");
                body(Code::TRY_AGAIN, text)
            }
            (true, _) => {
                let text = format!("{title} has not come from the API server yet");
                body(Code::TRY_AGAIN, text)
            }
        })
    }

    /// Waits until something is so.
    async fn when<T>(&self, until: Instant, so: impl Fn(&Seen) -> Option<T>) -> Option<T> {
        let mut changed = self.0.changed.subscribe();
        loop {
            if let Some(so) = so(&self.seen()) {
                return Some(so);
            }
            timeout_at(until, changed.changed()).await.ok()?.ok()?;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn standing(&self, asked: &Pod) -> Standing {
        let Some(there) = self.pods.get(&asked.namespace, &asked.name) else {
            return Standing::Unknown;
        };
        match (&asked.uid, &there.uid) {
            (Some(asked), Some(there)) if **asked != **there => Standing::Another,
            _ => Standing::Says(there.networks.as_deref().map(str::to_owned)),
        }
    }
}

#[cfg(test)]
mod tests;
