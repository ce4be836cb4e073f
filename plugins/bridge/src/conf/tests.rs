use super::*;
use fairway_cni::{CniArgs, Delegates, NetConf};
use serde_json::{Value, json};

fn parse(extra: Value, args: &str) -> Result<BridgeConf, FieldError> {
    let mut base = json!({"cniVersion": "1.1.0", "name": "net", "type": "bridge"});
    base.as_object_mut()
        .unwrap()
        .append(&mut extra.as_object().unwrap().clone());
    let conf = NetConf::from_json(base).unwrap();
    let args = CniArgs::parse(args).unwrap();
    let context = Context {
        conf: &conf,
        args: &args,
        delegates: &Delegates::default(),
    };
    BridgeConf::parse(&context)
}

#[test]
fn defaults() {
    let conf = parse(json!({}), "").unwrap();
    assert_eq!(conf.bridge.as_str(), "cni0");
    assert!(
        !conf.is_gateway && !conf.has_ipam && conf.container_interface && !conf.filters_vlans()
    );
    assert_eq!((conf.mtu, conf.vlan, conf.masquerade), (None, None, None));
}

#[test]
fn a_default_gateway_is_a_gateway() {
    assert!(
        parse(json!({"isDefaultGateway": true}), "")
            .unwrap()
            .is_gateway
    );
}

#[test]
fn keys_in_any_case_and_zeros_as_absent() {
    let conf = parse(
        json!({"ISGATEWAY": true, "MTU": 0, "Vlan": 0, "bridge": ""}),
        "",
    )
    .unwrap();
    assert!(conf.is_gateway);
    assert_eq!(
        (conf.mtu, conf.vlan, conf.bridge.as_str()),
        (None, None, "cni0")
    );
}

#[test]
fn the_hardware_address_by_precedence() {
    let mac = |extra, args| parse(extra, args).unwrap().mac.map(|mac| mac.to_string());
    let (a, b, c) = (
        "02:00:00:00:00:0a",
        "02:00:00:00:00:0b",
        "02:00:00:00:00:0c",
    );
    let args = format!("MAC={c}");
    let both = json!({"runtimeConfig": {"mac": a}, "args": {"cni": {"mac": b}}});
    assert_eq!(mac(both, &args).as_deref(), Some(a));
    assert_eq!(
        mac(json!({"args": {"cni": {"mac": b}}}), &args).as_deref(),
        Some(b)
    );
    assert_eq!(
        mac(json!({"runtimeConfig": {"mac": ""}}), &args).as_deref(),
        Some(c)
    );
    assert_eq!(mac(json!({}), ""), None);
}

#[test]
fn what_is_wrong_is_named() {
    for (extra, args, path) in [
        (json!({"bridge": "a/b"}), "", "bridge"),
        (json!({"bridge": 3}), "", "bridge"),
        (json!({"mtu": 67}), "", "mtu"),
        (json!({"mtu": "1500"}), "", "mtu"),
        (json!({"vlan": 4095}), "", "vlan"),
        (json!({"isGateway": "yes"}), "", "isGateway"),
        (
            json!({"ipMasq": true, "ipMasqBackend": "pf"}),
            "",
            "ipMasqBackend",
        ),
        (
            json!({"hairpinMode": true, "promiscMode": true}),
            "",
            "hairpinMode",
        ),
        (
            json!({"disableContainerInterface": true, "ipam": {"type": "static"}}),
            "",
            "disableContainerInterface",
        ),
        (
            json!({"runtimeConfig": {"mac": "nonsense"}}),
            "",
            "runtimeConfig.mac",
        ),
        (
            json!({"args": {"cni": {"mac": "01:00:00:00:00:00"}}}),
            "",
            "args.cni.mac",
        ),
        (json!({}), "MAC=nonsense", "CNI_ARGS: MAC"),
        (json!({"ipam": 3}), "", "ipam"),
        (json!({"policy": "yes"}), "", "policy"),
        (
            json!({"policy": true}),
            "",
            "policy: true: cannot go without ipam",
        ),
        (
            json!({"policy": true, "vlanTrunk": [{"id": 7}], "ipam": {"type": "static"}}),
            "",
            "policy: true: cannot go with vlanTrunk",
        ),
    ] {
        let error = parse(extra, args).unwrap_err().to_string();
        assert!(error.starts_with(path), "{error}");
    }
}
