//! Limits by departure times, on a kernel that has the queue for them (fq): the program by itself, and the daemon
//! with it.

mod bed;
mod changed;
mod departures;
mod kept;
mod node;
mod restarted;
mod shared;
mod tries;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// Needs a kernel with fq and BBR.
pub(super) const PLAN: Plan = Plan {
    name: "rates",
    guest,
    alone: true,
    limit: LIMIT,
    tests: guest_tests![
        departures::what_a_container_sends,
        departures::what_a_container_gets,
        kept::by_departures,
        changed::under_load,
        changed::lifted_under_load,
        shared::by_a_namespace,
        restarted::under_load,
        restarted::nothing_is_left,
    ],
};

fn guest() -> Guest {
    Guest::new().modules(["sch_fq", "tcp_bbr"])
}
