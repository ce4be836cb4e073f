//! bridge: every key that the reference's version knows.

use fairway_tests_differential::{Case, Ipam};

fn bridge(keys: &'static str) -> Case {
    Case::new("bridge", keys)
}

cases! {
    nothing_but_addresses: bridge("{}").life();
    layer_two: bridge("{}").ipam(Ipam::None).life();
    another_name: bridge(r#"{"bridge": "br0", "isGateway": true}"#).ipam(Ipam::V4).one();
    gateway: bridge(r#"{"isGateway": true}"#).life();
    gateway_v4: bridge(r#"{"isGateway": true}"#).ipam(Ipam::V4).one();
    gateway_v6: bridge(r#"{"isGateway": true}"#).ipam(Ipam::V6).one();
    default_gateway: bridge(r#"{"isDefaultGateway": true}"#).life();
    default_gateway_v6: bridge(r#"{"isDefaultGateway": true}"#).ipam(Ipam::V6).one();
    default_gateway_beside_a_route: bridge(r#"{"isDefaultGateway": true}"#).ipam(Ipam::Json(
        r#"{"type": "host-local", "subnet": "10.77.0.0/24",
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.77.0.9"}, {"dst": "192.168.5.0/24"}]}"#,
    )).life();
    default_gateway_twice: bridge(r#"{"isDefaultGateway": true}"#).ipam(Ipam::Json(
        r#"{"type": "host-local", "subnet": "10.77.0.0/24",
            "routes": [{"dst": "0.0.0.0/0"}]}"#,
    )).refused(104);
    routes: bridge(r#"{"isGateway": true}"#).ipam(Ipam::Json(
        r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "fd77::/64"}]],
            "routes": [{"dst": "10.99.0.0/16"}, {"dst": "10.98.0.0/16", "gw": "10.77.0.5"},
                       {"dst": "fd99::/48"}, {"dst": "::/0", "gw": "fd77::5"}]}"#,
    )).life();
    masquerade: bridge(r#"{"isGateway": true, "ipMasq": true}"#).life();
    masquerade_v4: bridge(r#"{"isGateway": true, "ipMasq": true}"#).ipam(Ipam::V4).one();
    masquerade_v6: bridge(r#"{"isGateway": true, "ipMasq": true}"#).ipam(Ipam::V6).one();
    masquerade_without_gateway: bridge(r#"{"ipMasq": true}"#).life();
    mtu: bridge(r#"{"isGateway": true, "mtu": 1400}"#).life();
    mtu_of_an_older_bridge: bridge(r#"{"isGateway": true, "mtu": 1400}"#)
        .prepare("ip link add cni0 address 02:00:00:00:00:77 type bridge").one();
    hairpin: bridge(r#"{"isGateway": true, "hairpinMode": true}"#).life();
    promiscuous: bridge(r#"{"isGateway": true, "promiscMode": true}"#).life();
    mac_spoof_check: bridge(r#"{"isGateway": true, "macspoofchk": true}"#).life();
    duplicate_address_detection: bridge(r#"{"isGateway": true, "enabledad": true}"#).life();
    force_address: bridge(r#"{"isGateway": true, "forceAddress": true}"#).prepare(
        "ip link add cni0 type bridge; ip link set cni0 up; ip addr add 10.66.0.1/24 dev cni0
         ip addr add fd77::99/64 dev cni0; ip addr add fd66::1/64 dev cni0",
    ).life();
    address_is_there: bridge(r#"{"isGateway": true}"#).ipam(Ipam::V4).prepare(
        "ip link add cni0 address 02:00:00:00:00:77 type bridge; ip link set cni0 up
         ip addr add 10.77.0.1/24 dev cni0",
    ).one();
    no_force_address_v4: bridge(r#"{"isGateway": true}"#).prepare(
        "ip link add cni0 type bridge; ip link set cni0 up; ip addr add 10.66.0.1/24 dev cni0",
    ).refused(105);
    no_force_address_v6: bridge(r#"{"isGateway": true}"#).ipam(Ipam::V6).prepare(
        "ip link add cni0 type bridge; ip link set cni0 up; ip addr add fd77::99/60 dev cni0",
    ).refused(105);
    dns: bridge(r#"{"dns": {"nameservers": ["10.1.1.1"], "domain": "a.b", "search": ["c"],
        "options": ["ndots:5"]}}"#).ipam(Ipam::V4).one();

    mac_by_args: bridge(r#"{"isGateway": true}"#).args("IgnoreUnknown=1;MAC=c2:11:22:33:44:55").one();
    mac_by_config: bridge(r#"{"isGateway": true, "args": {"cni": {"mac": "c2:11:22:33:44:66"}}}"#)
        .args("IgnoreUnknown=1;MAC=c2:11:22:33:44:55").one();
    mac_by_runtime: bridge(r#"{"isGateway": true, "runtimeConfig": {"mac": "c2:11:22:33:44:77"},
        "args": {"cni": {"mac": "c2:11:22:33:44:66"}}}"#).args("IgnoreUnknown=1;MAC=c2:11:22:33:44:55").one();
    mac_spoof_check_of_a_chosen_mac: bridge(r#"{"macspoofchk": true, "isGateway": true,
        "runtimeConfig": {"mac": "c2:11:22:33:44:77"}}"#).one();
    keys_in_any_case: bridge(r#"{"ISGATEWAY": true, "isgateway": true, "HairpinMode": true, "MTU": 1300}"#)
        .one();
    unknown_keys: bridge(r#"{"isGateway": true, "colour": "red", "capabilities": {"mac": true}}"#).one();
    old_and_late: bridge(r#"{"isGateway": true, "ipMasq": true}"#).late();
    twice: bridge(r#"{"isGateway": true, "ipMasq": true}"#).twice();
    two_interfaces: bridge(r#"{"isGateway": true}"#).two_interfaces();

    vlan_without_kernel_support: vlan();
    vlan_out_of_range: bridge(r#"{"vlan": 5000}"#).refused(7);
    hairpin_and_promiscuous: bridge(r#"{"hairpinMode": true, "promiscMode": true}"#).refused(7);
    mtu_is_text: bridge(r#"{"mtu": "1500"}"#).refused(7);
    gateway_is_text: bridge(r#"{"isGateway": "yes"}"#).refused(7);
    mac_is_none: bridge(r#"{"runtimeConfig": {"mac": "no"}}"#).refused(7);
    name_is_taken_by_another_kind: bridge("{}")
        .prepare("ip link add cni0 type veth peer name x").refused(105);
    no_such_ipam: bridge("{}").ipam(Ipam::Json(r#"{"type": "nosuch"}"#)).refused(107);
    pool_is_full: bridge("{}").ipam(Ipam::Json(
        r#"{"type": "host-local", "subnet": "10.77.0.0/24", "rangeStart": "10.77.0.5",
            "rangeEnd": "10.77.0.5"}"#,
    )).prepare("mkdir $DATA/net; printf 'x\r\neth0' >$DATA/net/10.77.0.5").refused(101);
}

/// Where the kernel can sort by VLAN, the suite `vm` compares what comes of it.
fn vlan() -> fairway_lab::Result {
    let probe = fairway_lab::Ns::new("probe")?;
    let sorts = probe.run("ip link add name b type bridge vlan_filtering 1");
    match sorts {
        Ok(_) => Ok(()),
        Err(_) => bridge(r#"{"vlan": 100}"#).ipam(Ipam::V4).refused(104),
    }
}
