//! Daemons in namespaces on a real etcd: what the suite's tests share.
//!
//! Needs root, Debian's `etcd-server` and `etcd-client`, and the release binaries (`FAIRWAY_BIN_DIR`,
//! `FAIRWAY_CNI_DIR`, else `dist/`).

mod bed;
pub mod controllers;
mod daemon;
mod door;
mod echo;
pub mod frames;
pub mod hammer;
pub mod history;
mod lan;
pub mod nemesis;
mod probe;
mod rest;
mod sctp;
mod talk;

pub use bed::{Bed, Plan, before, keep_dir, on};
pub use daemon::{Build, Daemon, SOON};
pub use door::{Answer, Door, attachment, code};
pub use echo::Echo;
pub use fairway_lab::bin_dir;
pub use lan::{Cable, Cut, Lan};
pub use probe::{Patience, Protocol, Reached, Target, probe};
pub use rest::{Dice, Stop, joined, say};
pub use talk::Talk;
