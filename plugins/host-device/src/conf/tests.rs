use super::*;
use fairway_cni::{CniArgs, Delegates, NetConf};
use serde_json::{Value, json};

fn parsed(extra: Value) -> Result<Vec<(String, Selector)>, FieldError> {
    let mut base = json!({"cniVersion": "1.1.0", "name": "net"});
    base.as_object_mut()
        .unwrap()
        .append(&mut extra.as_object().unwrap().clone());
    let conf = NetConf::from_json(base).unwrap();
    let context = Context {
        conf: &conf,
        args: &CniArgs::default(),
        delegates: &Delegates::default(),
    };
    let named = parse(&context)?.into_iter();
    Ok(named.map(|named| (named.field, named.selector)).collect())
}

#[test]
fn each_way_to_name_a_device() {
    let mac = "02:00:00:00:00:01";
    let path = "/sys/devices/pci0000:00/0000:00:03.0";
    for (conf, field, selector) in [
        (
            json!({"device": "eth1"}),
            "device",
            Selector::Name("eth1".to_owned()),
        ),
        (
            json!({"HWADDR": mac}),
            "hwaddr",
            Selector::Mac(mac.parse().unwrap()),
        ),
        (
            json!({"kernelpath": path}),
            "kernelpath",
            Selector::Path(path.to_owned()),
        ),
        (
            json!({"pciBusID": "0000:3b:00.1"}),
            "pciBusID",
            Selector::Pci("0000:3b:00.1".to_owned()),
        ),
        (
            json!({"runtimeConfig": {"deviceID": "0000:3b:00.1"}}),
            "runtimeConfig.deviceID",
            Selector::Id("0000:3b:00.1".to_owned()),
        ),
        // What a device plugin has allotted counts.
        (
            json!({"pciBusID": "0000:00:00.0", "runtimeConfig": {"deviceID": "mlx5_core.sf.2"}}),
            "runtimeConfig.deviceID",
            Selector::Id("mlx5_core.sf.2".to_owned()),
        ),
        (
            json!({"device": "", "hwaddr": "", "pciBusID": "0000:3b:00.1"}),
            "pciBusID",
            Selector::Pci("0000:3b:00.1".to_owned()),
        ),
    ] {
        assert_eq!(
            parsed(conf.clone()),
            Ok(vec![(field.to_owned(), selector)]),
            "{conf}"
        );
    }
    let both = parsed(json!({"device": "eth1", "hwaddr": mac})).unwrap();
    assert_eq!(both.len(), 2);
}

#[test]
fn what_names_none() {
    for (conf, start) in [
        (
            json!({}),
            "device, hwaddr, kernelpath, pciBusID or runtimeConfig.deviceID: missing",
        ),
        (json!({"device": 1}), "device: expected a string"),
        (json!({"hwaddr": "02:00"}), "hwaddr: \"02:00\": "),
        (
            json!({"kernelpath": "/sys/class/net/eth1"}),
            "kernelpath: \"/sys/class/net/eth1\": must be",
        ),
        (
            json!({"kernelpath": "/sys/devices/../../etc"}),
            "kernelpath: \"/sys/devices/../../etc\": must",
        ),
        (json!({"kernelpath": "devices/x"}), "kernelpath: "),
        (
            json!({"pciBusID": "../x"}),
            "pciBusID: \"../x\": is no device's name",
        ),
        (json!({"pciBusID": ".."}), "pciBusID: \"..\": "),
        (
            json!({"runtimeConfig": {"deviceID": "a/b"}}),
            "runtimeConfig.deviceID: \"a/b\": ",
        ),
        (
            json!({"runtimeConfig": {"deviceID": 5}}),
            "runtimeConfig.deviceID: expected a string",
        ),
    ] {
        let error = parsed(conf.clone()).unwrap_err().to_string();
        assert!(error.starts_with(start), "{conf}: {error}");
    }
}
