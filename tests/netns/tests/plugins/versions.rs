//! All verbs in all versions, and the form of the result in each.

use fairway_tests_netns::{Bed, Families, Result, Value, json, links};

const VERSIONS: [&str; 7] = [
    "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
];

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

/// What the answer of one version must look like.
fn judge(version: &str, kind: &str, result: &Value) {
    assert_eq!(result["cniVersion"], version);
    let [(v4, gateway_v4), (v6, gateway_v6)] = match kind {
        "vxlan" => [("10.1.0.2/32", "169.254.1.1"), ("fd00:1::2/128", "fe80::1")],
        _ => [("10.1.0.2/24", "10.1.0.1"), ("fd00:1::2/64", "fd00:1::1")],
    };
    if version < "0.3.0" {
        assert_eq!(
            result["ip4"],
            json!({"ip": v4, "gateway": gateway_v4, "routes": [{"dst": "0.0.0.0/0", "gw": gateway_v4}]})
        );
        assert_eq!(
            result["ip6"],
            json!({"ip": v6, "gateway": gateway_v6, "routes": [{"dst": "::/0", "gw": gateway_v6}]})
        );
        let known = ["cniVersion", "ip4", "ip6", "dns"];
        assert!(
            keys(result).iter().all(|key| known.contains(key)),
            "{result}"
        );
        return;
    }
    let ips = &result["ips"];
    assert_eq!(
        (&ips[0]["address"], &ips[0]["gateway"]),
        (&json!(v4), &json!(gateway_v4))
    );
    assert_eq!(
        (&ips[1]["address"], &ips[1]["gateway"]),
        (&json!(v6), &json!(gateway_v6))
    );
    let old = version < "1.0.0";
    assert_eq!(ips[0].get("version").is_some(), old, "{version}: {result}");
    if old {
        assert_eq!(
            (&ips[0]["version"], &ips[1]["version"]),
            (&json!("4"), &json!("6"))
        );
    }
    assert_eq!(result["routes"][1]["gw"], gateway_v6);
    let interfaces: Vec<_> = result["interfaces"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    if kind == "host-local" {
        assert!(
            interfaces.is_empty() && ips[0].get("interface").is_none(),
            "{result}"
        );
        return;
    }
    let inside = if kind == "bridge" { 2 } else { 1 };
    assert_eq!(interfaces.len(), inside + 1);
    assert_eq!(
        (&ips[0]["interface"], &ips[1]["interface"]),
        (&json!(inside), &json!(inside))
    );
    for interface in interfaces {
        let known = ["name", "mac", "sandbox", "mtu"];
        assert!(
            keys(interface).iter().all(|key| known.contains(key)),
            "{interface}"
        );
        assert_eq!(
            interface.get("mtu").is_some(),
            version == "1.1.0",
            "{version}: {result}"
        );
    }
}

fn through(kind: &str) -> Result {
    for version in VERSIONS {
        let bed = Bed::new()?;
        let mut conf = bed.conf(kind, json!({"cniVersion": version}));
        match kind {
            "bridge" => conf["isDefaultGateway"] = json!(true),
            "vxlan" => bed.start_daemon()?,
            _ => {
                conf["ipam"]["routes"] = json!([{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}, {"dst": "::/0", "gw": "fd00:1::1"}]);
            }
        }
        let a = bed.add("a", &conf)?;
        judge(version, kind, &a.result);
        // Verbs that this version does not know are refused, whatever else is right.
        let check = a.cni.check(&a.result)?;
        match version >= "0.4.0" {
            true => check.ok().map(drop)?,
            false => assert_eq!(check.fails(1)?.version, version),
        }
        for outcome in [a.cni.status()?, a.cni.gc(&[("a", "eth0")])?] {
            match version == "1.1.0" {
                true => outcome.ok().map(drop)?,
                false => outcome.fails(1).map(drop)?,
            }
        }
        a.del()?;
        assert_eq!(bed.held("net"), [""; 0]);
        assert!(
            links(bed.node())?
                .iter()
                .all(|link| !link["ifname"].to_string().contains("fw"))
        );
    }
    Ok(())
}

#[test]
fn bridge() -> Result {
    through("bridge")
}

#[test]
fn ptp() -> Result {
    through("ptp")
}

#[test]
fn vxlan() -> Result {
    through("vxlan")
}

#[test]
fn host_local() -> Result {
    through("host-local")
}

#[test]
fn no_version_means_the_oldest() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf(
        "bridge",
        json!({"cniVersion": null, "ipam": bed.ipam(Families::V4)}),
    );
    let a = bed.add("a", &conf)?;
    assert_eq!(
        (&a.result["cniVersion"], &a.result["ip4"]["ip"]),
        (&json!("0.1.0"), &json!("10.1.0.2/24"))
    );
    assert!(a.result.get("ip6").is_none());
    a.del()
}

#[test]
fn version_and_about() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    for kind in [
        "bridge",
        "ptp",
        "loopback",
        "bandwidth",
        "host-local",
        "static",
        "vxlan",
    ] {
        let cni = bed.cni("a", &ns, &bed.conf(kind, json!({})));
        for version in VERSIONS {
            let asked = cni.clone().config(json!({"cniVersion": version}));
            let answer = asked.version()?.ok()?;
            assert_eq!(
                answer,
                json!({"cniVersion": version, "supportedVersions": VERSIONS})
            );
        }
        // Whatever comes on stdin, and with Podman's placeholders for the other variables.
        for stdin in ["", "nonsense", "{}", r#"{"cniVersion": 7}"#] {
            let answer = cni
                .raw("VERSION")
                .env("CNI_IFNAME", "dummy/dummy")
                .env("CNI_NETNS", "dummy")
                .stdin(stdin)
                .run()?
                .ok()?;
            assert_eq!(answer["supportedVersions"], json!(VERSIONS), "{stdin}");
        }
        let about = cni.raw("ADD").without("CNI_COMMAND").run()?;
        assert_eq!(about.ok()?, Value::Null);
        assert!(
            about.stderr.contains(kind) && about.stderr.contains("1.1.0"),
            "{}",
            about.stderr
        );
    }
    Ok(())
}

#[test]
fn unknown_versions_and_verbs() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    for kind in [
        "bridge",
        "ptp",
        "loopback",
        "bandwidth",
        "host-local",
        "vxlan",
    ] {
        for version in ["0.5.0", "2.0.0", "1", "x", "1.1.0-rc1", "01.1.0", " 1.1.0"] {
            for verb in ["ADD", "DEL", "CHECK", "STATUS", "GC"] {
                let cni = bed.cni("a", &ns, &bed.conf(kind, json!({"cniVersion": version})));
                let error = cni.call(verb)?.fails(1)?;
                assert!(error.msg.contains(version), "{error:?}");
            }
        }
        let cni = bed.cni("a", &ns, &bed.conf(kind, json!({})));
        for verb in ["add", "ATTACH", "ADD "] {
            let error = cni.call(verb)?.fails(4)?;
            assert!(error.msg.contains("CNI_COMMAND"), "{error:?}");
        }
    }
    assert_eq!(links(bed.node())?.len(), 1);
    Ok(())
}
