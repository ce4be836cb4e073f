//! The daemon as a process of its own, in a namespace of its own, on the embedded store: what it does when
//! it is killed, when its disk is full, when containers vanish. Wants root.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

mod bed;
mod containers;
mod large;
mod lives;
mod metrics;
mod modes;
mod said;
mod secrets;
mod traces;
mod trouble;
mod wishes;
