//! The bridge plugin on bridges that filter VLANs (802.1q).

mod access;
mod bed;
mod check;
mod default_vlan;
mod differential;
mod existing;
mod gateway;
mod leftovers;
mod state;
mod trunk;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// Needs a kernel with 802.1q and VLAN filtering in the bridge.
pub(super) const PLAN: Plan = Plan {
    name: "vlan",
    guest: Guest::new,
    alone: false,
    limit: LIMIT,
    tests: guest_tests![
        access::pvid_untagged,
        access::edge_numbers,
        access::zero_is_none,
        access::only_the_same_vlan_talks,
        trunk::ids_and_ranges,
        trunk::native_vlan,
        trunk::native_vlan_within,
        trunk::whole_range,
        trunk::empty_trunk,
        trunk::only_trunk_vlans_pass,
        trunk::trunk_meets_access_port,
        default_vlan::kept_when_told,
        default_vlan::removed_when_told,
        default_vlan::holds_for_the_gateway,
        gateway::has_a_link_of_its_own,
        gateway::dual_stack,
        gateway::many_at_once,
        gateway::ipv6_only,
        gateway::routes_between_vlans,
        leftovers::del_leaves_nothing_of_the_container,
        leftovers::del_without_namespace,
        leftovers::gc_takes_what_is_gone,
        leftovers::add_fails_for_want_of_addresses,
        leftovers::add_fails_at_the_gateways_address,
        leftovers::add_fails_at_the_second_family,
        leftovers::add_fails_for_the_links_name,
        leftovers::add_refuses_wrong_numbers,
        existing::bridge_filters_from_now_on,
        existing::bridge_goes_on_filtering,
        check::passes_after_add,
        check::finds_a_missing_vlan,
        differential::vlan,
        differential::vlan_with_gateway,
        differential::vlan_without_ipam,
    ],
};
