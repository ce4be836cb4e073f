//! `netctl conformance` on plugins of which it is known what they do: ours, the reference's, and broken ones.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod broken;
mod ours;
mod reference;
