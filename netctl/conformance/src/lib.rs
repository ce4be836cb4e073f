//! Whether a CNI plugin does what the specification says: any vendor's, of any kind.
//!
//! A plugin is run as a runtime runs it, in a node of its own: network namespaces that this process holds by file
//! descriptors alone, and mounts of its own over `/run/cni` and `/var/lib/cni`, so that the machine's network and the
//! plugin's records there are not touched, and all of it goes with this process, also where that is killed. What a
//! plugin answers is judged by the version of the specification that it was asked in; what it did, by `ip` and the
//! other tools of the system, and never by Fairway's own netlink.
//!
//! `check` is what a check is and `checks` are all of them, each with the place in the specification that asks for it
//! and an id that stays; `stage` is the node, `call` one call of the plugin, `shape` the form of results, `kernel` what
//! is really there, `stand_in` an IPAM plugin whose failures can be asked for; `report` and `junit` are what comes out.
//!
//! What can go wrong: without root, or without the tools, nothing can be examined at all ([`SuiteError`]). A plugin
//! that hangs is killed when its time is up, and fails the check. Where the node itself cannot be set up for a check,
//! that is told as such and is nobody's pass.

mod call;
mod check;
mod checks;
mod form;
mod junit;
mod kernel;
mod options;
mod profile;
mod release;
mod report;
mod shape;
mod stage;
pub mod stand_in;
mod suite;

pub use check::{Check, Level, Listed, catalogue};
pub use junit::junit;
pub use options::{Options, SuiteError};
pub use profile::Profile;
pub use release::Release;
pub use report::{Finding, PluginReport, Report, State};
pub use suite::examine;
