//! host-device: every key that the reference's version knows and that a link without hardware can be named by.

use fairway_tests_differential::{Case, Ipam};

const DEVICE: &str = "ip link add up0 address 02:00:00:00:00:aa mtu 1450 type veth peer name far
    ip link set up0 addrgenmode none; ip link set far addrgenmode none; ip link set far up";

fn host_device(keys: &'static str) -> Case {
    Case::new("host-device", keys).prepare(DEVICE)
}

cases! {
    both_families: host_device(r#"{"device": "up0"}"#).one();
    v4: host_device(r#"{"device": "up0"}"#).ipam(Ipam::V4).one();
    layer_two: host_device(r#"{"device": "up0"}"#).ipam(Ipam::None).one();
    by_hardware_address: host_device(r#"{"hwaddr": "02:00:00:00:00:AA"}"#).one();
    keys_in_any_case: host_device(r#"{"DEVICE": "up0"}"#).one();
    dns: host_device(r#"{"device": "up0", "dns": {"nameservers": ["10.1.1.1"]}}"#).ipam(Ipam::V4).one();
    routes: host_device(r#"{"device": "up0"}"#).ipam(Ipam::Json(
        r#"{"type": "static", "addresses": [{"address": "10.77.0.9/24", "gateway": "10.77.0.1"},
            {"address": "fd77::9/64", "gateway": "fd77::1"}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.77.0.1"}, {"dst": "::/0", "gw": "fd77::1"}]}"#,
    )).one();

    no_such_device: host_device(r#"{"device": "up7"}"#).refused(7);
    no_such_hardware_address: host_device(r#"{"hwaddr": "02:00:00:00:00:ab"}"#).refused(7);
    hardware_address_is_none: host_device(r#"{"hwaddr": "02:00"}"#).refused(7);
    no_device: host_device("{}").refused(7);
    device_is_a_number: host_device(r#"{"device": 7}"#).refused(7);
    a_path_elsewhere: host_device(r#"{"kernelpath": "/sys/class/net/up0"}"#).refused(7);
    no_such_path: host_device(r#"{"kernelpath": "/sys/devices/nothing"}"#).refused(7);
    no_such_pci_device: host_device(r#"{"pciBusID": "0000:ff:1f.7"}"#).refused(7);
    no_such_id: host_device(r#"{"runtimeConfig": {"deviceID": "0000:ff:1f.7"}}"#).refused(7);
}
