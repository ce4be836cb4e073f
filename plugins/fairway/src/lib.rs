//! The IPAM plugin `fairway`: asks the daemon.
