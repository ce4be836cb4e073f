//! ptp: every key that the reference's version knows.

use fairway_tests_differential::{Case, Ipam};

fn ptp(keys: &'static str) -> Case {
    Case::new("ptp", keys)
}

cases! {
    both_families: ptp("{}").life();
    v4: ptp("{}").ipam(Ipam::V4).one();
    v6: ptp("{}").ipam(Ipam::V6).one();
    masquerade: ptp(r#"{"ipMasq": true}"#).life();
    mtu: ptp(r#"{"mtu": 1380}"#).one();
    dns: ptp(r#"{"dns": {"nameservers": ["10.1.1.1", "fd00::53"], "search": ["a.b"]}}"#)
        .ipam(Ipam::V4).one();
    routes: ptp("{}").ipam(Ipam::Json(
        r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "fd77::/64"}]],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.77.0.1"}, {"dst": "::/0", "gw": "fd77::1"},
                       {"dst": "10.99.0.0/16"}]}"#,
    )).life();
    two_subnets_of_a_family: ptp("{}").ipam(Ipam::Json(
        r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "10.78.0.0/24"}]]}"#,
    )).one();
    static_addresses: ptp("{}").ipam(Ipam::Json(
        r#"{"type": "static", "addresses": [{"address": "10.77.0.9/24", "gateway": "10.77.0.1"},
            {"address": "fd77::9/64", "gateway": "fd77::1"}]}"#,
    )).one();
    late: ptp(r#"{"ipMasq": true}"#).late();
    twice: ptp("{}").twice();
    two_interfaces: ptp("{}").two_interfaces();

    no_ipam: ptp("{}").ipam(Ipam::None).refused(7);
    mtu_is_text: ptp(r#"{"mtu": "1500"}"#).refused(7);
    masquerade_is_text: ptp(r#"{"ipMasq": 1}"#).refused(7);
}
