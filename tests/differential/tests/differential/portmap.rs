//! portmap: the same rules, for each key. (CHECK of Debian's 1.1.1 looks for rules of IPv4 in IPv6's table, and fails.)

use crate::chained::{case, life, refused};

const OLD: &[&str] = &["0.3.0", "0.4.0", "1.0.0"];
const NEW: &[&str] = &["1.0.0"];

macro_rules! ports {
    ($keys:literal) => {
        concat!(
            r#"{"runtimeConfig": {"portMappings": [
                {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
                {"hostPort": 8053, "containerPort": 53, "protocol": "udp"}]}"#,
            $keys,
            "}"
        )
    };
    ([$list:literal]) => {
        concat!(r#"{"runtimeConfig": {"portMappings": ["#, $list, "]}}")
    };
}

cases! {
    tcp_and_udp: life(case("portmap", ports!("")), OLD, false);
    without_snat: life(case("portmap", ports!(r#", "snat": false"#)), NEW, false);
    another_bit: life(case("portmap", ports!(r#", "markMasqBit": 31"#)), NEW, false);
    anothers_chain: life(
        case("portmap", ports!(r#", "externalSetMarkChain": "KUBE-MARK-MASQ""#))
            .prepare("iptables -t nat -N KUBE-MARK-MASQ; ip6tables -t nat -N KUBE-MARK-MASQ"),
        NEW,
        false,
    );
    conditions: life(
        case("portmap", ports!(
            r#", "conditionsV4": ["!", "-d", "192.0.2.0/24"], "conditionsV6": ["!", "-s", "fd00::/8"]"#
        )),
        NEW,
        false,
    );
    conditions_for_iptables_to_read: life(
        case("portmap", ports!(r#", "conditionsV4": ["-m", "mark", "!", "--mark", "0x7"]"#)),
        NEW,
        false,
    );
    sctp: life(
        case("portmap", ports!([r#"{"hostPort": 9000, "containerPort": 90, "protocol": "sctp"}"#])),
        NEW,
        false,
    );
    addresses_of_the_host: life(
        case("portmap", ports!([
            r#"{"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "10.77.0.1"},
               {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "fd77::1"},
               {"hostPort": 8081, "containerPort": 81, "protocol": "tcp", "hostIP": "0.0.0.0"},
               {"hostPort": 8081, "containerPort": 81, "protocol": "tcp", "hostIP": "::"}"#
        ])),
        NEW,
        false,
    );
    nothing: life(case("portmap", "{}"), OLD, true);
    in_other_case: life(case("portmap", ports!(r#", "SNAT": false"#)), NEW, false);

    no_host_port: refused(case("portmap", ports!([r#"{"containerPort": 80, "protocol": "tcp"}"#])), 7);
    no_container_port: refused(case("portmap", ports!([r#"{"hostPort": 80, "protocol": "tcp"}"#])), 7);
    negative: refused(
        case("portmap", ports!([r#"{"hostPort": -1, "containerPort": 80, "protocol": "tcp"}"#])), 7,
    );
    no_such_protocol: refused(
        case("portmap", ports!([r#"{"hostPort": 1, "containerPort": 80, "protocol": "nope"}"#])), 7,
    );
    no_address: refused(
        case("portmap", ports!([r#"{"hostPort": 1, "containerPort": 80, "protocol": "tcp", "hostIP": 7}"#])), 7,
    );
    no_such_bit: refused(case("portmap", ports!(r#", "markMasqBit": 32"#)), 7);
    bit_and_chain: refused(
        case("portmap", ports!(r#", "markMasqBit": 3, "externalSetMarkChain": "X""#)), 7,
    );
    no_such_chain: refused(case("portmap", ports!(r#", "externalSetMarkChain": "X""#)), 7);
    wrong_type: refused(case("portmap", ports!(r#", "snat": "no""#)), 7);
}
