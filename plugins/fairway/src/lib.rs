//! The IPAM plugin `fairway`: asks the daemon.
//!
//! It keeps nothing itself. `facts` reads who the container is and what is wanted for it, `daemon` is the
//! way to fairwayd and to the records that are left where it is not there, `plugin` has the verbs. `policy` and
//! `rates` are for the plugins that make links, and `trace` is what a call is known by in all of them.
//!
//! What can go wrong is the daemon: not there (ADD fails with 11, nothing is left behind), killed between
//! its work and its answer (what it may have given is released), hanging (every step has an end). DEL
//! succeeds whatever the daemon does, or no container could end while it is upgraded; and no address is
//! lost by that, as the record outlives both the plugin and a power cut.

pub mod daemon;
mod error;
pub mod facts;
mod plugin;
pub mod policy;
pub mod rates;
pub mod trace;

pub use daemon::Daemon;
pub use error::Error;
pub use plugin::Fairway;
pub use policy::Policy;
