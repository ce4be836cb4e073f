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

/// Each is a boot.
pub const PLANS: &[Plan] = &[
    vlan::PLAN,
    links::PLAN,
    vrf::PLAN,
    sctp::PLAN,
    conformance::PLAN,
    sriov::PLAN,
    sriov::ROUNDS,
    ebpf::STABLE,
    ebpf::BACKPORTS,
    rates::PLAN,
];
