//! Keys, good and bad.

use super::*;
use crate::asked::{Ports, addresses};
use fairway_netfilter::ports::{Asked, Protocol};
use serde_json::{Value, json};

fn conf(extra: Value) -> NetConf {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "portmap"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    NetConf::from_json(conf).unwrap()
}

fn refused(extra: Value) -> String {
    let conf = conf(extra);
    let parsed =
        Conf::parse(&conf).and_then(|parsed| Ports::parse(&conf, parsed.range.is_some()).map(drop));
    parsed.unwrap_err().to_string()
}

fn mapping(mapping: Value) -> Value {
    json!({"runtimeConfig": {"portMappings": [mapping]}})
}

#[test]
fn what_is_wrong_is_named() {
    for (extra, wanted) in [
        (
            json!({"backend": "ebpf"}),
            "backend: \"ebpf\": unknown backend",
        ),
        (json!({"snat": "yes"}), "snat: expected a boolean"),
        (
            json!({"markMasqBit": 32}),
            "markMasqBit: 32: must be from 0 to 31",
        ),
        (
            json!({"markMasqBit": 1, "externalSetMarkChain": "KUBE-MARK-MASQ"}),
            "markMasqBit: 1: cannot be given together",
        ),
        (
            json!({"externalSetMarkChain": "a b"}),
            "externalSetMarkChain: \"a b\": is no name",
        ),
        (
            json!({"conditionsV4": "-d"}),
            "conditionsV4: expected an array",
        ),
        (
            json!({"backend": "nftables", "conditionsV6": ["!", "-d", "fd00::/8"]}),
            "conditionsV6: [\"!\",\"-d\",\"fd00::/8\"]: is for backend iptables, and nftables",
        ),
        (
            json!({"backend": "iptables", "conditionsV4": ["ip daddr 10.0.0.1"]}),
            "conditionsV4: [\"ip daddr 10.0.0.1\"]: is for backend nftables",
        ),
        (
            json!({"backend": "nftables", "externalSetMarkChain": "X"}),
            "externalSetMarkChain: \"X\": is for backend iptables",
        ),
        (
            json!({"hostPortRange": "1000"}),
            "hostPortRange: \"1000\": is not FIRST-LAST",
        ),
        (
            json!({"hostPortRange": "0-9"}),
            "hostPortRange: \"0-9\": is not FIRST-LAST",
        ),
        (
            json!({"hostPortRange": "9-70000"}),
            "hostPortRange: \"9-70000\": is not",
        ),
        (
            json!({"hostPortRange": "9-8"}),
            "hostPortRange: \"9-8\": ends before",
        ),
        (
            json!({"dataDir": "run"}),
            "dataDir: \"run\": is not an absolute path",
        ),
        (
            mapping(json!({"containerPort": 80})),
            "runtimeConfig.portMappings[0].hostPort: missing: without hostPortRange",
        ),
        (
            mapping(json!({"hostPort": 0, "containerPort": 80})),
            "runtimeConfig.portMappings[0].hostPort: 0: without hostPortRange",
        ),
        (
            mapping(json!({"hostPort": 65536, "containerPort": 80})),
            "runtimeConfig.portMappings[0].hostPort: 65536: must be from 0 to 65535",
        ),
        (
            mapping(json!({"hostPort": -1, "containerPort": 80})),
            "runtimeConfig.portMappings[0].hostPort: -1: must be",
        ),
        (
            mapping(json!({"hostPort": 80, "containerPort": 0})),
            "runtimeConfig.portMappings[0].containerPort: 0: must be from 1",
        ),
        (
            mapping(json!({"hostPort": 80})),
            "runtimeConfig.portMappings[0].containerPort: missing",
        ),
        (
            mapping(json!({"hostPort": 80, "containerPort": 80, "protocol": "icmp"})),
            "runtimeConfig.portMappings[0].protocol: \"icmp\": is none of tcp, udp and sctp",
        ),
        (
            mapping(json!({"hostPort": 80, "containerPort": 80, "hostIP": "::1::"})),
            "runtimeConfig.portMappings[0].hostIP: \"::1::\"",
        ),
        (
            json!({"runtimeConfig": {"portMappings": [
                {"hostPort": 80, "containerPort": 80}, {"hostPort": 80, "containerPort": 81},
            ]}}),
            "runtimeConfig.portMappings[1].hostPort: 80: is that of runtimeConfig.portMappings[0]",
        ),
    ] {
        let error = refused(extra);
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn ports_are_read_from_where_they_are() {
    let wanted = Asked {
        host_port: Some(8080),
        container_port: 80,
        protocol: Protocol::Udp,
        host_ip: None,
    };
    for extra in [
        mapping(json!({"hostPort": 8080, "containerPort": 80, "protocol": "UDP", "hostIP": ""})),
        json!({"args": {"cni": {"portMappings": [
            {"HostPort": 8080, "containerport": 80, "protocol": "udp"},
        ]}}}),
        json!({"args": {"org.apache.mesos": {"network_info": {"port_mappings": [
            {"host_port": 8080, "container_port": 80, "protocol": "udp"},
        ]}}}}),
    ] {
        let ports = Ports::parse(&conf(extra), false).unwrap();
        assert_eq!(ports.asked, [wanted]);
    }
    assert!(
        Ports::parse(&conf(json!({})), false)
            .unwrap()
            .asked
            .is_empty()
    );
}

#[test]
fn repetitions_and_other_addresses_are_no_clash() {
    let one = |ip: &str| json!({"hostPort": 80, "containerPort": 80, "hostIP": ip});
    let list = json!([one("0.0.0.0"), one("::"), one("::"), one("0.0.0.0")]);
    let ports = Ports::parse(
        &conf(json!({"runtimeConfig": {"portMappings": list}})),
        false,
    );
    assert_eq!(ports.unwrap().asked.len(), 2);
    let open = json!({"runtimeConfig": {"portMappings": [
        {"containerPort": 80}, {"hostPort": 0, "containerPort": 81},
    ]}});
    assert_eq!(Ports::parse(&conf(open), true).unwrap().asked.len(), 2);
}

#[test]
fn addresses_are_those_of_the_containers_interface() {
    let result = |value: Value| {
        conf(json!({"prevResult": value}))
            .prev_result()
            .unwrap()
            .unwrap()
    };
    let both = result(json!({
        "cniVersion": "1.1.0",
        "interfaces": [{"name": "eth0"}, {"name": "eth0", "sandbox": "/ns"}, {"name": "eth1", "sandbox": "/ns"}],
        "ips": [
            {"interface": 0, "address": "10.0.0.1/24"}, {"interface": 2, "address": "10.0.0.2/24"},
            {"interface": 1, "address": "10.0.0.3/24"}, {"interface": 1, "address": "10.0.0.4/24"},
            {"address": "fd00::2/64"}, {"interface": 1, "address": "fd00::3/64"},
        ],
    }));
    let texts: Vec<_> = addresses(&both, "eth0")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(texts, ["10.0.0.3/24", "fd00::2/64"]);
}
