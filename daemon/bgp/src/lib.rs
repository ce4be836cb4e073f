//! BGP-4 (RFC 4271), without a clock, a socket or a kernel.
//!
//! ```text
//! bytes ⇄ wire ⇄ message ⇄ session ⇄ table ⇄ what the node knows
//! ```
//!
//! - [`message`] is what two speakers say to each other, as types that cannot be wrong.
//! - [`wire`] reads and writes it. What a peer gets wrong has the treatment that RFC 7606 gives it.
//! - [`session`] is one neighbour: the state machine of RFC 4271, section 8, with its timers, its
//!   connections and what both sides agreed on. It is told what happened and answers with what is to be done.
//! - [`policy`] says what is taken from a neighbour and what is told to it.
//! - [`object`] is what administrators write, and what it means on a node.
//! - [`table`] has all that neighbours told, the best of it, and what each of them has to be told next.

pub mod attr;
pub mod message;
mod number;
pub mod object;
pub mod policy;
mod prefix;
pub mod session;
pub mod table;
mod time;
pub mod wire;

pub use number::{Asn, HoldTime, RouterId};
pub use prefix::{Bits, Family, Net, NotAPrefix, Prefix};
pub use time::Time;
