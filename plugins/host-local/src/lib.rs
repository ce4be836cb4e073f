//! The host-local IPAM plugin.

pub mod order;
pub mod range;
pub mod record;
pub mod resolv;
pub mod span;
