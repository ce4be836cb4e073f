//! Keys with values that cannot be.

use super::{KINDS, Place};
use fairway_tests_netns::{Bed, Result, Value, json};

/// ADD refuses it with code 7 and names the field; DEL, which reads none of the plugin's own keys, works.
fn refuse(kind: &str, cases: &[(Value, &str)]) -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    for (extra, field) in cases {
        let cni = bed.cni("a", &place.ns, &bed.conf(kind, extra.clone()));
        let refused = place.refused(&cni.add()?, 7, field);
        assert!(refused.is_ok(), "{kind} {extra}: {refused:?}");
    }
    place.before.unchanged()
}

#[test]
fn of_bridge() -> Result {
    let cases = [
        (json!({"bridge": 7}), "bridge"),
        (json!({"bridge": "far-too-long-a-name"}), "bridge"),
        (json!({"bridge": "a/b"}), "bridge"),
        (json!({"isGateway": "yes"}), "isGateway"),
        (json!({"isDefaultGateway": 1}), "isDefaultGateway"),
        (json!({"forceAddress": {}}), "forceAddress"),
        (json!({"ipMasq": "true"}), "ipMasq"),
        (
            json!({"ipMasq": true, "ipMasqBackend": "ebtables"}),
            "ipMasqBackend",
        ),
        (json!({"ipMasqBackend": 7}), "ipMasqBackend"),
        (json!({"mtu": "1500"}), "mtu"),
        (json!({"mtu": -1}), "mtu"),
        (json!({"mtu": 67}), "mtu"),
        (json!({"mtu": 65536}), "mtu"),
        (json!({"mtu": 1500.5}), "mtu"),
        (json!({"mtu": 18_446_744_073_709_551_615_u64}), "mtu"),
        (json!({"hairpinMode": "on"}), "hairpinMode"),
        (json!({"promiscMode": []}), "promiscMode"),
        (
            json!({"hairpinMode": true, "promiscMode": true}),
            "promiscMode",
        ),
        (json!({"macspoofchk": "x"}), "macspoofchk"),
        (json!({"enabledad": 0}), "enabledad"),
        (
            json!({"disableContainerInterface": "x"}),
            "disableContainerInterface",
        ),
        (json!({"portIsolation": 1}), "portIsolation"),
        (json!({"preserveDefaultVlan": "x"}), "preserveDefaultVlan"),
        (json!({"dns": 7}), "dns"),
        (json!({"dns": {"nameservers": "x"}}), "dns.nameservers"),
        (json!({"ipam": 7}), "ipam"),
        (json!({"ipam": {"type": 7}}), "ipam.type"),
        (json!({"ipam": {"type": "../bridge"}}), "../bridge"),
        // It would call itself for ever.
        (json!({"ipam": {"type": "bridge"}}), "ipam.type"),
        (json!({"runtimeConfig": 7}), "runtimeConfig"),
        (json!({"args": 7}), "args"),
        (json!({"args": {"cni": 7}}), "args.cni"),
        // A key is the same key in any case.
        (json!({"HAIRPINMODE": "on"}), "airpin"),
    ];
    refuse("bridge", &cases)
}

#[test]
fn of_bridge_vlans() -> Result {
    let cases = [
        (json!({"vlan": -1}), "vlan"),
        (json!({"vlan": 4095}), "vlan"),
        (json!({"vlan": "7"}), "vlan"),
        (json!({"vlanTrunk": 7}), "vlanTrunk"),
        (json!({"vlanTrunk": [7]}), "vlanTrunk[0]"),
        (json!({"vlanTrunk": [{"id": 0}]}), "vlanTrunk[0].id"),
        (
            json!({"vlanTrunk": [{"id": 5}, {"id": 4095}]}),
            "vlanTrunk[1].id",
        ),
        (json!({"vlanTrunk": [{"minID": 5}]}), "vlanTrunk[0].maxID"),
        (json!({"vlanTrunk": [{"maxID": 5}]}), "vlanTrunk[0].minID"),
        (
            json!({"vlanTrunk": [{"minID": 6, "maxID": 5}]}),
            "vlanTrunk[0].minID",
        ),
    ];
    refuse("bridge", &cases)
}

#[test]
fn of_ptp() -> Result {
    let cases = [
        (json!({"ipMasq": 1}), "ipMasq"),
        (
            json!({"ipMasq": true, "ipMasqBackend": "nft"}),
            "ipMasqBackend",
        ),
        (json!({"mtu": "x"}), "mtu"),
        (json!({"mtu": 10}), "mtu"),
        (json!({"dns": []}), "dns"),
        (json!({"ipam": "host-local"}), "ipam"),
    ];
    refuse("ptp", &cases)
}

#[test]
fn of_vxlan() -> Result {
    let cases = [
        (json!({"network": null}), "network"),
        (json!({"network": ""}), "network"),
        (json!({"network": "Apps"}), "network"),
        (json!({"network": ["apps"]}), "network"),
        (json!({"mtu": "x"}), "mtu"),
        (json!({"mtu": 10}), "mtu"),
        (json!({"dns": []}), "dns"),
        (json!({"ipam": null}), "ipam.type"),
        (json!({"ipam": "fairway"}), "ipam"),
        (json!({"ipam": {"type": "static"}}), "ipam.type"),
        (json!({"ipam": {"type": "fairway", "pool": 7}}), "ipam.pool"),
        (
            json!({"ipam": {"type": "fairway", "routes": [{}]}}),
            "ipam.routes[0].dst",
        ),
        (json!({"runtimeConfig": {"ips": [7]}}), "runtimeConfig.ips"),
    ];
    refuse("vxlan", &cases)
}

fn with(bed: &Bed, key: &str, value: Value) -> Value {
    let mut ipam = bed.ipam(fairway_tests_netns::Families::Dual);
    ipam[key] = value;
    json!({"ipam": ipam})
}

/// Through bridge and alone: the same words, and no link is made for it.
#[test]
fn of_host_local() -> Result {
    let bed = Bed::new()?;
    let ranges = |value| with(&bed, "ranges", value);
    let cases = [
        (ranges(json!([])), "ipam.ranges"),
        (ranges(json!("x")), "ipam.ranges"),
        (ranges(json!([[]])), "ipam.ranges[0]"),
        (
            ranges(json!([[{"subnet": "10.0.0.0/33"}]])),
            "ipam.ranges[0][0].subnet",
        ),
        (ranges(json!([[{"subnet": 7}]])), "ipam.ranges[0][0].subnet"),
        (
            ranges(json!([[{"subnet": "10.0.0.0/24", "rangeStart": "10.0.1.1"}]])),
            "rangeStart",
        ),
        (
            ranges(json!([[{"subnet": "10.0.0.0/24", "rangeEnd": "x"}]])),
            "rangeEnd",
        ),
        (
            ranges(json!([[{"subnet": "10.0.0.0/24", "gateway": "x"}]])),
            "gateway",
        ),
        (
            ranges(json!([[{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.0.0/16"}]])),
            "ipam.ranges[0]",
        ),
        (
            ranges(json!([[{"subnet": "10.0.0.0/24"}, {"subnet": "fd00::/64"}]])),
            "ipam.ranges[0]",
        ),
        (with(&bed, "routes", json!("x")), "ipam.routes"),
        (with(&bed, "routes", json!([{}])), "ipam.routes[0].dst"),
        (
            with(&bed, "routes", json!([{"dst": "x"}])),
            "ipam.routes[0].dst",
        ),
        (
            with(&bed, "routes", json!([{"dst": "10.0.0.0/8", "mtu": "x"}])),
            "ipam.routes[0].mtu",
        ),
        (with(&bed, "dataDir", json!(7)), "ipam.dataDir"),
        (with(&bed, "resolvConf", json!(7)), "ipam.resolvConf"),
    ];
    for kind in ["bridge", "host-local"] {
        refuse(kind, &cases)?;
    }
    Ok(())
}

#[test]
fn of_static() -> Result {
    let ipam = |value: Value| {
        let mut ipam = value;
        ipam["type"] = json!("static");
        json!({"ipam": ipam})
    };
    let cases = [
        (ipam(json!({"addresses": 7})), "ipam.addresses"),
        (
            ipam(json!({"addresses": [{}]})),
            "ipam.addresses[0].address",
        ),
        (
            ipam(json!({"addresses": [{"address": "10.0.0.300/24"}]})),
            "ipam.addresses[0].address",
        ),
        (
            ipam(json!({"addresses": [{"address": "10.0.0.3/24", "gateway": "x"}]})),
            "ipam.addresses[0].gateway",
        ),
        (
            ipam(json!({"addresses": [{"address": "10.0.0.3/24"}], "routes": [{"dst": 7}]})),
            "ipam.routes[0].dst",
        ),
        (
            ipam(json!({"addresses": [{"address": "10.0.0.3/24"}], "dns": {"search": 7}})),
            "dns.search",
        ),
    ];
    for kind in ["bridge", "static"] {
        refuse(kind, &cases)?;
    }
    Ok(())
}

#[test]
fn of_what_all_share() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    for kind in KINDS {
        for (extra, field) in [
            (json!({"name": null}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": "../net"}), "name"),
            (json!({"name": "a b"}), "name"),
            (json!({"name": 7}), "name"),
            (json!({"cniVersion": 7}), "cniVersion"),
        ] {
            let cni = bed.cni("a", &place.ns, &bed.conf(kind, extra.clone()));
            for verb in ["ADD", "DEL", "CHECK"] {
                let refused = place.refused(&cni.call(verb)?, 7, field);
                assert!(refused.is_ok(), "{kind} {verb} {extra}: {refused:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn an_unknown_ipam_plugin() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    for kind in super::MAIN {
        let cni = bed.cni(
            "a",
            &place.ns,
            &bed.conf(kind, json!({"ipam": {"type": "nowhere"}})),
        );
        place.refused(&cni.add()?, 107, "nowhere")?;
        // DEL says so too, as an address may be held there.
        place.refused(&cni.del(None)?, 107, "nowhere")?;
        // The plugin is there, and CNI_PATH does not lead to it.
        let cni = bed
            .cni("a", &place.ns, &bed.conf(kind, json!({})))
            .path("/nonexistent");
        place.refused(&cni.add()?, 107, "host-local")?;
    }
    Ok(())
}

/// An IPAM plugin of another vendor that answers nonsense, fails without words, or gives no address.
#[test]
fn an_ipam_plugin_that_misbehaves() -> Result {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let file = bed.scratch().join("odd");
    for kind in super::MAIN {
        for (script, code, word) in [
            ("echo nonsense", 6, "odd"),
            ("echo '[]'", 6, "odd"),
            ("exit 3", 6, "odd"),
            ("kill -9 $$", 6, "odd"),
            (
                "echo '{\"code\": 42, \"msg\": \"its own words\"}'; exit 1",
                42,
                "its own words",
            ),
            ("echo '{\"cniVersion\": \"1.1.0\", \"ips\": []}'", 7, "IP"),
            (
                "echo '{\"cniVersion\": \"1.1.0\", \"ips\": [{\"address\": 7}]}'",
                7,
                "ips[0].address",
            ),
            (
                "echo '{\"cniVersion\": \"1.1.0\", \"ips\": [{\"address\": \"10.0.0.9/24\", \"gateway\": \"fd00::1\"}]}'",
                7,
                "fd00::1",
            ),
        ] {
            fs::write(
                &file,
                format!("#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\ncat >/dev/null\n{script}\n"),
            )
            .unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            let cni = bed.cni(
                "a",
                &place.ns,
                &bed.conf(kind, json!({"ipam": {"type": "odd"}})),
            );
            let cni = cni.path(bed.scratch().display().to_string());
            let refused = place.refused(&cni.add()?, code, word);
            assert!(
                refused.is_ok() || kind == "bridge" && bed.node().run("ip link show br0").is_ok(),
                "{kind} {script}: {refused:?}"
            );
            bed.node().sh("ip link del br0 2>/dev/null || true")?;
        }
    }
    Ok(())
}
