//! The plugins whose attachments are one link, as far as the build machine's kernel has none of them: ipvlan, vlan,
//! dummy, and a card for host-device. And what older kernels do differently with macvlan.

mod bed;
mod card;
mod differential;
mod dummy;
mod ipvlan;
mod macvlan;
mod vlan;

use super::pages;
use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// With a network card that is connected to nothing.
fn guest() -> Guest {
    Guest::new()
        .qemu_arguments(["-device", "e1000"])
        .modules(["e1000"])
}

/// Needs a kernel with ipvlan, 802.1q, dummy, macvlan and tap.
pub(super) const PLAN: Plan = Plan {
    name: "links",
    guest,
    alone: false,
    limit: LIMIT,
    tests: guest_tests![
        vlan::tagged_on_the_wire,
        vlan::in_a_container,
        vlan::a_vlan_is_taken,
        vlan::a_master_that_is_down,
        ipvlan::modes,
        ipvlan::mixed_modes,
        ipvlan::in_a_container,
        ipvlan::beside_macvlan,
        ipvlan::behind_another_plugin,
        dummy::comes_and_goes,
        macvlan::with_a_name_of_the_hosts,
        macvlan::announces_itself,
        differential::vlan,
        differential::vlan_with_mtu,
        differential::vlan_late,
        differential::vlan_of_a_master_that_is_gone,
        differential::ipvlan_l2,
        differential::ipvlan_l3,
        differential::ipvlan_l3s,
        differential::ipvlan_late,
        differential::macvlan_with_a_name_of_the_hosts,
        differential::refused,
        card::goes_and_comes_back,
        pages::dummy,
        pages::ipvlan,
        pages::vlan,
    ],
};
