//! What tests stand on: nodes of namespaces that vanish with the test, plugins that are run as a runtime runs them, what
//! the kernel can do, traffic.
//!
//! Namespaces, mounts and child processes are those of `netctl/ephemeral`, which `netctl conformance` uses, too; here they
//! go by one name with the rest.
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

mod cni;
mod feature;
pub mod flow;
pub mod page;
mod program;
mod prompt;
pub mod queue;
mod topology;
pub mod traffic;

pub use cni::{Cni, CniError, Outcome, Raw, bin_dir, plugin_dir, reference_dir};
pub use fairway_ephemeral::{
    Cmd, Condition, Error, Guarded, Mounts, Ns, Output, Result, Snapshot, poll,
};
pub use feature::{Feature, require};
pub use program::program;
pub use prompt::promptly;
pub use topology::Lab;

/// The crates a test needs besides, so that it need not name them itself.
pub use {serde_json, serde_json::Value, serde_json::json, tempfile};
