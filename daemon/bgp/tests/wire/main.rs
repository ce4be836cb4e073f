//! The codec: tables of bytes and what they mean, and properties.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by them")]

mod common;
mod malformed;
mod open;
mod oracle;
mod packing;
mod pairs;
mod readings;
mod refused;
mod roundtrip;
mod strategies;
mod treatments;
mod truncated;
