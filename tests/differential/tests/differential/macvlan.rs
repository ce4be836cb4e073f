//! macvlan: every key that the reference's version knows.

use fairway_tests_differential::{Case, Ipam};

/// A master with somebody on its wire, and the default route by it.
const WIRE: &str = "ip link add up0 address 02:00:00:00:00:aa mtu 1480 type veth peer name far
    ip link set up0 addrgenmode none; ip link set far addrgenmode none
    ip link set up0 up; ip link set far up
    ip addr add 192.0.2.1/24 dev up0; ip route add default via 192.0.2.2";

fn macvlan(keys: &'static str) -> Case {
    Case::new("macvlan", keys).prepare(WIRE)
}

cases! {
    both_families: macvlan(r#"{"master": "up0"}"#).life();
    v4: macvlan(r#"{"master": "up0"}"#).ipam(Ipam::V4).one();
    v6: macvlan(r#"{"master": "up0"}"#).ipam(Ipam::V6).one();
    layer_two: macvlan(r#"{"master": "up0"}"#).ipam(Ipam::None).life();
    an_empty_ipam: macvlan(r#"{"master": "up0", "ipam": {}}"#).ipam(Ipam::None).one();
    the_default_routes_link: macvlan("{}").one();
    mode_bridge: macvlan(r#"{"master": "up0", "mode": "bridge"}"#).one();
    mode_private: macvlan(r#"{"master": "up0", "mode": "private"}"#).one();
    mode_vepa: macvlan(r#"{"master": "up0", "mode": "vepa"}"#).one();
    mode_passthru: macvlan(r#"{"master": "up0", "mode": "passthru"}"#).one();
    mtu: macvlan(r#"{"master": "up0", "mtu": 1400}"#).one();
    mtu_zero: macvlan(r#"{"master": "up0", "mtu": 0}"#).one();
    mac_by_the_runtime: macvlan(r#"{"master": "up0", "capabilities": {"mac": true},
            "runtimeConfig": {"mac": "c2:11:22:33:44:55"}}"#).ipam(Ipam::V4).one();
    mac_by_the_key: macvlan(r#"{"master": "up0", "mac": "c2:11:22:33:44:56"}"#).ipam(Ipam::V4).one();
    mac_by_the_environment: macvlan(r#"{"master": "up0"}"#).ipam(Ipam::None)
        .args("IgnoreUnknown=1;MAC=c2:11:22:33:44:57").one();
    keys_in_any_case: macvlan(r#"{"MASTER": "up0", "Mode": "private", "MTU": 1300}"#).one();
    dns: macvlan(r#"{"master": "up0", "dns": {"nameservers": ["10.1.1.1"], "search": ["a.b"]}}"#)
        .ipam(Ipam::V4).one();
    routes: macvlan(r#"{"master": "up0"}"#).ipam(Ipam::Json(
        r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "fd77::/64"}]],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.77.0.1"}, {"dst": "::/0", "gw": "fd77::1"},
                       {"dst": "10.99.0.0/16"}]}"#,
    )).life();
    static_addresses: macvlan(r#"{"master": "up0"}"#).ipam(Ipam::Json(
        r#"{"type": "static", "addresses": [{"address": "10.77.0.9/24", "gateway": "10.77.0.1"},
            {"address": "fd77::9/64", "gateway": "fd77::1"}], "routes": [{"dst": "0.0.0.0/0"}]}"#,
    )).one();
    a_name_of_the_hosts: Case::new("macvlan", r#"{"master": "eth0"}"#).prepare(
        "ip link add eth0 address 02:00:00:00:00:aa type veth peer name far
         ip link set eth0 up; ip link set far up",
    ).life();
    a_master_that_is_down: macvlan(r#"{"master": "up0"}"#).prepare(
        "ip link add up0 address 02:00:00:00:00:aa type veth peer name far",
    ).ipam(Ipam::V4).one();
    late: macvlan(r#"{"master": "up0"}"#).late();
    twice: macvlan(r#"{"master": "up0"}"#).twice();
    two_interfaces: macvlan(r#"{"master": "up0"}"#).two_interfaces();

    no_such_master: macvlan(r#"{"master": "up7"}"#).refused(7);
    no_default_route: Case::new("macvlan", "{}").refused(7);
    master_is_a_number: macvlan(r#"{"master": 7}"#).refused(7);
    no_such_mode: macvlan(r#"{"master": "up0", "mode": "bridged"}"#).refused(7);
    mtu_above_the_masters: macvlan(r#"{"master": "up0", "mtu": 1481}"#).refused(7);
    mtu_below_zero: macvlan(r#"{"master": "up0", "mtu": -1}"#).refused(7);
    mtu_is_text: macvlan(r#"{"master": "up0", "mtu": "1400"}"#).refused(7);
    mac_is_none: macvlan(r#"{"master": "up0", "runtimeConfig": {"mac": "c2:11"}}"#).refused(7);
    a_port_of_a_bridge: macvlan(r#"{"master": "up0"}"#).prepare(
        "ip link add up0 type veth peer name far; ip link add br0 type bridge; ip link set up0 master br0",
    ).refused(105);
    passthru_beside_others: macvlan(r#"{"master": "up0", "mode": "passthru"}"#).prepare(
        "ip link add up0 type veth peer name far; ip link add first link up0 type macvlan mode bridge",
    ).refused(105);
    beside_passthru: macvlan(r#"{"master": "up0"}"#).prepare(
        "ip link add up0 type veth peer name far; ip link add first link up0 type macvlan mode passthru",
    ).refused(105);
    the_loopback: macvlan(r#"{"master": "lo"}"#).refused(105);
}
