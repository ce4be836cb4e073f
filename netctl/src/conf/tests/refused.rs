//! What no plugin would accept: each with the field that is to be named.

use super::*;

/// A plugin with these keys in a list where it may stand; what is said of it, its own path left out.
fn of(kind: &str, keys: &Value) -> Vec<String> {
    let (text, at) = listed(kind, keys);
    let all = errors_and_warnings(&text).into_iter();
    all.map(|line| {
        line.strip_prefix(&format!("{at}."))
            .map_or(line.clone(), str::to_owned)
    })
    .collect()
}

#[test]
fn fields_are_named() {
    let subnet = |subnet: Value| json!({"ipam": {"type": "host-local", "ranges": [[subnet]]}});
    for (kind, keys, starts) in [
        (
            "bridge",
            json!({"isGatway": true}),
            &["isGatway: bridge reads no such key here: did you mean \"isGateway\"?"][..],
        ),
        (
            "bridge",
            json!({"comment": "x"}),
            &["comment: bridge reads no such key here"],
        ),
        (
            "bridge",
            json!({"subnet": "10.0.0.0/24", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/24"}]]}}),
            &["subnet: bridge reads no such key here: it belongs into ipam"],
        ),
        (
            "bridge",
            json!({"ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "mtu": 5}}),
            &["ipam.mtu: bridge reads no such key here: it belongs to the plugin itself"],
        ),
        (
            "bridge",
            json!({"mtu": "1500", "isGateway": 1, "vlan": 4095}),
            &["vlan: ", "isGateway: ", "mtu: "],
        ),
        (
            "bridge",
            json!({"hairpinMode": true, "promiscMode": true}),
            &["hairpinMode: true: cannot go with promiscMode"],
        ),
        (
            "bridge",
            subnet(json!({"subnet": "10.0.0.1/24"})),
            &["ipam.ranges[0][0].subnet: \"10.0.0.1/24\": has host bits set"],
        ),
        (
            "bridge",
            subnet(json!({"subnet": "10.0.0.0/24", "rangeStart": "10.0.1.5"})),
            &["ipam.ranges[0][0].rangeStart: 10.0.1.5: not in the subnet"],
        ),
        (
            "bridge",
            subnet(
                json!({"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.9", "rangeEnd": "10.0.0.5"}),
            ),
            &["ipam.ranges[0][0].rangeStart: 10.0.0.9: after the range's end"],
        ),
        (
            "bridge",
            subnet(json!({"subnet": "10.0.0.0/24", "gateway": "10.0.0"})),
            &["ipam.ranges[0][0].gateway: "],
        ),
        (
            "bridge",
            subnet(json!({"subnt": "10.0.0.0/24"})),
            &["ipam.ranges[0][0].subnt: is no key: did you mean \"subnet\""],
        ),
        (
            "bridge",
            json!({"ipam": {"type": "host-local"}}),
            &["ipam.ranges: missing"],
        ),
        (
            "bridge",
            json!({"ipam": {"type": "static", "addresses": [{"address": "10.0.0.2/24", "gateway": "fd00::1"}]}}),
            &["ipam.addresses[0].gateway: fd00::1: is of another family"],
        ),
        (
            "bridge",
            json!({"ipam": {"type": "bridge"}}),
            &["ipam.type: \"bridge\": is no IPAM plugin"],
        ),
        (
            "bridge",
            json!({"ipam": {"type": "host-locl"}}),
            &[
                "ipam.type: \"host-locl\": no plugin of this type, here or of Fairway: did you mean \"host-local\"?",
            ],
        ),
        (
            "bridge",
            json!({"dns": {"nameservers": "10.0.0.1"}}),
            &["dns.nameservers: expected an array"],
        ),
        (
            "bridge",
            json!({"dns": {"nameserver": ["10.0.0.1"]}}),
            &["dns.nameserver: bridge reads no such key here: did you mean \"nameservers\"?"],
        ),
        (
            "bridge",
            json!({"capabilities": {"portmappings": true}}),
            &[
                "capabilities.portmappings: no runtime is known to fill it in: did you mean \"portMappings\"?",
            ],
        ),
        (
            "bridge",
            json!({"capabilities": {"ips": "yes"}}),
            &["capabilities.ips: expected a boolean"],
        ),
        (
            "bridge",
            json!({"capabilities": []}),
            &["capabilities: expected an object"],
        ),
        (
            "bridge",
            json!({"runtimeConfig": {"mac": "nonsense"}}),
            &[
                "runtimeConfig.mac: ",
                "runtimeConfig: is what runtimes fill in",
            ],
        ),
        (
            "bridge",
            json!({"mtu": 1400, "MTU": 1500}),
            &["mtu: stands twice"],
        ),
        ("ptp", json!({}), &["ipam.type: missing"]),
        (
            "vlan",
            json!({"vlanId": 5, "ipam": {"type": "static"}}),
            &["master: missing"],
        ),
        ("macvlan", json!({"mode": "brigde"}), &["mode: \"brigde\""]),
        (
            "vxlan",
            json!({"network": "Apps", "ipam": {"type": "fairway"}}),
            &["network: \"Apps\""],
        ),
        (
            "vxlan",
            json!({"network": "apps", "ipam": {"type": "host-local"}}),
            &["ipam.type: \"host-local\": must be \"fairway\""],
        ),
        (
            "firewall",
            json!({"backend": "iptables", "ingressPolicy": "closed"}),
            &["ingressPolicy: \"closed\""],
        ),
        (
            "portmap",
            json!({"markMasqBit": 5, "externalSetMarkChain": "x"}),
            &["markMasqBit: 5: cannot be given together"],
        ),
        (
            "sbr",
            json!({"gateways": ["10.0.0.1", "10.0.0.2"]}),
            &["gateways[1]: "],
        ),
        (
            "tuning",
            json!({"sysctl": {"kernel.shmmax": "1"}}),
            &["sysctl.kernel.shmmax: \"1\": is no setting of the network"],
        ),
        (
            "vrf",
            json!({"vrfnam": "blue"}),
            &["vrfnam: is no key: did you mean \"vrfname\", which is missing?"],
        ),
        (
            "sriov",
            json!({"vlan": 5}),
            &["deviceID, runtimeConfig.deviceID or pf: missing"],
        ),
        (
            "bandwidth",
            json!({"ingressRate": 1000000, "ingressBurst": -1}),
            &["ingressBurst: "],
        ),
        (
            "multi",
            json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "bridge", "mtu": "x"}]}),
            &["delegates[0].mtu: expected a whole number"],
        ),
        (
            "multi",
            json!({"delegates": [{"name": "a", "type": "multi"}]}),
            &["delegates[0].type: \"multi\": would call itself"],
        ),
        ("multi", json!({}), &["delegates: missing"]),
    ] {
        let found = of(kind, &keys);
        for start in starts {
            let named =
                |line: &String| line.starts_with(start) || line.contains(&format!(": {start}"));
            assert!(
                found.iter().any(named),
                "{kind} {keys}\n{start}\n{found:#?}"
            );
        }
    }
}

#[test]
fn lists_are_judged_as_runtimes_read_them() {
    let bridge = json!({"type": "bridge"});
    let versioned = |rest: Value| {
        let mut list = json!({"cniVersion": "1.0.0", "name": "net"});
        list.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        list
    };
    for (file, list, start) in [
        (
            "a.conflist",
            versioned(json!({"type": "bridge"})),
            "plugins: missing",
        ),
        (
            "a.conf",
            versioned(json!({"plugins": [bridge]})),
            "plugins: runtimes read a list from *.conflist alone",
        ),
        (
            "a.conflist",
            versioned(json!({"plugins": []})),
            "plugins: needs at least one plugin",
        ),
        (
            "a.conflist",
            versioned(json!({"plugins": {}})),
            "plugins: expected an array",
        ),
        (
            "a.conflist",
            versioned(json!({"plugins": [bridge, 5]})),
            "plugins[1]: expected an object",
        ),
        (
            "a.conflist",
            versioned(json!({"plugins": [{"name": "x"}]})),
            "plugins[0].type: missing",
        ),
        (
            "a.conf",
            json!({"cniVersion": "1.0.0", "type": "bridge"}),
            "name: missing",
        ),
        (
            "a.conf",
            json!({"cniVersion": "1.0.0", "name": "a b", "type": "bridge"}),
            "name: \"a b\"",
        ),
        (
            "a.conf",
            json!({"cniVersion": "2.0.0", "name": "a", "type": "bridge"}),
            "cniVersion: ",
        ),
        (
            "a.conf",
            json!({"cniVersion": 1, "name": "a", "type": "bridge"}),
            "cniVersion: expected a string",
        ),
        (
            "a.conf",
            json!({"name": "a", "type": "bridge"}),
            "cniVersion: missing, which counts as 0.1.0",
        ),
        (
            "a.conf",
            versioned(json!({"type": "brigde"})),
            "type: \"brigde\": no plugin of this type, here or of Fairway: did you mean \"bridge\"?",
        ),
        (
            "a.conf",
            versioned(json!({"type": "../bridge"})),
            "type: \"../bridge\": no plugin",
        ),
        (
            "a.conflist",
            versioned(json!({"plugins": [bridge], "disableChek": true})),
            "disableChek: a list reads no such key here: did you mean \"disableCheck\"?",
        ),
        (
            "a.conflist",
            versioned(json!({"plugins": [bridge], "disableGC": 1})),
            "disableGC: expected a boolean",
        ),
        (
            "a.conf",
            versioned(json!({"type": "bridge", "chain": [{"typ": "portmap"}]})),
            "chain[0].type: missing",
        ),
        (
            "a.conf",
            versioned(json!({"type": "bridge", "chain": [{"type": "portmap", "snatt": true}]})),
            "chain[0].snatt: portmap reads no such key here: did you mean \"snat\"?",
        ),
    ] {
        let report = said_of(&list.to_string(), file);
        let mut found = lines(&report, Level::Error);
        found.extend(lines(&report, Level::Warning));
        assert!(
            found.iter().any(|line| line.starts_with(start)),
            "{list}\n{start}\n{found:#?}"
        );
    }
    // A wrong name is no reason to look no further.
    let report = said_of(
        &json!({"name": "a b", "type": "bridge", "mtu": "x"}).to_string(),
        "a.conf",
    );
    assert_eq!(lines(&report, Level::Error).len(), 2);
}

#[test]
fn plugins_stand_where_they_may() {
    let order = |kinds: &[&str]| {
        let with = |kind: &&str| match *kind {
            "multi" => {
                json!({"type": kind, "delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "dummy", "ipam": {"type": "static"}}]})
            }
            "vrf" => json!({"type": kind, "vrfname": "v"}),
            "firewall" => json!({"type": kind, "backend": "iptables"}),
            "vlan" => json!({"type": kind, "master": "eth0", "ipam": {"type": "static"}}),
            "ipvlan" => json!({"type": kind}),
            _ => json!({"type": kind, "ipam": {"type": "static"}}),
        };
        let plugins: Vec<Value> = kinds.iter().map(with).collect();
        let list = json!({"cniVersion": "1.0.0", "name": "net", "plugins": plugins});
        lines(&said_of(&list.to_string(), "a.conflist"), Level::Error)
    };
    for first in BEHIND {
        let found = order(&[first, "bridge"]);
        assert_eq!(
            found,
            [format!(
                "plugins[0].type: {first} works on what another plugin has made: it cannot be the first"
            )]
        );
        assert_eq!(order(&["bridge", first]), Vec::<String>::new());
    }
    assert_eq!(order(&["multi", "portmap"]), Vec::<String>::new());
    assert!(
        order(&["loopback", "multi"])
            .contains(&"plugins[1].type: multi must be the first of a list".to_owned())
    );
    assert_eq!(
        order(&["bridge", "portmap", "vlan"]),
        ["plugins[2].type: vlan makes the container's interface, which bridge before it has made"]
    );
    // Which may stand behind another one, whose addresses it then has.
    assert_eq!(order(&["dummy", "ipvlan"]), Vec::<String>::new());
    assert_eq!(order(&["ipvlan"]), ["plugins[0].ipam.type: missing"]);
    let chained = json!({"cniVersion": "0.2.0", "name": "n", "type": "bridge", "chain": [{"type": "ptp", "ipam": {"type": "static"}}]});
    assert_eq!(
        lines(&said_of(&chained.to_string(), "a.conf"), Level::Error),
        ["chain[0].type: ptp makes the container's interface, which bridge before it has made"]
    );
}

#[test]
fn what_no_runtime_would_tell_a_plugin_is_noted() {
    let notes = |kind: &str, keys: Value| {
        lines(&said_of(&listed(kind, &keys).0, "a.conflist"), Level::Note)
    };
    assert_eq!(
        notes("portmap", json!({})),
        [
            "plugins[1].capabilities: \"portMappings\" is not declared: no runtime tells portmap what to do"
        ]
    );
    assert_eq!(notes("bandwidth", json!({})).len(), 1);
    for (kind, keys) in [
        ("portmap", json!({"capabilities": {"portMappings": true}})),
        ("bandwidth", json!({"capabilities": {"bandwidth": true}})),
        (
            "bandwidth",
            json!({"capabilities": {"io.kubernetes.cri.pod-annotations": true}}),
        ),
        ("bridge", json!({"chain": [{"type": "portmap"}]})),
        ("bandwidth", json!({"egressRate": 1000000})),
        ("sriov", json!({"capabilities": {"deviceID": true}})),
        (
            "bridge",
            json!({"capabilities": {"ipRanges": true}, "ipam": {"type": "host-local"}}),
        ),
    ] {
        let report = said_of(&listed(kind, &keys).0, "a.conflist");
        assert!(
            report.findings.is_empty(),
            "{kind} {keys} {:#?}",
            report.findings
        );
    }
}
