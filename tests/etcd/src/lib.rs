//! A cluster of real etcd members for tests, gone whatever happens.
//!
//! Members are Debian's `etcd` (packages etcd-server and etcd-client), on loopback addresses of their
//! own or in network namespaces, plain or with mTLS, with or without passwords. Each can be killed,
//! stopped, continued and restarted, and the leader is told by what the members themselves say on a plain
//! metrics port, so that a test of bad certificates can still see its cluster.
//!
//! Ports that are free when asked for are taken a moment later when many suites run at once; so a loopback
//! member has an address of 127.0.0.0/8 to itself, held by a lock on one of its ports.
//!
//! ```no_run
//! # fn main() -> fairway_etcd_bed::Result {
//! use fairway_etcd_bed::{Cluster, Options};
//! let cluster = Cluster::start(Options::loopback(3).tls())?;
//! let leader = cluster.leader()?;
//! cluster.kill(leader)?;
//! cluster.restart(leader)?;
//! # Ok(()) }
//! ```

mod cluster;
mod error;
mod loopback;
mod member;
mod options;
mod pki;

pub use cluster::Cluster;
pub use error::{Error, Result};
pub use options::{Options, Seat};
pub use pki::{Authority, Files, Flaw, Pki};

/// Where a member answers clients.
pub const CLIENT_PORT: u16 = 2379;
/// Where a member answers its peers.
pub const PEER_PORT: u16 = 2380;
/// Where a member says in plain HTTP how it does.
pub const METRICS_PORT: u16 = 2381;
