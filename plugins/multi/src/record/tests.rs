use super::*;
use fairway_cni::{Dns, Interface, IpConfig, Route};
use proptest::prelude::*;

fn wire(name: &str, ifname: &str) -> Wire {
    let raw = json!({"name": name, "cniVersion": "1.0.0", "plugins": [{"type": "x"}, {"type": "y", "k": [1]}]});
    Wire {
        network: Network::read(&Object::root(raw.as_object().unwrap())).unwrap(),
        ifname: ifname.parse().unwrap(),
        title: format!("ns/{name}"),
        runtime: json!({"mac": "02:00:00:00:00:01"})
            .as_object()
            .unwrap()
            .clone(),
        args: "K8S_POD_NAME=x".to_owned(),
        field: "delegates[0]".to_owned(),
        default_route: (ifname != "eth0").then(|| vec!["10.1.0.1".parse().unwrap()]),
    }
}

fn result(ifname: &str) -> CniResult {
    CniResult {
        interfaces: vec![
            Interface {
                name: "fw00000000".to_owned(),
                ..Interface::default()
            },
            Interface {
                name: ifname.to_owned(),
                mac: Some("02:00:00:00:00:01".to_owned()),
                mtu: Some(1400),
                sandbox: Some("/run/netns/x".to_owned()),
                pci_id: (ifname == "net1").then(|| "0000:18:02.5".to_owned()),
                ..Interface::default()
            },
        ],
        ips: vec![
            IpConfig {
                interface: Some(1),
                address: "10.1.0.2/24".parse().unwrap(),
                gateway: None,
            },
            IpConfig {
                interface: Some(0),
                address: "192.0.2.1/24".parse().unwrap(),
                gateway: None,
            },
        ],
        routes: vec![Route {
            priority: Some(7),
            ..Route::new(
                "0.0.0.0/0".parse().unwrap(),
                Some("10.1.0.1".parse().unwrap()),
            )
        }],
        dns: Dns {
            search: vec!["example".to_owned()],
            ..Dns::default()
        },
    }
}

fn record(answered: usize) -> Record {
    Record {
        network: "multi".parse().unwrap(),
        attachment: Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        },
        boot: "b".to_owned(),
        netns: "/run/netns/x".to_owned(),
        identity: None,
        wires: vec![wire("a", "eth0"), wire("b", "net1")],
        results: ["eth0", "net1"][..answered]
            .iter()
            .map(|name| result(name))
            .collect(),
    }
}

fn read(value: &Value) -> Result<Record, String> {
    let record = Record::from_json(&Object::root(value.as_object().unwrap()));
    record.map_err(|error| error.to_string())
}

#[test]
fn it_is_read_as_it_was_written() {
    for answered in 0..=2 {
        let mut record = record(answered);
        record.identity = (answered > 0).then_some(NetnsId {
            device: 4,
            inode: 4_026_532_000,
        });
        let text = record.to_json().to_string();
        assert_eq!(read(&serde_json::from_str(&text).unwrap()), Ok(record));
    }
}

/// Section 5 of the standard.
#[test]
fn the_status_of_the_networks() {
    let status = record(2).to_json()[STATUS].clone();
    assert_eq!(
        status,
        json!([
            {"name": "ns/a", "interface": "eth0", "ips": ["10.1.0.2"], "mac": "02:00:00:00:00:01", "mtu": 1400,
             "default": true, "dns": {"search": ["example"]}, "gateway": ["10.1.0.1"]},
            {"name": "ns/b", "interface": "net1", "ips": ["10.1.0.2"], "mac": "02:00:00:00:00:01", "mtu": 1400,
             "default": false, "dns": {"search": ["example"]}, "gateway": ["10.1.0.1"], "default-route": ["10.1.0.1"],
             "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:18:02.5"}}},
        ])
    );
    assert_eq!(record(0).to_json()[STATUS], json!([]));
    // A result before 0.3.0 names no interface.
    let mut old = record(1);
    old.results[0].interfaces.clear();
    old.results[0].ips[0].interface = None;
    let status = old.to_json()[STATUS].clone();
    assert_eq!(status[0]["interface"], "eth0");
    assert_eq!(status[0]["ips"], json!(["10.1.0.2"]));
}

#[test]
fn what_makes_no_sense_is_named() {
    let spoilt = |path: &str, value: Value| {
        let mut json = record(2).to_json();
        *json.pointer_mut(path).unwrap() = value;
        read(&json).unwrap_err()
    };
    for (path, value, start) in [
        ("/form", json!(2), "form: 2: only form 1 can be read"),
        ("/network", json!("../x"), "network: "),
        ("/containerID", json!("a/b"), "containerID: "),
        ("/ifname", json!("a b"), "ifname: "),
        ("/boot", json!(7), "boot: expected a string"),
        ("/wires", json!("x"), "wires: expected an array"),
        ("/wires/1/ifname", json!(".."), "wires[1].ifname: "),
        (
            "/wires/0/network/plugins/1/type",
            json!("multi"),
            "wires[0].network.plugins[1].type: \"multi\"",
        ),
        (
            "/wires/1/network/name",
            json!("a/b"),
            "wires[1].network.name: ",
        ),
        (
            "/wires/0/runtimeConfig",
            json!([]),
            "wires[0].runtimeConfig: expected an object",
        ),
        (
            "/wires/1/defaultRoute",
            json!(["x"]),
            "wires[1].defaultRoute[0]: ",
        ),
        ("/wires/0/result", Value::Null, "wires[1]: "),
        (
            "/wires/1/result/ips",
            json!([{"address": "x"}]),
            "wires[1].result.ips[0].address: ",
        ),
    ] {
        let error = spoilt(path, value);
        assert!(error.starts_with(start), "{path}: {error}");
    }
}

proptest! {
    /// A record with anything in the place of something is read or refused.
    #[test]
    fn anything_is_read_or_refused(at in 0..400usize, with in "[\\[\\]{}\",:0-9a-z/]{0,3}") {
        let mut text = record(2).to_json().to_string();
        let at = at * text.len() / 400;
        let end = (at + with.len()).min(text.len());
        text.replace_range(at..end, &with);
        if let Ok(Value::Object(raw)) = serde_json::from_str(&text) {
            let _ = Record::from_json(&Object::root(&raw));
        }
    }
}
