//! The vrf plugin: the build machine's kernel has no VRFs.

mod bed;
mod differential;
mod life;

use super::pages;
use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// Needs a kernel with VRFs.
pub(super) const PLAN: Plan = Plan {
    name: "vrf",
    guest: Guest::new,
    alone: false,
    limit: LIMIT,
    tests: guest_tests![
        life::nothing_is_lost_on_the_way,
        life::the_first_makes_it_and_the_last_takes_it,
        life::tables,
        life::what_is_in_the_way_is_told,
        life::check_finds_what_was_bent,
        differential::the_same_links_and_routes,
        differential::either_removes_what_the_other_made,
        pages::vrf,
    ],
};
