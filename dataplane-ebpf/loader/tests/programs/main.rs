//! The programs, run by the kernel on packets that are made up here (`BPF_PROG_TEST_RUN`): each verdict, each
//! reason to drop, and what is remembered of flows.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod bed;
mod conntrack;
mod cost;
mod deliver;
mod fragments;
mod frame;
mod hostile;
mod model;
mod nodes;
mod related;
mod spoof;
mod tell;
mod uplink;
mod verdict;
