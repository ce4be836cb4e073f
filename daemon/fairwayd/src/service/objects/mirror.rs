//! Objects of an API server, in the store: judged as those that are applied, marked as what they are.
//!
//! Each transaction holds the key by which a node that leads says so, so that what one of before has still under way comes
//! to nothing. What is in the store of a kind is read once, and what changes there otherwise is found out by the
//! condition that does not hold.
//!
//! Pools, claims and networks are no objects in the store, but records of the logic of addresses: see [`wishes`].

mod claims;
mod known;
mod lead;
mod step;
mod wishes;

use super::{
    Parsed,
    family::{Kind, Name},
};
use crate::{service::Daemon, stored::Envelope};
use async_trait::async_trait;
use fairway_k8s::{self as k8s, App, Change, Claims, Outcome, Sink, SinkError};
use fairway_kv::{Committed, Condition, Txn, Write};
use known::{Known, Standing};
use lead::Lead;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Mutex;
use wishes::address_kind;

/// How often a batch is tried again that somebody else was quicker with.
const TRIES: u32 = 3;
/// So many bytes of values go into one transaction; etcd takes 1.5 MiB in all.
const BYTES: usize = 512 * 1024;

/// See the module's head.
pub(crate) struct Mirror {
    daemon: Arc<Daemon>,
    lead: Lead,
    /// What is in the store of each kind; none: to be read.
    known: BTreeMap<k8s::Kind, Mutex<Option<Known>>>,
}

/// One change, ready to be written.
struct Ready {
    /// Its place among the changes that were asked for.
    at: usize,
    key: String,
    /// None: it goes.
    value: Option<Vec<u8>>,
}

impl Mirror {
    /// `cluster`: the one that may be mirrored besides that of which the store has objects.
    pub(crate) fn new(daemon: Arc<Daemon>, cluster: Option<String>) -> Mirror {
        let known = k8s::Kind::ALL.map(|kind| (kind, Mutex::new(None)));
        Mirror {
            lead: Lead::new(cluster),
            daemon,
            known: known.into(),
        }
    }

    /// What the store has of a kind.
    async fn read(&self, kind: Kind) -> Result<Known, SinkError> {
        let store = self
            .daemon
            .open_store()
            .map_err(|error| away(&error.message))?;
        let range = store
            .range(&kind.folder())
            .await
            .map_err(|error| away(&error))?;
        Ok(Known::of(range.entries))
    }

    /// Judges, and says what is to be written; what is settled by that has its outcome.
    fn ready(
        changes: &[Change],
        kind: Kind,
        known: &Known,
        outcomes: &mut [Option<Outcome>],
    ) -> Vec<Ready> {
        let mut all = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            if outcomes[at].is_some() {
                continue;
            }
            let name = kind.named(change.name.namespace.clone(), change.name.name.clone());
            let key = name.path();
            let value = match change.object.clone().map(Parsed::read) {
                None => None,
                Some(Ok(parsed)) if parsed.name() != name => {
                    outcomes[at] = Some(Outcome::Refused(format!("it is {}", parsed.name())));
                    continue;
                }
                Some(Ok(parsed)) => Some(parsed.encode_mirrored()),
                Some(Err(error)) => {
                    outcomes[at] = Some(Outcome::Refused(error.to_string()));
                    continue;
                }
            };
            match known.compare(&key, value.as_deref()) {
                Standing::Same => outcomes[at] = Some(Outcome::Done),
                Standing::Foreign(text) => outcomes[at] = Some(Outcome::Foreign(text.to_owned())),
                Standing::Differs => all.push(Ready { at, key, value }),
            }
        }
        all
    }

    /// Writes some; those for which a condition does not hold are left for another look.
    async fn commit(
        &self,
        ready: &[Ready],
        known: &mut Known,
        outcomes: &mut [Option<Outcome>],
    ) -> Result<(), SinkError> {
        let mut txn = Txn {
            conditions: vec![self.lead.condition()?],
            writes: Vec::new(),
        };
        for one in ready {
            txn.conditions.push(known.condition(&one.key));
            txn.writes.push(match one.value.clone() {
                Some(value) => put(one.key.clone(), value),
                None => Write::Delete {
                    key: one.key.clone(),
                },
            });
        }
        let store = self
            .daemon
            .open_store()
            .map_err(|error| away(&error.message))?;
        match store.commit(&txn).await.map_err(|error| away(&error))? {
            Committed::Yes { revision } => {
                for one in ready {
                    known.written(&one.key, one.value.as_deref(), revision);
                    outcomes[one.at] = Some(Outcome::Done);
                }
            }
            Committed::No { found, .. } => {
                for (key, entry) in found {
                    match key == lead::key() {
                        true => self.lead.check(entry.as_ref())?,
                        false => known.found(&key, entry.as_ref()),
                    }
                }
            }
        }
        Ok(())
    }

    /// Those that have a place in an order are judged beside each other, one by one.
    async fn write_ordered(&self, change: &Change) -> Result<Outcome, SinkError> {
        let away_body = |error: fairway_api::ErrorBody| away(&error.message);
        let parsed = match change.object.clone().map(Parsed::read) {
            Some(Ok(parsed)) => [parsed],
            Some(Err(error)) => return Ok(Outcome::Refused(error.to_string())),
            None => return Ok(Outcome::Again),
        };
        let held = self.daemon.held(&parsed).await.map_err(away_body)?;
        let [new] = &parsed;
        let wrong = held.rivals_of(new);
        if !wrong.is_empty() {
            return Ok(Outcome::Refused(wrong.join("\n")));
        }
        let key = new.name().path();
        let store = self.daemon.open_store().map_err(away_body)?;
        let there = store.get(&key).await.map_err(|error| away(&error))?;
        let known = Known::of(there.into_iter().collect());
        let value = new.encode_mirrored();
        match known.compare(&key, Some(&value)) {
            Standing::Same => return Ok(Outcome::Done),
            Standing::Foreign(text) => return Ok(Outcome::Foreign(text.to_owned())),
            Standing::Differs => {}
        }
        let mut txn = Txn {
            conditions: vec![self.lead.condition()?, known.condition(&key)],
            writes: vec![put(key, value)],
        };
        if let Some((condition, write)) = held.turn(new) {
            txn.conditions.push(condition);
            txn.writes.push(write);
        }
        match store.commit(&txn).await.map_err(|error| away(&error))? {
            Committed::Yes { .. } => Ok(Outcome::Done),
            Committed::No { found, .. } => {
                let ours = found.iter().find(|(key, _)| *key == lead::key());
                self.lead
                    .check(ours.and_then(|(_, entry)| entry.as_ref()))?;
                Ok(Outcome::Again)
            }
        }
    }
}

#[async_trait]
impl Sink for Mirror {
    fn takes(&self, kind: k8s::Kind) -> bool {
        family(kind).is_some() || address_kind(kind).is_some()
    }

    async fn begin(&self, cluster: &str) -> Result<(), SinkError> {
        self.lead.begin(&self.daemon, cluster).await?;
        // What somebody else has written meanwhile is to be read.
        for known in self.known.values() {
            *known.lock().await = None;
        }
        Ok(())
    }

    async fn mirrored(&self, kind: k8s::Kind) -> Result<BTreeSet<k8s::Name>, SinkError> {
        if let Some(kind) = address_kind(kind) {
            return self.marked(kind).await;
        }
        let Some(of) = family(kind) else {
            return Ok(BTreeSet::new());
        };
        let read = self.read(of).await?;
        let name = |key: &String| {
            let name = Name::of_path(key)?;
            let (namespace, name) = name.parts();
            Some(k8s::Name {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        };
        let names = read.mirrored().filter_map(name).collect();
        if let Some(known) = self.known.get(&kind) {
            *known.lock().await = Some(read);
        }
        Ok(names)
    }

    async fn write(&self, changes: &[Change]) -> Result<Vec<Outcome>, SinkError> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; changes.len()];
        let kind = changes.first().map(|change| change.kind);
        if let Some(kind) = kind.and_then(address_kind) {
            return self.write_wishes(kind, changes).await;
        }
        let Some((kind, of, known)) = kind.and_then(|kind| {
            let (of, known) = (family(kind)?, self.known.get(&kind)?);
            Some((kind, of, known))
        }) else {
            return Ok(vec![Outcome::Done; changes.len()]);
        };
        if kind == k8s::Kind::ClusterNetworkPolicy {
            for (change, outcome) in changes.iter().zip(&mut outcomes) {
                if change.object.is_some() {
                    *outcome = Some(self.write_ordered(change).await?);
                }
            }
        }
        let mut slot = known.lock().await;
        if kind == k8s::Kind::ClusterNetworkPolicy {
            *slot = None;
        }
        for _ in 0..TRIES {
            let mut known = match slot.take() {
                Some(known) => known,
                None => self.read(of).await?,
            };
            let ready = Mirror::ready(changes, of, &known, &mut outcomes);
            let foreign = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Foreign(_)));
            let stale = outcomes.iter().any(foreign);
            for part in parts(&ready) {
                // What is known is put back only where nothing has failed: else it is read anew.
                self.commit(part, &mut known, &mut outcomes).await?;
            }
            // Whoever is in the way may have gone by the next time.
            *slot = (!stale).then_some(known);
            if outcomes.iter().all(Option::is_some) {
                break;
            }
        }
        let again = |outcome: Option<Outcome>| outcome.unwrap_or(Outcome::Again);
        Ok(outcomes.into_iter().map(again).collect())
    }

    async fn status(&self, kind: k8s::Kind) -> BTreeMap<k8s::Name, Map<String, Value>> {
        match address_kind(kind) {
            Some(kind) => self.standings(kind).await,
            None => BTreeMap::new(),
        }
    }

    async fn apps(&self) -> Vec<App> {
        self.apps_with_claims().await
    }

    async fn claims(&self) -> Result<Box<dyn Claims>, SinkError> {
        self.claims_now().await
    }
}

/// The family's word for a kind; none: this program has no place for it.
fn family(kind: k8s::Kind) -> Option<Kind> {
    Kind::read(kind.name()).ok()
}

/// Parts that fit a transaction.
fn parts(ready: &[Ready]) -> impl Iterator<Item = &[Ready]> {
    let mut bytes = 0;
    ready.chunk_by(move |one, _| {
        bytes += one.value.as_ref().map_or(0, Vec::len);
        let fits = bytes < BYTES;
        if !fits {
            bytes = 0;
        }
        fits
    })
}

fn put(key: String, value: Vec<u8>) -> Write {
    let lease = None;
    Write::Put { key, value, lease }
}

fn away(error: &(impl ToString + ?Sized)) -> SinkError {
    SinkError::Away(error.to_string())
}
