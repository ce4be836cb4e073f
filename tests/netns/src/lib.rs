//! What the netns suite's tests share: a node with plugins on it, and what must be left of them.
//!
//! Each test makes a [`Bed`] of its own: a node namespace with a scratch folder, and containers as
//! further namespaces. Nothing of it has a name on the machine, so tests run side by side. What the
//! plugins did is read by `ip`, `bridge`, `ping`, `nft` and `iptables-save`, never by our own netlink.

mod bed;
pub mod conformance;
mod daemon;
mod member;
mod state;
mod trace;

pub use bed::{Bed, Families};
pub use daemon::FakeDaemon;
pub use fairway_lab::{
    Cni, CniError, Error, Feature, Lab, Ns, Outcome, Result, Snapshot, Value, json, plugin_dir,
    poll, reference_dir, require,
};
pub use member::{Member, SOON, is_as_wanted, link, links, pings, reaches};
pub use state::State;
pub use trace::{Step, Traced};

/// A failed expectation, as an error of the test.
///
/// # Errors
/// Always, unless `held`.
pub fn ensure(held: bool, what: impl std::fmt::Display) -> Result {
    match held {
        true => Ok(()),
        false => Err(Error::Outcome {
            wanted: what.to_string(),
            got: "otherwise".to_owned(),
        }),
    }
}
