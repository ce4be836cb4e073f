//! The static IPAM plugin.
