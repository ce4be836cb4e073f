//! The plugin against a daemon that does as it is told: every answer, every way to fail, and links made
//! meanwhile.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod answers;
mod common;
mod links;
mod policy;
mod rates;
mod real;
