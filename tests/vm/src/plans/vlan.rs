//! The bridge plugin on bridges that filter VLANs (802.1q).

mod access;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::Plan;

/// Needs a kernel with 802.1q and VLAN filtering in the bridge.
pub(super) const PLAN: Plan = Plan {
    name: "vlan",
    guest: Guest::new,
    tests: guest_tests![access::pvid_untagged],
};
