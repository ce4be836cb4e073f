//! The key by which a node that leads says so: `meta/kubernetes`, with the cluster that the store mirrors.
//!
//! A lease at an API server keeps two from leading only as long as clocks run and machines do not stand still. What
//! is written here is guarded by the store itself: each of a leader's transactions holds this key as it wrote it.

use super::away;
use crate::service::Daemon;
use fairway_k8s::SinkError;
use fairway_kv::{Committed, Condition, Entry, ROOT, Revision, Txn, Write};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};

/// The key.
pub(super) fn key() -> String {
    format!("{ROOT}meta/kubernetes")
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Lead {
    /// The cluster that may be mirrored whatever was before.
    accepted: Option<String>,
    /// When this node's word was written.
    since: Mutex<Option<Revision>>,
}

impl Lead {
    pub(super) fn new(accepted: Option<String>) -> Lead {
        Lead {
            accepted,
            since: Mutex::new(None),
        }
    }

    /// Takes over.
    pub(super) async fn begin(&self, daemon: &Daemon, cluster: &str) -> Result<(), SinkError> {
        let store = daemon.open_store().map_err(|error| away(&error.message))?;
        let there = store.get(&key()).await.map_err(|error| away(&error))?;
        let mirrors = there.as_ref().and_then(|entry| text(entry, "cluster"));
        if let Some(mirrors) = mirrors
            && mirrors != cluster
            && self.accepted.as_deref() != Some(cluster)
        {
            return Err(SinkError::OtherCluster {
                there: mirrors,
                here: cluster.to_owned(),
            });
        }
        let condition = match there {
            Some(entry) => Condition::Unchanged {
                key: key(),
                modified: entry.modified,
            },
            None => Condition::Absent { key: key() },
        };
        let value = json!({
            "version": 1,
            "cluster": cluster,
            "node": daemon.config.node.to_string(),
            "since": daemon.clocks.now().wall.0,
        });
        let put = Write::Put {
            key: key(),
            value: value.to_string().into_bytes(),
            lease: None,
        };
        let txn = Txn {
            conditions: vec![condition],
            writes: vec![put],
        };
        match store.commit(&txn).await.map_err(|error| away(&error))? {
            Committed::Yes { revision } => {
                *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(revision);
                Ok(())
            }
            Committed::No { .. } => Err(away("another node takes over at the same moment")),
        }
    }

    /// This node's word stands.
    pub(super) fn condition(&self) -> Result<Condition, SinkError> {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let modified = since.ok_or_else(|| away("this node has not begun to lead"))?;
        let key = key();
        Ok(Condition::Unchanged { key, modified })
    }

    /// Does it stand still, as the store has it?
    pub(super) fn check(&self, there: Option<&Entry>) -> Result<(), SinkError> {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        match there {
            Some(entry) if Some(entry.modified) == since => Ok(()),
            Some(entry) => {
                let node = text(entry, "node").unwrap_or_default();
                Err(SinkError::Deposed(node))
            }
            None => Err(SinkError::Deposed("nobody".to_owned())),
        }
    }
}

fn text(entry: &Entry, field: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(&entry.value).ok()?;
    Some(value.get(field)?.as_str()?.to_owned())
}
