//! The daemons on a real etcd, in namespaces: what must hold whatever happens.
//!
//! One test a cluster. The longest is the history test; `FAIRWAY_HISTORY_SECONDS` makes it longer, and
//! `FAIRWAY_CUT_SECONDS` the time for which the store is away. `FAIRWAY_KEEP_DIR` keeps logs and histories
//! of tests that failed.

mod away;
mod bgp;
mod definitions;
mod group;
mod history;
mod input;
mod itself;
mod journal;
mod older;
mod overlay;
mod plugin;
mod policy;
mod pools;
mod rates;
mod real;
mod removal;
mod support;
mod trouble;
mod workloads;
