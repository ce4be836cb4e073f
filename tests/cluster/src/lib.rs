//! Daemons in namespaces on a real etcd: what the suite's tests share.
//!
//! Needs root, Debian's `etcd-server` and `etcd-client`, and the release binaries (`FAIRWAY_BIN_DIR`,
//! `FAIRWAY_CNI_DIR`, else `dist/`).

mod bed;
pub mod controllers;
mod daemon;
mod door;
pub mod hammer;
pub mod history;
mod lan;
pub mod nemesis;
mod rest;

pub use bed::{Bed, Plan, before, keep_dir, on};
pub use daemon::{Daemon, SOON, bin_dir};
pub use door::{Answer, Door, attachment, code};
pub use lan::{Cable, Cut, Lan};
pub use rest::{Dice, Stop, joined, say};
