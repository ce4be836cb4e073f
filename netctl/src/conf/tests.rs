//! Configurations that are to be taken, among them every example of the plugins' pages, and some that are not, each with the field
//! that is to be named.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, json};
use std::fs;

mod refused;
mod whole_folders;

/// What is said of a document, as it would stand in a file of that name.
fn said_of(text: &str, file: &str) -> Report {
    let shape = match file.rsplit_once('.') {
        Some((_, "conflist")) => Shape::List,
        Some((_, "conf" | "json")) => Shape::Single,
        _ => Shape::Either,
    };
    let mut report = Report::default();
    judge(
        text.as_bytes(),
        file,
        shape,
        &Machine::default(),
        &mut report,
    );
    report
}

fn lines(report: &Report, level: Level) -> Vec<String> {
    let of_level = report.findings.iter().filter(|one| one.level == level);
    let line = |one: &report::Finding| format!("{}: {}", one.field, one.text);
    of_level.map(line).collect()
}

fn errors_and_warnings(text: &str) -> Vec<String> {
    let report = said_of(text, "x");
    let mut all = lines(&report, Level::Error);
    all.extend(lines(&report, Level::Warning));
    all
}

/// The JSON objects of a page that have a type or plugins: those of its `json` blocks, and those that its commands write
/// to files.
fn examples(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = page[at..].find('{').map(|open| at + open) {
        let mut values = serde_json::Deserializer::from_str(&page[open..]).into_iter::<Value>();
        at = match values.next() {
            Some(Ok(Value::Object(object))) => {
                let end = open + values.byte_offset();
                let named = |key: &str| object.contains_key(key);
                if named("name") && (named("type") || named("plugins")) {
                    found.push(page[open..end].to_owned());
                }
                end
            }
            _ => open + 1,
        };
    }
    found
}

#[test]
fn every_example_of_the_pages_is_accepted() {
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let mut pages: Vec<PathBuf> = vec![
        docs.join("mesos.md"),
        docs.join("install.md"),
        docs.join("migration.md"),
    ];
    let plugins = fs::read_dir(docs.join("plugins")).unwrap();
    pages.extend(plugins.map(|entry| entry.unwrap().path()));
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for example in examples(&text) {
            count += 1;
            let found = errors_and_warnings(&example);
            // Pages that call plugins themselves write what a runtime would fill in, and Mesos' configurations are 0.1.0.
            let meant = ["is what runtimes fill in", "missing, which counts as 0.1.0"];
            let found = found
                .into_iter()
                .filter(|line| !meant.iter().any(|meant| line.contains(meant)));
            wrong.extend(found.map(|line| format!("{}: {line}\n{example}", page.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 30, "{count} examples");
}

/// Each plugin with every key that the reference plugin of its name has, as they stand in CNI's documentation.
fn reference() -> Vec<(&'static str, Value)> {
    let ipam = || json!({"type": "host-local", "subnet": "10.1.0.0/24"});
    vec![
        (
            "bridge",
            json!({"bridge": "b", "isGateway": true, "isDefaultGateway": true, "forceAddress": true, "ipMasq": true, "ipMasqBackend": "nftables", "mtu": 1400, "hairpinMode": true, "promiscMode": false, "vlan": 3, "vlanTrunk": [{"id": 5}, {"minID": 7, "maxID": 9}], "preserveDefaultVlan": true, "macspoofchk": true, "enabledad": true, "disableContainerInterface": false, "portIsolation": true, "ipam": ipam()}),
        ),
        (
            "ptp",
            json!({"ipMasq": true, "ipMasqBackend": "iptables", "mtu": 1400, "dns": {"nameservers": ["10.0.0.1"], "domain": "d", "search": ["s"], "options": ["o"]}, "ipam": ipam()}),
        ),
        (
            "macvlan",
            json!({"master": "eth0", "mode": "bridge", "mtu": 1400, "mac": "02:00:00:00:00:01", "linkInContainer": true, "bcqueuelen": 10, "ipam": ipam()}),
        ),
        (
            "ipvlan",
            json!({"master": "eth0", "mode": "l3s", "mtu": 1400, "linkInContainer": true, "ipam": ipam()}),
        ),
        (
            "vlan",
            json!({"master": "eth0", "vlanId": 7, "mtu": 1400, "linkInContainer": true, "ipam": ipam()}),
        ),
        (
            "host-device",
            json!({"device": "eth1", "hwaddr": "02:00:00:00:00:01", "kernelpath": "/sys/devices/x", "pciBusID": "0000:00:1f.6", "ipam": ipam()}),
        ),
        ("loopback", json!({})),
        ("dummy", json!({"ipam": ipam()})),
        (
            "tap",
            json!({"multiQueue": true, "mtu": 1400, "mac": "02:00:00:00:00:01", "owner": 1, "group": 1, "selinuxContext": "c", "bridge": "b", "ipam": ipam()}),
        ),
        (
            "bridge",
            json!({"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.2", "rangeEnd": "10.1.0.9", "gateway": "10.1.0.1"}]], "subnet": "10.2.0.0/24", "rangeStart": "10.2.0.2", "rangeEnd": "10.2.0.9", "gateway": "10.2.0.1", "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1", "mtu": 1400, "advmss": 1360, "priority": 1, "table": 7, "scope": 0}], "dataDir": "/x", "resolvConf": "/etc/resolv.conf"}}),
        ),
        (
            "bridge",
            json!({"ipam": {"type": "static", "addresses": [{"address": "10.1.0.2/24", "gateway": "10.1.0.1"}], "routes": [{"dst": "0.0.0.0/0"}], "dns": {"nameservers": ["10.0.0.1"]}}}),
        ),
        (
            "bandwidth",
            json!({"ingressRate": 1000000, "ingressBurst": 1000000, "egressRate": 1000000, "egressBurst": 1000000}),
        ),
        (
            "firewall",
            json!({"backend": "iptables", "ingressPolicy": "isolated", "iptablesAdminChainName": "A", "firewalldZone": "z"}),
        ),
        (
            "portmap",
            json!({"backend": "iptables", "snat": true, "conditionsV4": ["-d", "10.0.0.1"], "conditionsV6": ["-d", "fd00::1"], "masqAll": true, "markMasqBit": 13}),
        ),
        (
            "portmap",
            json!({"backend": "iptables", "externalSetMarkChain": "C"}),
        ),
        (
            "sbr",
            json!({"table": 7, "gateways": ["10.0.0.1"], "addSourceHints": true}),
        ),
        (
            "tuning",
            json!({"sysctl": {"net.core.somaxconn": "500"}, "mac": "02:00:00:00:00:01", "promisc": true, "mtu": 1400, "txQLen": 10, "allmulti": true, "dataDir": "/x"}),
        ),
        ("vrf", json!({"vrfname": "blue", "table": 7})),
        (
            "sriov",
            json!({"deviceID": "0000:3b:00.1", "vlan": 5, "vlanQoS": 1, "vlanProto": "802.1q", "mac": "02:00:00:00:00:01", "mtu": 1400, "spoofchk": "on", "trust": "off", "link_state": "auto", "min_tx_rate": 1, "max_tx_rate": 9, "logLevel": "debug", "logFile": "/x", "ipam": ipam()}),
        ),
    ]
}

const BEHIND: [&str; 6] = ["bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"];

/// A list that the plugin may stand in, and the path of its own object there.
fn listed(kind: &str, keys: &Value) -> (String, &'static str) {
    let mut plugin = keys.as_object().cloned().unwrap_or_else(Map::new);
    plugin.insert("type".to_owned(), json!(kind));
    let (plugins, at) = match BEHIND.contains(&kind) {
        true => (
            json!([{"type": "dummy", "ipam": {"type": "static"}}, plugin]),
            "plugins[1]",
        ),
        false => (json!([plugin]), "plugins[0]"),
    };
    let list = json!({"cniVersion": "1.0.0", "name": "net", "plugins": plugins});
    (list.to_string(), at)
}

#[test]
fn each_key_of_the_reference_plugins_is_known() {
    for (kind, keys) in reference() {
        let (text, _) = listed(kind, &keys);
        assert_eq!(errors_and_warnings(&text), Vec::<String>::new(), "{kind}");
    }
}

/// So no parser has been left out, and none takes its object whole.
#[test]
fn each_plugin_tells_of_keys_that_it_does_not_read() {
    let known = reference();
    for (kind, plugin) in fairway_plugins::PLUGINS {
        let mut keys = match *kind {
            "fairway" | "host-local" | "static" => continue,
            "vxlan" => json!({"network": "apps", "ipam": {"type": "fairway"}}),
            "multi" => {
                json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "dummy", "ipam": {"type": "static"}}]})
            }
            kind => known
                .iter()
                .find(|(name, _)| *name == kind)
                .unwrap()
                .1
                .clone(),
        };
        keys["nobodysKey"] = json!(1);
        let (text, at) = listed(kind, &keys);
        let expected = format!("{at}.nobodysKey: {kind} reads no such key here");
        let found = errors_and_warnings(&text);
        // loopback has no keys, so it asks for none but what is before it.
        assert_eq!(found, [expected], "{kind} {}", plugin.is_ipam());
    }
    for kind in ["fairway", "host-local", "static"] {
        let ipam = json!({"type": kind, "subnet": "10.1.0.0/24", "nobodysKey": 1});
        let (text, at) = listed("bridge", &json!({"ipam": ipam}));
        let expected = format!("{at}.ipam.nobodysKey: bridge reads no such key here");
        assert!(errors_and_warnings(&text).contains(&expected), "{kind}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "name",
            "type",
            "cniVersion",
            "cniVersions",
            "plugins",
            "ipam",
            "chain",
            "delegates",
            "capabilities",
            "args",
            "cni",
            "runtimeConfig",
            "prevResult",
            "dns",
            "ranges",
            "subnet",
            "addresses",
            "routes",
            "dst",
            "bandwidth",
            "sysctl",
            "vlanTrunk",
            "ips",
            "mac",
            "org.apache.mesos",
            "network_info",
            "portMappings",
            "a.b",
            "x[0]",
            "",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    let types: Vec<String> = fairway_plugins::PLUGINS
        .iter()
        .map(|(kind, _)| (*kind).to_owned())
        .collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(types).prop_map(Value::from),
        prop::sample::select(vec!["1.0.0", "0.2.0", "net", "10.0.0.0/24", "fd00::/64"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_json_is_too_much(keys in any_json(), kind in 0..fairway_plugins::PLUGINS.len(), behind in any::<bool>()) {
        let (kind, _) = fairway_plugins::PLUGINS[kind];
        for text in [keys.to_string(), listed(kind, &keys).0, json!({"cniVersion": "0.2.0", "name": "n", "type": kind, "chain": [keys]}).to_string()] {
            let report = said_of(&text, if behind { "x" } else { "x.conf" });
            for finding in &report.findings {
                // Each place is one of the text.
                let line = text.lines().nth(finding.line.unwrap_or(1) - 1);
                prop_assert!(line.is_some_and(|line| line.chars().count() + 1 >= finding.column.unwrap_or(1)));
            }
        }
    }

    #[test]
    fn nor_is_any_text(text in "\\PC*") {
        said_of(&text, "x");
    }
}
