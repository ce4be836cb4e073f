//! The eBPF programs on older kernels than the build machine's: what their verifiers take, and that what is loaded
//! there does what it should, also with SCTP, which the build machine's kernel does not have. Nodes are daemons in
//! namespaces, on a real store.

mod bed;
mod nodes;
mod programs;
mod sctp;

use std::time::Duration;

use crate::guest::Guest;
use crate::guest_tests;
use crate::kernel::Series;
use crate::plan::{GuestTest, Plan};

/// The kernel reads all programs for each of the daemons, and again when one starts anew: that takes an emulated CPU
/// long, and a busy one longer.
const LIMIT: Duration = Duration::from_secs(600);

const TESTS: &[GuestTest] = guest_tests![
    programs::are_taken_by_the_verifier,
    nodes::are_connected_judged_and_limited,
];

/// The oldest kernel that is promised. It has no TCX, so that whatever would need that shows here.
pub(super) const STABLE: Plan = Plan {
    name: "ebpf-stable",
    guest: || guest(Series::Stable),
    alone: false,
    limit: LIMIT,
    tests: TESTS,
};

/// What lies between that and the build machine's.
pub(super) const BACKPORTS: Plan = Plan {
    name: "ebpf-backports",
    guest: || guest(Series::Backports),
    alone: false,
    limit: LIMIT,
    tests: TESTS,
};

fn guest(series: Series) -> Guest {
    Guest::new().kernel(series)
}
