use super::*;
use fairway_cni::{CniArgs, Delegates, Fault as _, NetConf};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(keys: Value, args: &str) -> Result<Conf, FieldError> {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "deviceID": "0000:01:10.0"});
    for (key, value) in keys.as_object().unwrap() {
        conf[key] = value.clone();
    }
    let conf = NetConf::from_json(conf).unwrap();
    parse(&Context {
        conf: &conf,
        args: &CniArgs::parse(args).unwrap(),
        delegates: &Delegates::default(),
    })
}

fn vf(field: &str, address: &str, of: Option<(&str, &str)>) -> Device {
    Device::Vf {
        field: field.to_owned(),
        address: address.parse().unwrap(),
        of: of.map(|(key, name)| (key.to_owned(), name.parse().unwrap())),
    }
}

#[test]
fn every_key_of_the_reference() {
    let conf = read(
        json!({
            "mac": "CA:FE:C0:FF:EE:00", "vlan": 1000, "vlanQoS": 4, "vlanProto": "802.1AD", "min_tx_rate": 100,
            "max_tx_rate": 200, "spoofchk": "off", "trust": "on", "link_state": "enable", "logLevel": "debug",
            "logFile": "/tmp/sriov.log", "mtu": 9000,
        }),
        "",
    );
    let expected = Conf {
        device: vf("deviceID", "0000:01:10.0", None),
        mac: Some(MacAddr([0xca, 0xfe, 0xc0, 0xff, 0xee, 0])),
        mtu: Some(9000),
        vlan: Some(VfVlan {
            id: 1000,
            qos: 4,
            proto: VlanProto::Dot1ad,
        }),
        rate: Some(VfRate { min: 100, max: 200 }),
        spoofchk: Some(false),
        trust: Some(true),
        link_state: Some(VfLinkState::Enable),
    };
    assert_eq!(conf.as_ref(), Ok(&expected));
    let order: Vec<_> = expected
        .changes()
        .iter()
        .map(|change| change.name())
        .collect();
    assert_eq!(order, ["vlan", "mac", "rate", "spoofchk", "trust", "state"]);
    let nothing = read(json!({"mac": "", "spoofchk": "", "trust": null}), "").unwrap();
    assert_eq!(nothing.changes(), []);
}

#[test]
fn who_says_which_one_and_which_address() {
    let runtime = json!({"runtimeConfig": {"deviceID": "0000:01:10.2", "mac": "02:00:00:00:00:01"},
                         "mac": "02:00:00:00:00:03"});
    let conf = read(runtime, "MAC=02:00:00:00:00:02").unwrap();
    assert_eq!(
        conf.device,
        vf("runtimeConfig.deviceID", "0000:01:10.2", None)
    );
    assert_eq!(conf.mac, Some(MacAddr([2, 0, 0, 0, 0, 1])));
    let conf = read(json!({"mac": "02:00:00:00:00:03"}), "MAC=02:00:00:00:00:02").unwrap();
    assert_eq!(conf.mac, Some(MacAddr([2, 0, 0, 0, 0, 2])));
    for key in PF_KEYS {
        let conf = read(json!({"deviceID": "", key: "eth0"}), "").unwrap();
        let name = "eth0".parse().unwrap();
        let field = key.to_owned();
        assert_eq!(conf.device, Device::OfPf { field, name });
    }
    let both = read(json!({"master": "eth0", "if0": "eth0"}), "").unwrap();
    assert_eq!(
        both.device,
        vf("deviceID", "0000:01:10.0", Some(("master", "eth0")))
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (keys, start) in [
        (
            json!({"deviceID": null}),
            "deviceID, runtimeConfig.deviceID or pf: missing",
        ),
        (
            json!({"deviceID": "eth0"}),
            "deviceID: \"eth0\": is no address on the PCI bus",
        ),
        (
            json!({"deviceID": "../../../etc"}),
            "deviceID: \"../../../etc\": is no address",
        ),
        (
            json!({"runtimeConfig": {"deviceID": 7}}),
            "runtimeConfig.deviceID: expected a string",
        ),
        (json!({"pf": "a", "master": "b"}), "master: \"b\": pf is"),
        (json!({"pf": "a/b"}), "pf: \"a/b\""),
        (json!({"vlan": 4095}), "vlan: 4095: must be from 0 to 4094"),
        (json!({"vlan": -1}), "vlan: -1: must be from 0 to 4094"),
        (json!({"vlan": "7"}), "vlan: expected a whole number"),
        (
            json!({"vlan": 7, "vlanQoS": 8}),
            "vlanQoS: 8: must be from 0 to 7",
        ),
        (json!({"vlanQoS": 0}), "vlanQoS: 0: there is no tag"),
        (
            json!({"vlan": 0, "vlanQoS": 1}),
            "vlanQoS: 1: there is no tag",
        ),
        (
            json!({"vlanProto": "802.1q"}),
            "vlanProto: \"802.1q\": there is no tag",
        ),
        (
            json!({"vlan": 0, "vlanProto": "802.1ad"}),
            "vlanProto: \"802.1ad\": there is no tag",
        ),
        (
            json!({"vlan": 7, "vlanProto": "802.1x"}),
            "vlanProto: \"802.1x\": is none of",
        ),
        (
            json!({"mac": "01:00:00:00:00:01"}),
            "mac: \"01:00:00:00:00:01\": is no hardware address",
        ),
        (json!({"mac": "x"}), "mac: \"x\": "),
        (json!({"mtu": 1}), "mtu: 1: must be from 68"),
        (
            json!({"min_tx_rate": 2, "max_tx_rate": 1}),
            "min_tx_rate: 2: is more than max_tx_rate, which is 1",
        ),
        (
            json!({"max_tx_rate": -1}),
            "max_tx_rate: -1: must be from 0",
        ),
        (
            json!({"spoofchk": "yes"}),
            "spoofchk: \"yes\": must be on or off",
        ),
        (json!({"trust": true}), "trust: expected a string"),
        (
            json!({"link_state": "up"}),
            "link_state: \"up\": is none of auto, enable, disable",
        ),
        (json!({"logLevel": 1}), "logLevel: expected a string"),
    ] {
        let error = read(keys, "").unwrap_err();
        assert!(error.to_string().starts_with(start), "{error}");
        assert_eq!(error.code().number(), 7);
    }
    // No limit is no contradiction.
    let conf = read(json!({"min_tx_rate": 2}), "").unwrap();
    assert_eq!(conf.rate, Some(VfRate { min: 2, max: 0 }));
}

proptest! {
    #[test]
    fn what_parses_can_be(
        vlan in -2..5000_i64, qos in -1..9_i64, min in -1..1000_i64, max in -1..1000_i64,
        proto in "802.1(q|ad|x)", with in any::<[bool; 3]>(),
    ) {
        let mut keys = json!({"min_tx_rate": min, "max_tx_rate": max});
        for ((key, value), there) in
            [("vlan", json!(vlan)), ("vlanQoS", json!(qos)), ("vlanProto", json!(proto))].into_iter().zip(with)
        {
            if there { keys[key] = value; }
        }
        if let Ok(conf) = read(keys, "") {
            let rate = conf.rate.unwrap();
            prop_assert!(rate.max == 0 || rate.min <= rate.max);
            prop_assert_eq!((i64::from(rate.min), i64::from(rate.max)), (min, max));
            if let Some(vlan) = conf.vlan {
                prop_assert!(vlan.id <= 4094 && vlan.qos <= 7);
                prop_assert!(vlan.id != 0 || (vlan.qos == 0 && vlan.proto == VlanProto::Dot1q));
            } else {
                prop_assert_eq!(with, [false; 3]);
            }
        }
    }
}
