//! Kubernetes: what a daemon has to do with an API server.
//!
//! One node of the cluster, the holder of a Lease, mirrors what the API server has of policy, workloads and our own kinds
//! to where `netctl apply` puts such objects too; all nodes, that one as well, take them from there. So a thousand
//! nodes do not watch ten thousand pods each, and an API server that is away for hours changes nothing on any of them.
//! What became of an object is told in its status, and claims end with their workloads. Each node besides tells
//! the API server that its network is ready.
//!
//! What can go wrong: the API server comes and goes, forgets its history, tells half a list; two nodes believe that they
//! lead; the store is away while the API server is not; somebody points the daemon to another cluster's API
//! server, which knows none of what the store has. Nothing is ever taken away because it was not seen.
//!
//! The crate does not know where objects go: [`Sink`] says what it needs of that. Whatever decides ([`queue`],
//! [`election`], [`apps`], [`condition`]) is pure.

mod apps;
mod call;
mod client;
mod condition;
mod discover;
mod election;
mod kind;
mod lease;
mod mirror;
mod node;
mod queue;
mod reap;
mod report;
mod run;
mod seen;
mod sink;
mod status;

pub use apps::{App, AppKind, End};
pub use client::Access;
pub use election::Timing;
pub use kind::{Kind, Name};
pub use report::Report;
pub use run::{Settings, run};
pub use seen::{NETWORKS, UID};
pub use sink::{BATCH, Change, Claims, Outcome, Sink, SinkError};
