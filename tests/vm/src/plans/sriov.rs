//! The sriov plugin with a card that has virtual functions: QEMU's igb has seven of them. A second one is the outside,
//! on the same wire.

mod bed;
mod killed;
mod lost;
mod process;
mod refused;
mod restored;
mod rounds;
mod wire;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// The tests have one card between them: with one CPU they take turns.
fn guest() -> Guest {
    let mut arguments = Vec::new();
    for port in ["1", "2"] {
        arguments.extend([
            "-device".to_owned(),
            format!("pcie-root-port,id=port{port},chassis={port},slot={port}"),
            "-netdev".to_owned(),
            format!("hubport,id=wire{port},hubid=0"),
            "-device".to_owned(),
            format!("igb,bus=port{port},netdev=wire{port},mac=52:54:00:aa:00:0{port}"),
        ]);
    }
    Guest::new()
        .cpus(1)
        .qemu_arguments(arguments.iter().map(String::as_str))
        .modules(["igb", "igbvf"])
}

/// Needs a QEMU with the igb card and a kernel with its drivers.
pub(super) const PLAN: Plan = Plan {
    name: "sriov",
    guest,
    alone: false,
    limit: LIMIT,
    tests: guest_tests![
        wire::two_containers_and_the_outside,
        wire::a_vlan_that_the_container_does_not_see,
        restored::all_that_was_set,
        restored::with_an_address_of_its_own,
        restored::check_sees_a_change,
        lost::with_its_namespace,
        lost::a_late_del_is_harmless,
        process::has_a_function,
        refused::by_the_plugin,
        refused::by_the_driver,
        refused::who_has_it,
        rounds::no_function_is_lost,
        killed::each_step_of_add,
        killed::each_step_of_del,
    ],
};
