//! All that is tested in guests.

mod conformance;
mod ebpf;
mod links;
mod pages;
mod rates;
mod sctp;
mod sriov;
mod vlan;
mod vrf;

use crate::plan::Plan;

/// Each is a boot, and what takes longest goes first.
pub const PLANS: &[Plan] = &[
    links::PLAN,
    sriov::ROUNDS,
    sriov::PLAN,
    conformance::PLAN,
    vlan::PLAN,
    ebpf::STABLE,
    ebpf::BACKPORTS,
    vrf::PLAN,
    sctp::PLAN,
    rates::PLAN,
];
