//! tuning: each key, and what is put back.

use crate::chained::{case, life, refused};

const OLD: &[&str] = &["0.3.0", "0.3.1", "0.4.0", "1.0.0"];

cases! {
    hardware_address: life(case("tuning", r#"{"mac": "02:11:22:33:44:55", "dataDir": "$DATA"}"#), OLD, true);
    by_the_runtime: life(
        case("tuning", r#"{"runtimeConfig": {"mac": "02:11:22:33:44:55"}, "dataDir": "$DATA"}"#), OLD, true,
    );
    by_cni_args: life(
        case("tuning", r#"{"mac": "02:00:00:00:00:07", "dataDir": "$DATA"}"#).args("MAC=02:11:22:33:44:55"),
        OLD, true,
    );
    by_args: life(
        case("tuning", r#"{"sysctl": {}, "args": {"cni": {"mac": "02:11:22:33:44:55", "mtu": 1300, "promisc": true,
            "sysctl": {"net.core.somaxconn": "500"}}}, "dataDir": "$DATA"}"#),
        OLD, true,
    );
    mtu: life(case("tuning", r#"{"mtu": 1400, "dataDir": "$DATA"}"#), OLD, true);
    promiscuous: life(case("tuning", r#"{"promisc": true, "dataDir": "$DATA"}"#), OLD, true);
    all_groups: life(case("tuning", r#"{"allmulti": true, "dataDir": "$DATA"}"#), OLD, true);
    settings: life(
        case("tuning", r#"{"sysctl": {"net.core.somaxconn": "500", "net/ipv4/conf/IFNAME/arp_filter": "1",
            "net.ipv6.conf.IFNAME.accept_ra": "0"}}"#),
        OLD, true,
    );
    nothing: life(case("tuning", "{}"), OLD, true);

    no_network_setting: refused(case("tuning", r#"{"sysctl": {"kernel.shmmax": "1"}}"#), 7);
    climbing_out: refused(case("tuning", r#"{"sysctl": {"net/../kernel/shmmax": "1"}}"#), 7);
    no_such_setting: refused(case("tuning", r#"{"sysctl": {"net.nothing": "1"}}"#), 7);
    no_such_value: refused(case("tuning", r#"{"sysctl": {"net.ipv4.ip_forward": "x"}}"#), 7);
    no_hardware_address: refused(case("tuning", r#"{"mac": "here", "dataDir": "$DATA"}"#), 7);
    mtu_too_small: refused(case("tuning", r#"{"mtu": 5, "dataDir": "$DATA"}"#), 7);
    wrong_type: refused(case("tuning", r#"{"mtu": "1400"}"#), 7);
}
