//! Limits on containers of one node whose packets go past its own forwarding, under real traffic.
//!
//! The node forwards nothing itself, so that what arrives has gone past it.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

#[path = "../common/mod.rs"]
mod common;

mod bed;
mod cost;
mod queues;
mod ways;
