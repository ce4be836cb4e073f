//! Nodes and containers that are not there any more when the process ends that made them: namespaces, mounts, child
//! processes, a scratch folder, and the kernel's state of all that before and after.
//!
//! `netctl conformance` runs any vendor's plugins on such a node, and all suites of the project stand on it, by way of
//! `tests/lab`. Its promise: when the process that uses it ends, also by SIGKILL, no network namespace and no child is
//! left. Namespaces therefore have no name in `/run/netns`: a forgotten `ip netns` of a killed run is what makes the next
//! run fail.
//!
//! ```no_run
//! # fn main() -> fairway_ephemeral::Result {
//! use fairway_ephemeral::Lab;
//! let lab = Lab::new()?;
//! let (a, b) = (lab.container()?, lab.container()?);
//! lab.wire(&a, "eth0", &b, "eth0")?;
//! a.addr("eth0", "10.0.0.1/24")?;
//! b.addr("eth0", "10.0.0.2/24")?;
//! a.run("ping -c 1 -W 2 10.0.0.2")?;
//! # Ok(()) }
//! ```

mod cmd;
mod error;
mod guarded;
mod mounts;
mod normalise;
mod ns;
mod poll;
mod scratch;
mod snapshot;
mod topology;

pub use cmd::{Cmd, Output};
pub use error::{Error, Result};
pub use guarded::Guarded;
pub use mounts::Mounts;
pub use ns::Ns;
pub use poll::{Condition, poll};
pub use snapshot::Snapshot;
pub use topology::Lab;

pub use serde_json::Value;
