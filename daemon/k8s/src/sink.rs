//! Where objects go: the other side of this crate.

use crate::{
    apps::{App, End},
    kind::{Kind, Name},
};
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Which.
    pub name: Name,
    /// As it is to be; none: it is to go.
    pub object: Option<Value>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is so.
    Done,
    /// The object is not valid, by itself or beside others; what was there before stays.
    Refused(String),
    /// An object of that name is there which did not come from the API server; it stays.
    Foreign(String),
    /// It is to go, and does when what this says is over; to be looked at again after a while.
    Waits(String),
    /// Somebody was quicker: to be tried again.
    Again,
}

/// Nothing was done, or it is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// It is tried again.
    #[error("{0}")]
    Away(String),
    /// Another node has taken over.
    #[error("node {0} mirrors the API server now")]
    Deposed(String),
    /// What is there came from another cluster; an administrator must say that this is meant.
    #[error(
        "what the store has mirrors the cluster {there}, and this API server is of {here}; \
         kubernetes_cluster = \"{here}\" in fairwayd's file accepts that"
    )]
    OtherCluster {
        /// Of what is there.
        there: String,
        /// Of the API server.
        here: String,
    },
}

/// Where objects go. One node at a time is told, the one that leads.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Has it a place for objects of this kind?
    fn takes(&self, kind: Kind) -> bool;

    /// From now on this node is the one that writes: what another one that led before it has still under way comes to
    /// nothing. `cluster` is the identity of the API server's cluster.
    async fn begin(&self, cluster: &str) -> Result<(), SinkError>;

    /// What is there of a kind that came from the API server. It is compared with what a server has, and what
    /// that does not have is then taken away.
    async fn mirrored(&self, kind: Kind) -> Result<BTreeSet<Name>, SinkError>;

    /// Makes changes, at most [`BATCH`] of different objects; each has its outcome, in the same order. An object that did
    /// not come from the API server is never taken away, and one that is in use may have to wait.
    async fn write(&self, changes: &[Change]) -> Result<Vec<Outcome>, SinkError>;

    /// What objects of a kind are to say in their status besides conditions.
    async fn status(&self, kind: Kind) -> BTreeMap<Name, Map<String, Value>> {
        let _none = kind;
        BTreeMap::new()
    }

    /// Applications that have claims which end with them.
    async fn apps(&self) -> Vec<App>;

    /// What claims there are now: taken before the API server is asked once more, so that nothing that it says is
    /// older than they are.
    async fn claims(&self) -> Result<Box<dyn Claims>, SinkError>;
}

/// Claims, as they were at some moment.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Gives back what ends with an application; where any of it has changed since that moment, or is in use, it is left
    /// alone. Says what was given back.
    async fn release(&self, app: &App, end: End) -> Result<Vec<String>, SinkError>;
}

/// So many changes are made at once at most.
pub const BATCH: usize = 48;
