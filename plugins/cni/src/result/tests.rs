use super::*;
use crate::{Object, Version};
use proptest::prelude::*;
use serde_json::{Value, json};

fn full() -> CniResult {
    CniResult {
        interfaces: vec![
            Interface {
                name: "cni0".into(),
                mac: Some("02:00:00:00:00:01".into()),
                ..Interface::default()
            },
            Interface {
                name: "eth0".into(),
                mac: Some("02:00:00:00:00:02".into()),
                mtu: Some(1400),
                sandbox: Some("/proc/1/ns/net".into()),
                ..Interface::default()
            },
        ],
        ips: vec![
            IpConfig {
                interface: Some(1),
                address: "10.1.2.3/24".parse().unwrap(),
                gateway: Some("10.1.2.1".parse().unwrap()),
            },
            IpConfig {
                interface: Some(1),
                address: "fd00::3/64".parse().unwrap(),
                gateway: None,
            },
        ],
        routes: vec![
            Route {
                mtu: Some(1300),
                table: Some(7),
                ..Route::new(
                    "0.0.0.0/0".parse().unwrap(),
                    Some("10.1.2.1".parse().unwrap()),
                )
            },
            Route::new("fd01::/64".parse().unwrap(), None),
        ],
        dns: Dns {
            nameservers: vec!["10.1.2.1".into()],
            domain: Some("x.example".into()),
            search: vec!["a".into(), "b".into()],
            options: vec!["ndots:5".into()],
        },
    }
}

fn read(value: &Value, version: Version) -> CniResult {
    CniResult::from_json(&Object::root(value.as_object().unwrap()), version).unwrap()
}

#[test]
fn forms_of_the_versions() {
    let result = full();
    let old = result.to_json(Version::V0_2_0);
    assert_eq!(
        old,
        json!({
            "cniVersion": "0.2.0",
            "ip4": {"ip": "10.1.2.3/24", "gateway": "10.1.2.1", "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.2.1"}]},
            "ip6": {"ip": "fd00::3/64", "routes": [{"dst": "fd01::/64"}]},
            "dns": {"nameservers": ["10.1.2.1"], "domain": "x.example", "search": ["a", "b"], "options": ["ndots:5"]},
        })
    );
    let middle = result.to_json(Version::V0_4_0);
    assert_eq!(
        middle["ips"][1],
        json!({"version": "6", "interface": 1, "address": "fd00::3/64"})
    );
    assert_eq!(
        middle["interfaces"][0],
        json!({"name": "cni0", "mac": "02:00:00:00:00:01"})
    );
    let new = result.to_json(Version::V1_1_0);
    assert!(new["ips"][0].get("version").is_none());
    assert_eq!(new["interfaces"][1]["mtu"], 1400);
    assert_eq!(new["routes"][0]["table"], 7);
    assert!(
        result.to_json(Version::V1_0_0)["routes"][0]
            .get("table")
            .is_none()
    );
}

#[test]
fn newest_form_holds_everything() {
    let result = full();
    assert_eq!(
        read(&result.to_json(Version::V1_1_0), Version::V0_1_0),
        result
    );
}

#[test]
fn a_result_is_read_in_the_version_that_it_names() {
    let old = json!({"cniVersion": "0.2.0", "ip4": {"ip": "10.0.0.2/24"}});
    assert_eq!(read(&old, Version::V1_0_0).ips.len(), 1);
}

#[test]
fn bad_results_name_the_field() {
    for (value, path) in [
        (json!({"ips": [{"address": "10.0.0.1"}]}), "ips[0].address"),
        (
            json!({"interfaces": [{"name": "x"}], "ips": [{"address": "10.0.0.1/24", "interface": 1}]}),
            "ips[0].interface",
        ),
        (json!({"interfaces": [{}]}), "interfaces[0].name"),
        (
            json!({"routes": [{"dst": "::/0", "gw": "10.0.0.1"}]}),
            "routes[0].dst",
        ),
        (json!({"cniVersion": "9.9.9"}), "cniVersion"),
        (json!({"dns": 3}), "dns"),
    ] {
        let error =
            CniResult::from_json(&Object::root(value.as_object().unwrap()), Version::V1_1_0);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(path), "{error}");
    }
}

fn any_ip() -> impl Strategy<Value = IpConfig> {
    (any::<IpAddr>(), 0u8..=32, any::<bool>()).prop_map(|(ip, len, gateway)| IpConfig {
        interface: None,
        address: IpNetwork::new(ip, len).unwrap(),
        gateway: gateway.then_some(ip),
    })
}

proptest! {
    /// What a version can hold comes back as it was: 0.3.0 and later hold addresses and plain routes whole.
    #[test]
    fn addresses_survive_every_version_that_has_lists(ips in prop::collection::vec(any_ip(), 0..6)) {
        let result = CniResult { ips, ..CniResult::default() };
        for version in Version::ALL.into_iter().filter(|v| *v >= Version::V0_3_0) {
            prop_assert_eq!(&read(&result.to_json(version), version), &result);
        }
    }

    /// The oldest form holds the first address of each family.
    #[test]
    fn oldest_form_keeps_the_first_of_each_family(ips in prop::collection::vec(any_ip(), 0..6)) {
        let result = CniResult { ips, ..CniResult::default() };
        let back = read(&result.to_json(Version::V0_1_0), Version::V0_1_0);
        for v6 in [false, true] {
            let first = |r: &CniResult| r.ips.iter().find(|ip| ip.address.is_ipv6() == v6).cloned();
            prop_assert_eq!(first(&back), first(&result));
        }
    }
}
