//! The rules as independent programs see them: `nft`, `iptables-save`, the
//! reference plugins, and packets.
//!
//! Every test has namespaces of its own and needs root.

mod common;
mod masq_iptables;
