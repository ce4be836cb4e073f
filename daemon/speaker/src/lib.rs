//! BGP over TCP: the sockets and tasks around [`fairway_bgp`], which knows neither.
//!
//! ```text
//! listeners ─┐                         ┌─ a session and connections for each neighbour
//! lines ─────┼─► one task, the core ───┤
//! commands ──┘    (a thread of its own)└─ one table ─► what the node uses ([`Speaker::changes`])
//! ```
//!
//! All that decides is in one task, so that nothing has to be locked; the tasks around it read, write, connect and accept.
//! None of them can hold it up: what comes from neighbours waits in bounded channels, each neighbour has its turn, and no
//! neighbour is told more than its connection has room for.

mod core;
mod line;
pub mod socket;
mod speaker;

pub use core::{Config, NextHops, PeerStatus, Seen, Wanted, Which};
pub use speaker::{Gone, Speaker};
