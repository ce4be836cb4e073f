//! The daemon on every node.
//!
//! It wires what does the work: the agent of `ipam/core`, which decides; a journal, which makes decisions
//! durable; the store, which all nodes share; the kernel, which shows who lives; and the socket, by which
//! plugins and `netctl` ask. See `docs/fairwayd.md` for what an operator sees of it.
//!
//! A library, so that tests and benchmarks can run it within their own process.

pub mod alias;
mod base;
mod bgp;
mod cleanup;
pub mod clock;
pub mod code;
pub mod config;
pub mod convert;
pub mod cutoff;
mod daemon;
mod definitions;
pub mod driver;
mod error;
mod feed;
mod hops;
mod inbox;
pub mod journal;
#[cfg_attr(not(feature = "k8s"), path = "kubernetes/without.rs")]
mod kubernetes;
pub mod link;
pub mod log;
mod metrics;
mod news;
mod notice;
mod policy;
mod rates;
mod registry;
pub mod released;
pub mod routes;
pub mod server;
pub mod service;
mod stored;
pub mod sweep;
mod tend;
mod trace;
pub mod watchdog;
mod worker;

pub use cleanup::cleanup;
pub use config::Config;
pub use daemon::Running;
pub use error::Error;
