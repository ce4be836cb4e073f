//! The program of limits, run on packets that were made up: when they go, by which class, and with what marks.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod bed;
mod behind;
mod changes;
mod hooks;
mod limits;
mod marks;
mod order;
mod shares;
