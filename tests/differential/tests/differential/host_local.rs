//! host-local by itself: results in every version, and the files.

use fairway_tests_differential::{Case, Pair};

fn host_local(ipam: &'static str) -> Case {
    Case::ipam_plugin("host-local", "{}", ipam)
}

fn with(keys: &'static str, ipam: &'static str) -> Case {
    Case::ipam_plugin("host-local", keys, ipam)
}

const V4: &str = r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}]]}"#;
const DUAL: &str = r#"{"type": "host-local",
    "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "fd77::/64"}]]}"#;

cases! {
    v4: host_local(V4).life();
    dual: host_local(DUAL).life();
    flat: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24", "rangeStart": "10.77.0.20",
        "rangeEnd": "10.77.0.30", "gateway": "10.77.0.254"}"#).life();
    flat_and_ranges: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24",
        "ranges": [[{"subnet": "fd77::/64", "rangeStart": "fd77::100", "rangeEnd": "fd77::1ff"}]]}"#)
        .life();
    two_ranges_in_a_set: host_local(r#"{"type": "host-local", "ranges": [[
        {"subnet": "10.77.0.0/24", "rangeStart": "10.77.0.9", "rangeEnd": "10.77.0.9"},
        {"subnet": "10.78.0.0/24", "gateway": "10.78.0.77"}]]}"#).life();
    three_sets: host_local(r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}],
        [{"subnet": "10.78.0.0/28"}], [{"subnet": "fd77::/124"}]]}"#).life();
    smallest_subnet: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/30"}"#).one();
    routes: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24", "routes": [
        {"dst": "0.0.0.0/0"}, {"dst": "10.99.1.7/16", "gw": "10.77.0.5"}, {"dst": "fd99::/48"}]}"#)
        .life();
    resolv_conf: resolv().life();
    runtime_ranges: with(r#"{"runtimeConfig": {"ipRanges": [[{"subnet": "10.79.0.0/24"}]]}}"#,
        r#"{"type": "host-local"}"#).life();
    runtime_ranges_and_own: with(r#"{"runtimeConfig": {"ipRanges": [[{"subnet": "fd79::/64"}]]}}"#, V4)
        .life();

    ip_by_args: host_local(V4).args("IP=10.77.0.50").one();
    ip_by_args_v6: host_local(DUAL).args("IP=fd77::50").one();
    ip_by_args_with_others: host_local(V4)
        .args("IgnoreUnknown=1;K8S_POD_NAME=p;IP=10.77.0.50").one();
    ip_by_config: with(r#"{"args": {"cni": {"ips": ["10.77.0.60", "fd77::60"]}}}"#, DUAL).one();
    ip_by_runtime: with(r#"{"runtimeConfig": {"ips": ["10.77.0.70", "fd77::70/64"]}}"#, DUAL).one();
    ip_of_each_place: with(r#"{"runtimeConfig": {"ips": ["fd77::70"]}}"#, DUAL)
        .args("IP=10.77.0.50").one();
    addresses_go_round: round_robin();
    order_goes_on_where_it_was: host_local(V4).prepare(
        "install -d $DATA/net; printf 10.77.0.200 >$DATA/net/last_reserved_ip.0; \
         chmod 600 $DATA/net/last_reserved_ip.0",
    ).life();
    order_wraps: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/29"}"#).prepare(
        "install -d $DATA/net; printf 10.77.0.6 >$DATA/net/last_reserved_ip.0; \
         chmod 600 $DATA/net/last_reserved_ip.0",
    ).life();
    files_of_old_form: old_form();
    two_interfaces: host_local(DUAL).two_interfaces();
    twice: host_local(DUAL).twice();
    late: host_local(DUAL).late();

    full: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24", "rangeStart": "10.77.0.5",
        "rangeEnd": "10.77.0.5"}"#)
        .prepare("mkdir $DATA/net; printf 'x\r\neth0' >$DATA/net/10.77.0.5").refused(101);
    second_set_full: host_local(r#"{"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}],
        [{"subnet": "10.78.0.0/24", "rangeStart": "10.78.0.5", "rangeEnd": "10.78.0.5"}]]}"#)
        .prepare("mkdir $DATA/net; printf 'x\r\neth0' >$DATA/net/10.78.0.5").refused(101);
    asked_for_and_taken: host_local(V4).args("IP=10.77.0.50")
        .prepare("mkdir $DATA/net; printf 'x\r\neth0' >$DATA/net/10.77.0.50").refused(102);
    asked_for_the_gateway: host_local(V4).args("IP=10.77.0.1").refused(102);
    asked_for_outside: host_local(V4).args("IP=10.99.0.1").refused(102);
    asked_for_no_address: host_local(V4).args("IP=10.77.0.300").refused(7);
    unknown_args: host_local(V4).args("COLOUR=red").refused(4);
    no_ranges: host_local(r#"{"type": "host-local"}"#).refused(7);
    no_ipam: Case::new("host-local", "{}").ipam(fairway_tests_differential::Ipam::None).refused(7);
    subnet_is_no_subnet: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0"}"#).refused(7);
    subnet_too_small: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/31"}"#).refused(7);
    start_outside: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24",
        "rangeStart": "10.78.0.1"}"#).refused(7);
    families_mixed_in_a_set: host_local(r#"{"type": "host-local",
        "ranges": [[{"subnet": "10.77.0.0/24"}, {"subnet": "fd77::/64"}]]}"#).refused(7);
    sets_overlap: host_local(r#"{"type": "host-local",
        "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "10.77.0.0/16"}]]}"#).refused(7);
    two_of_a_family_in_an_old_version: with(r#"{"cniVersion": "0.2.0"}"#, r#"{"type": "host-local",
        "ranges": [[{"subnet": "10.77.0.0/24"}], [{"subnet": "10.78.0.0/24"}]]}"#).refused(7);
    route_is_none: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24",
        "routes": [{"dst": "x"}]}"#).refused(7);
    resolv_conf_is_missing: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24",
        "resolvConf": "/nonexistent"}"#).refused(5);
    data_folder_is_a_file: host_local(r#"{"type": "host-local", "subnet": "10.77.0.0/24",
        "dataDir": "/proc/version"}"#).refused(5);
}

fn resolv() -> Case {
    host_local(
        r#"{"type": "host-local", "subnet": "10.77.0.0/24", "resolvConf": "$DATA/resolv.conf"}"#,
    )
    .prepare(
        "printf '# c\nnameserver 10.1.1.1\n nameserver fd00::53 \ndomain a.b\n\
         search c.d e.f\noptions ndots:5 rotate\nsortlist 1\n' >$DATA/resolv.conf; \
         chmod 600 $DATA/resolv.conf",
    )
}

/// An address is not given out again at once.
fn round_robin() -> fairway_lab::Result {
    let mut pair = Pair::new(host_local(
        r#"{"type": "host-local", "subnet": "10.77.0.0/29", "rangeStart": "10.77.0.3"}"#,
    ))?;
    for _ in 0..3 {
        pair.add("c1")?;
        pair.add("c2")?;
        pair.del("c1")?;
        pair.files()?;
        pair.del("c2")?;
    }
    for id in ["c1", "c2", "c3", "c4", "c5"] {
        pair.add(id)?;
    }
    pair.files()?;
    pair.finish()
}

/// Before 0.8 the reference wrote no interface into its files.
fn old_form() -> fairway_lab::Result {
    let mut pair = Pair::new(host_local(V4))?;
    pair.sh(
        "install -d $DATA/net; umask 077; printf c1 >$DATA/net/10.77.0.9
             printf 'c2\r\neth0' >$DATA/net/10.77.0.2; printf 'c2\r\neth1' >$DATA/net/10.77.0.3",
    )?;
    pair.check("c1")?;
    pair.check("c2")?;
    pair.del("c1")?;
    pair.files()?;
    pair.del("c2")?;
    pair.files()?;
    pair.finish()
}
