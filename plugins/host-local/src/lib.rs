//! The host-local IPAM plugin.

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
