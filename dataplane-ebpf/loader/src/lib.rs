//! Loads the eBPF programs, keeps their maps as they are wanted, and hangs them on links.
//!
//! Everything here is synchronous and belongs to one thread, but for [`Events`]. What verdicts are is the
//! programs' matter (`dataplane-ebpf/programs`), what ought to be in the maps that of `daemon/policy`; this
//! crate brings the one to the other and tells what came of it. The way of a change of any size is that of a
//! generation, see [`Dataplane`].

mod address;
mod attach;
mod bpffs;
mod count;
mod dataplane;
mod error;
mod events;
mod generation;
mod object;
mod plain;
mod policy;
mod prefix;
mod probe;
mod route;
mod run;
pub mod shaper;
mod sizes;
mod sys;
mod table;
mod track;

pub use address::{addr_of, ip_of};
pub use attach::{detach, is_guarded};
pub use count::Counter;
pub use dataplane::{Dataplane, Options};
pub use error::{Error, Result};
pub use events::Events;
pub use fairway_dataplane_abi as abi;
pub use generation::clear;
pub use object::Hook;
pub use probe::{Unavailable, probe};
pub use route::{Tunnel, Way};
pub use run::Ran;
pub use shaper::Shaper;
pub use sizes::Sizes;
pub use table::Fill;
pub use track::Swept;
