//! The routing table (RIB): many sources of routes, one best path, and what the kernel is to forward.
//!
//! It is pure. A [`Rib`] is told what is so ([`Input`]: a node, a network, a pool, a route, the time) and
//! holds what follows from it: for each prefix of each network the one way that a packet takes
//! ([`Forward`]). Whoever programs the kernel subscribes, gets everything once and then only what changed.
//!
//! What holds, whatever happens:
//! 1. The outcome depends on what is so, not on the order in which it was learned. A route may come
//!    before its pool, its network or its node; it waits, and [`Rib::problems`] says for what.
//! 2. A prefix of a network has one way or none; of two that claim an address one wins, everywhere the
//!    same ([`Step`] is the whole rule).
//! 3. Each choice has a reason that can be asked for: [`Rib::explain`].
//! 4. A node that is not heard of keeps its routes through the grace period.
//! 5. Networks do not see each other's routes unless one imports the other.
//! 6. An address of a block of ours that no container has is unreachable here, and is never sent back to
//!    where it came from.
//!
//! A change costs what it touches: a node's new address, the prefixes of that node. Only a change of this
//! node's own underlay touches all that goes to other nodes.

mod error;
mod explain;
mod forward;
mod hop;
mod name;
mod network;
mod node;
mod output;
mod prefix;
mod rib;
pub mod route;
mod select;
#[cfg(test)]
mod tests;

pub use error::Invalid;
pub use explain::{Candidate, Considered, ExplainError, Explanation, Verdict};
pub use fairway_ipam::{Encap, NetworkName, Vni};
pub use forward::{Change, Entry, Forward};
pub use hop::{Unusable, Why};
pub use name::{LinkName, RouteName};
pub use network::{Network, PoolRouting};
pub use node::{Mtu, Node, Underlay};
pub use output::Reader;
pub use prefix::Prefix;
pub use rib::{Input, Problem, Rib};
pub use select::{Class, Step};
