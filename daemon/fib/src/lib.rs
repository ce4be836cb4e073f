//! The kernel's forwarding table (FIB): what the routing table wants, against what the kernel has.
//!
//! Everything that leads packets is here: the overlay's device, its neighbours, next hops, routes, and the
//! rules that say whose packets look in which table. A [`Fib`] is told what is wanted
//! ([`Fib::configure`], [`Fib::change`]) and what the kernel says of itself ([`Fib::event`]), and
//! [`Fib::sync`] does what is missing between the two. It never waits and starts nothing by itself.
//!
//! Real failures that shaped it (felix, flannel and libnetwork list the same):
//! - A link that goes takes its IPv4 routes along in silence, an address those that name it as their
//!   source, a next hop those by it. So the model takes them away, too, and they are put back.
//! - A message may be missed. Then, after each error, and every few minutes, all is listed anew.
//! - What is deleted by mistake cuts containers off. Nothing that is not marked as ours is touched, and
//!   nothing at all is taken away before the whole picture of the store is there ([`Fib::complete`]).
//! - A route that somebody else made is never overwritten, and a prefix in a pool that somebody else's
//!   routes know too is not taken from this machine's own packets ([`Problem::Conflict`]).
//!
//! The kernel's state, once in place, needs no daemon.

mod error;
mod fib;
mod have;
mod links;
pub mod names;
mod overlap;
mod peer;
mod place;
mod render;
mod rules;
mod settings;
#[cfg(test)]
mod tests;
mod want;

pub use error::Problem;
pub use fib::{Counted, Fib, Standing, Synced};
pub use place::network;
pub use settings::{Overlay, Settings, Tenant};
