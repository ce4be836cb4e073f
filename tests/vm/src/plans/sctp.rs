//! SCTP with packets: the build machine's kernel has none. What policies make of it is tested on the nodes of `ebpf`.

mod portmap;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// Needs a kernel with SCTP, and its part in netfilter.
pub(super) const PLAN: Plan = Plan {
    name: "sctp",
    guest: Guest::new,
    alone: false,
    limit: LIMIT,
    tests: guest_tests![
        portmap::everybody_reaches_the_container,
        portmap::the_next_container_gets_who_had_the_former,
    ],
};
