//! The same calls through our plugin and through the reference's, as the differential suite has it: one container
//! each, since an emulated CPU takes half a minute for that.

use anyhow::Result;
use fairway_tests_differential::{Case, Ipam};

const WIRE: &str = "ip link add up0 address 02:00:00:00:00:aa mtu 1480 type veth peer name far
    ip link set up0 addrgenmode none; ip link set far addrgenmode none
    ip link set up0 up; ip link set far up";

fn case(kind: &str, keys: &'static str) -> Case {
    Case::new(kind, keys).prepare(WIRE)
}

/// One VLAN is one link, so one container has it.
pub(super) fn vlan() -> Result<()> {
    Ok(case("vlan", r#"{"master": "up0", "vlanId": 100}"#).one()?)
}

/// And a result that says more.
pub(super) fn vlan_with_mtu() -> Result<()> {
    let keys =
        r#"{"master": "up0", "vlanId": 4094, "mtu": 1400, "dns": {"nameservers": ["10.1.1.1"]}}"#;
    Ok(case("vlan", keys).ipam(Ipam::V4).one()?)
}

/// Without the namespace.
pub(super) fn vlan_late() -> Result<()> {
    Ok(case("vlan", r#"{"master": "up0", "vlanId": 100}"#).late()?)
}

/// A master that is not there: both refuse.
pub(super) fn vlan_of_a_master_that_is_gone() -> Result<()> {
    Ok(case("vlan", r#"{"master": "up7", "vlanId": 100}"#).refused(7)?)
}

/// The default mode.
pub(super) fn ipvlan_l2() -> Result<()> {
    Ok(case("ipvlan", r#"{"master": "up0", "mtu": 1400}"#).one()?)
}

/// Layer 3.
pub(super) fn ipvlan_l3() -> Result<()> {
    Ok(case("ipvlan", r#"{"master": "up0", "mode": "l3"}"#).one()?)
}

/// Layer 3 with netfilter.
pub(super) fn ipvlan_l3s() -> Result<()> {
    Ok(case("ipvlan", r#"{"master": "up0", "mode": "l3s"}"#).one()?)
}

/// Without the namespace.
pub(super) fn ipvlan_late() -> Result<()> {
    Ok(case("ipvlan", r#"{"master": "up0"}"#).late()?)
}

/// Where the kernel needs to be asked in another way.
pub(super) fn macvlan_with_a_name_of_the_hosts() -> Result<()> {
    let case = Case::new("macvlan", r#"{"master": "eth0"}"#).prepare(
        "ip link add eth0 address 02:00:00:00:00:aa type veth peer name far
         ip link set eth0 addrgenmode none; ip link set far addrgenmode none
         ip link set eth0 up; ip link set far up",
    );
    Ok(case.one()?)
}

/// What is wrong by itself.
pub(super) fn refused() -> Result<()> {
    for (kind, keys) in [
        ("vlan", r#"{"master": "up0", "vlanId": 4095}"#),
        ("vlan", r#"{"master": "up0", "vlanId": 1, "mtu": 1481}"#),
        ("ipvlan", r#"{"master": "up0", "mode": "l4"}"#),
        ("ipvlan", r#"{"master": "up7"}"#),
    ] {
        case(kind, keys).refused(7)?;
    }
    Ok(())
}
