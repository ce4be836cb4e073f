//! The rules as independent programs see them: `nft`, `iptables-save`, the
//! reference plugins, and packets.
//!
//! Every test has namespaces of its own and needs root.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod changeover;
mod common;
mod gc;
mod leftovers;
mod legacy;
mod masq_iptables;
mod masq_nftables;
mod node;
mod node_packets;
mod packets;
mod parallel;
mod ports;
mod spoof;
mod spoof_names;
