//! Namespaces, child processes and plugin runs for tests, gone whatever happens.
//!
//! Every suite, the demo and the benchmarks stand on this crate. Its promise: when the
//! process that uses it ends, also by SIGKILL, no network namespace and no child is left.
//! Namespaces therefore have no name in `/run/netns`: a forgotten `ip netns` of a killed
//! test run is what makes the next run fail.
//!
//! ```no_run
//! # fn main() -> fairway_lab::Result {
//! use fairway_lab::Lab;
//! let lab = Lab::new()?;
//! let (a, b) = (lab.container()?, lab.container()?);
//! lab.wire(&a, "eth0", &b, "eth0")?;
//! a.addr("eth0", "10.0.0.1/24")?;
//! b.addr("eth0", "10.0.0.2/24")?;
//! a.run("ping -c 1 -W 2 10.0.0.2")?;
//! # Ok(()) }
//! ```

mod cmd;
mod cni;
mod error;
mod feature;
mod guarded;
mod mounts;
mod normalise;
mod ns;
pub mod page;
mod poll;
pub mod queue;
mod scratch;
mod snapshot;
mod topology;
pub mod traffic;

pub use cmd::{Cmd, Output};
pub use cni::{Cni, CniError, Outcome, Raw, bin_dir, plugin_dir, reference_dir};
pub use error::{Error, Result};
pub use feature::{Feature, require};
pub use guarded::Guarded;
pub use mounts::Mounts;
pub use ns::Ns;
pub use poll::{Condition, poll};
pub use snapshot::Snapshot;
pub use topology::Lab;

/// The crates a test needs besides, so that it need not name them itself.
pub use {serde_json, serde_json::Value, serde_json::json, tempfile};
