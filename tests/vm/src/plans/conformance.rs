//! `netctl conformance` on our plugins whose links the build machine's kernel does not have.

mod ours;

use std::time::Duration;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::Plan;

/// The whole node is looked at again and again, by many programs each time.
const LIMIT: Duration = Duration::from_secs(600);

/// Needs a kernel with ipvlan, 802.1q, dummy and VRFs. Not `sriov`: its functions belong to a card, which cannot be on
/// the node that the suite makes for itself.
pub(super) const PLAN: Plan = Plan {
    name: "conformance",
    guest: Guest::new,
    alone: false,
    limit: LIMIT,
    tests: guest_tests![ours::ipvlan, ours::vlan, ours::dummy, ours::vrf],
};
