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

use std::time::Duration;

use crate::guest::Guest;
use crate::guest_tests;
use crate::plan::{LIMIT, Plan};

/// The tests have one card between them: with one CPU they take turns. There is an IOMMU, which vfio-pci wants, and
/// which must be there before the cards are; the host's own drivers pass it by.
fn guest() -> Guest {
    let iommu = Guest::new().qemu_arguments(["-device", "intel-iommu,intremap=off"]);
    card(iommu.kernel_arguments("intel_iommu=on iommu=pt"))
}

fn card(guest: Guest) -> Guest {
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
    let guest = guest.qemu_arguments(arguments.iter().map(String::as_str));
    guest.cpus(1).modules(["igb", "igbvf"])
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
        process::has_a_function_by_vfio,
        process::has_a_function_by_uio,
        refused::by_the_plugin,
        refused::by_the_driver,
        refused::who_has_it,
        killed::each_step_of_add,
        killed::each_step_of_del,
    ],
};

/// Beside the others, on a card of its own: seven hundred ADDs and DELs take their time, most of which the drivers
/// sleep away while they reset a function.
pub(super) const ROUNDS: Plan = Plan {
    name: "sriov-rounds",
    guest: || card(Guest::new()),
    alone: false,
    limit: Duration::from_secs(600),
    tests: guest_tests![rounds::no_function_is_lost],
};
