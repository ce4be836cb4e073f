//! static by itself: results in every version.

use fairway_tests_differential::{Case, Ipam};

fn fixed(ipam: &'static str) -> Case {
    Case::ipam_plugin("static", "{}", ipam)
}

fn with(keys: &'static str, ipam: &'static str) -> Case {
    Case::ipam_plugin("static", keys, ipam)
}

const ONE: &str = r#"{"type": "static", "addresses": [{"address": "10.77.0.9/24"}]}"#;

cases! {
    one_address: fixed(ONE).life();
    with_gateways: fixed(r#"{"type": "static", "addresses": [
        {"address": "10.77.0.9/24", "gateway": "10.77.0.1"},
        {"address": "fd77::9/64", "gateway": "fd77::1"}]}"#).life();
    two_of_a_family: fixed(r#"{"type": "static", "addresses": [
        {"address": "10.77.0.9/24"}, {"address": "10.78.0.9/24"}]}"#).one();
    routes_and_dns: fixed(r#"{"type": "static", "addresses": [{"address": "10.77.0.9/24"}],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "10.99.1.7/16", "gw": "10.77.0.5"}],
        "dns": {"nameservers": ["10.1.1.1"], "domain": "a.b", "search": ["c"],
                "options": ["ndots:5"]}}"#).life();
    no_address: fixed(r#"{"type": "static"}"#).one();
    args_add: fixed(ONE).args("IP=10.78.0.50/24,fd78::50/64;GATEWAY=10.78.0.1").one();
    args_gateway_of_own: fixed(ONE).args("GATEWAY=10.77.0.1").one();
    args_alone: fixed(r#"{"type": "static"}"#).args("IP=10.78.0.50/24;GATEWAY=10.78.0.1").life();
    config_replaces: with(r#"{"args": {"cni": {"ips": ["10.79.0.60/24", "fd79::60/64"]}}}"#, ONE).one();
    runtime_replaces: with(r#"{"runtimeConfig": {"ips": ["10.80.0.70/24"]},
        "args": {"cni": {"ips": ["10.79.0.60/24"]}}}"#, ONE).args("IP=10.78.0.50/24").one();
    late: fixed(ONE).late();
    twice: fixed(ONE).twice();

    no_prefix: fixed(r#"{"type": "static", "addresses": [{"address": "10.77.0.9"}]}"#).refused(7);
    no_prefix_by_args: fixed(ONE).args("IP=10.77.0.9").refused(7);
    no_prefix_by_runtime: with(r#"{"runtimeConfig": {"ips": ["10.80.0.70"]}}"#, ONE).refused(7);
    gateway_is_none: fixed(r#"{"type": "static", "addresses": [{"address": "10.77.0.9/24",
        "gateway": "x"}]}"#).refused(7);
    no_ipam: Case::new("static", "{}").ipam(Ipam::None).refused(7);
    two_of_a_family_in_an_old_version: with(r#"{"cniVersion": "0.2.0"}"#, r#"{"type": "static",
        "addresses": [{"address": "10.77.0.9/24"}, {"address": "10.78.0.9/24"}]}"#).refused(7);
}
