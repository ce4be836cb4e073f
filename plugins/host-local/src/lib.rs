//! The host-local IPAM plugin: addresses from ranges of this node's own, kept as files.
//!
//! The files are the reference plugin's, so that a node can change over with containers running. What
//! goes beyond it: no operation reads more than its own container's files, a kill at any moment leaves
//! nothing that blocks an address, and addresses that a reboot has left behind come back.
//!
//! From the outside in: `plugin` has the verbs; [`config`], [`range`] and [`request`] read what is asked
//! for; `pool` gives and takes addresses, `search` finds a free one in the [`order`] of the reference; a
//! `session` holds the lock, the folder and the [`index`] for one operation; `folder`, `stage` and
//! [`record`] are the files.

pub mod config;
mod crash;
pub mod error;
mod folder;
pub mod identity;
pub mod index;
mod lock;
pub mod mark;
pub mod order;
mod plugin;
mod pool;
pub mod range;
mod rebuild;
pub mod record;
pub mod request;
pub mod resolv;
mod search;
mod session;
pub mod span;
mod stage;
mod store;
#[cfg(test)]
mod tests;

pub use folder::address_of;
pub use plugin::HostLocal;
pub use store::Store;
