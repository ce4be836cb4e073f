//! Variables that are missing, malformed, or lead nowhere.

use super::{KINDS, Place, sober};
use fairway_tests_netns::{Bed, Feature, Result, ensure, json};
use std::fs;

#[test]
fn missing_variables_are_all_named_at_once() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    for kind in KINDS {
        let cni = bed.cni("a", &place.ns, &bed.conf(kind, json!({})));
        for verb in ["ADD", "CHECK"] {
            let call = cni
                .raw(verb)
                .without("CNI_CONTAINERID")
                .without("CNI_NETNS")
                .without("CNI_IFNAME");
            let error = place.refused(&call.run()?, 4, "CNI_CONTAINERID")?;
            assert!(
                error.msg.contains("CNI_NETNS") && error.msg.contains("CNI_IFNAME"),
                "{error:?}"
            );
            place.refused(&cni.raw(verb).env("CNI_NETNS", "").run()?, 4, "CNI_NETNS")?;
        }
        let call = cni
            .raw("DEL")
            .without("CNI_CONTAINERID")
            .without("CNI_NETNS")
            .without("CNI_IFNAME");
        let error = place.refused(&call.run()?, 4, "CNI_IFNAME")?;
        assert!(!error.msg.contains("CNI_NETNS"), "{error:?}");
        place.refused(&cni.raw("GC").without("CNI_PATH").run()?, 4, "CNI_PATH")?;
    }
    Ok(())
}

#[test]
fn malformed_variables() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    for kind in KINDS {
        let cni = bed.cni("a", &place.ns, &bed.conf(kind, json!({})));
        for verb in ["ADD", "DEL", "CHECK"] {
            for (variable, value) in [
                ("CNI_CONTAINERID", "../../etc"),
                ("CNI_CONTAINERID", "a/b"),
                ("CNI_CONTAINERID", "-x"),
                ("CNI_CONTAINERID", "a b"),
                ("CNI_IFNAME", "."),
                ("CNI_IFNAME", ".."),
                ("CNI_IFNAME", "eth/0"),
                ("CNI_IFNAME", "eth:0"),
                ("CNI_IFNAME", "eth 0"),
                ("CNI_IFNAME", "sixteen-letters-"),
            ] {
                let outcome = cni.raw(verb).env(variable, value).run()?;
                let refused = place.refused(&outcome, 4, variable);
                assert!(
                    refused.is_ok(),
                    "{kind} {verb} {variable}={value}: {refused:?}"
                );
            }
        }
        for args in [
            "FOO=1",
            "FOO",
            "=x",
            "IgnoreUnknown=maybe",
            "IP=10.1.0.9;FOO=1",
        ] {
            let cni = cni.clone().args(args);
            match kind {
                // It reads none of them.
                "loopback" => cni.add()?.ok().map(drop)?,
                _ => place.refused(&cni.add()?, 4, "CNI_ARGS").map(drop)?,
            }
            // Whatever another plugin let through.
            cni.del(None)?.ok()?;
        }
    }
    Ok(())
}

/// What containerd passes is accepted, in any order.
#[test]
fn unknown_arguments_with_leave_to_ignore_them() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({}));
    for (id, args) in [
        ("a", "FOO=1;IgnoreUnknown=1"),
        (
            "b",
            "IgnoreUnknown=true;K8S_POD_NAMESPACE=x;K8S_POD_NAME=y;K8S_POD_INFRA_CONTAINER_ID=z;K8S_POD_UID=u",
        ),
        ("c", "K8S_POD_NAME=y"),
        ("d", ""),
        ("e", ";;"),
    ] {
        let ns = bed.container()?;
        bed.cni(id, &ns, &conf).args(args).add()?.ok()?;
    }
    Ok(())
}

/// The library's driver speaks UTF-8 only, so a shell sets these.
#[test]
fn bytes_that_are_no_text() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let program = fairway_tests_netns::plugin_dir();
    for kind in KINDS {
        for variable in [
            "CNI_COMMAND",
            "CNI_CONTAINERID",
            "CNI_NETNS",
            "CNI_IFNAME",
            "CNI_ARGS",
        ] {
            let script = format!(
                "{variable}=$(printf 'a\\377b') exec {}/{kind}",
                program.display()
            );
            let run = bed.node().command("sh").args(["-c", &script]).env_clear();
            let run = [
                ("CNI_COMMAND", "ADD"),
                ("CNI_CONTAINERID", "a"),
                ("CNI_IFNAME", "eth0"),
                ("PATH", "/usr/sbin:/usr/bin"),
            ]
            .iter()
            .fold(run, |run, (key, value)| run.env(key, value));
            let run = run
                .env("CNI_NETNS", place.ns.path())
                .env("CNI_PATH", &program);
            let output = run.stdin(bed.conf(kind, json!({})).to_string()).output()?;
            let error: fairway_tests_netns::Value = serde_error(&output.stdout);
            assert_eq!(
                (output.status.code(), &error["code"]),
                (Some(1), &json!(4)),
                "{kind} {variable}: {output:?}"
            );
            assert!(error["msg"].as_str().unwrap().contains(variable), "{error}");
            assert!(!output.stderr.contains("panicked"), "{output:?}");
        }
    }
    place.before.unchanged()
}

fn serde_error(text: &str) -> fairway_tests_netns::Value {
    text.parse().unwrap_or_default()
}

/// Paths with no network namespace at them: nothing, an ordinary file, a folder, another sort of namespace (a pid that
/// was given anew), a device.
#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
fn nowhere(bed: &Bed) -> [String; 5] {
    let file = bed.scratch().join("file");
    fs::write(&file, "").unwrap();
    [
        "/run/netns/fairway-is-not-there".to_owned(),
        file.display().to_string(),
        "/".to_owned(),
        "/proc/self/ns/mnt".to_owned(),
        "/dev/null".to_owned(),
    ]
}

#[test]
fn a_namespace_that_is_gone_or_is_none() -> Result {
    let bed = Bed::new()?;
    bed.start_daemon()?;
    let place = Place::new(&bed)?;
    for kind in ["bridge", "ptp", "loopback", "vxlan"] {
        for path in &nowhere(&bed) {
            let cni = bed
                .cni("a", &place.ns, &bed.conf(kind, json!({})))
                .netns_path(Some(path));
            for verb in ["ADD", "CHECK"] {
                let outcome = match verb {
                    "ADD" => cni.add()?,
                    // CHECK asks IPAM first, which knows nothing of the container.
                    _ => cni.check(&json!({"cniVersion": "1.1.0", "interfaces": [], "ips": []}))?,
                };
                let code = if verb == "CHECK" && outcome.fails(100).is_ok() {
                    100
                } else {
                    8
                };
                let refused = place.refused(&outcome, code, "");
                assert!(refused.is_ok(), "{kind} {verb} {path}: {refused:?}");
            }
            // Whatever came to the path: the container can be deleted.
            cni.del(None)?.ok()?;
        }
    }
    Ok(())
}

/// Those that make one link, and need nothing of the kernel to find that there is none.
#[test]
fn links_inside_are_no_more_where_there_is_no_namespace() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    for (kind, keys) in [
        ("macvlan", json!({"master": "up0"})),
        ("ipvlan", json!({"master": "up0"})),
        ("vlan", json!({"master": "up0", "vlanId": 5})),
        ("dummy", json!({})),
        ("tap", json!({})),
        ("host-device", json!({"device": "up0"})),
        ("sriov", json!({"deviceID": "0000:00:00.0"})),
    ] {
        for path in &nowhere(&bed) {
            let cni = bed
                .cni("a", &place.ns, &bed.conf(kind, keys.clone()))
                .netns_path(Some(path));
            let outcome = cni.del(None)?;
            let ended = outcome.ok().and_then(|_| sober(&outcome));
            assert!(ended.is_ok(), "{kind} {path}: {ended:?}");
        }
    }
    place.before.unchanged()
}

/// Those that stand behind others: what ADD and CHECK say, and that what was set up keeps no container from ending.
#[test]
fn chained_plugins_end_as_well_where_there_is_no_namespace() -> Result {
    let bed = Bed::new()?;
    let member = bed.add("a", &bed.conf("bridge", json!({})))?;
    let folder = bed.scratch().join("kept");
    for (kind, mut keys) in [
        ("tuning", json!({"dataDir": folder, "mtu": 1400})),
        ("sbr", json!({})),
        (
            "bandwidth",
            json!({"ingressRate": 8_000_000, "ingressBurst": 800_000}),
        ),
        ("vrf", json!({"vrfname": "red"})),
        ("firewall", json!({})),
        ("portmap", json!({"dataDir": folder})),
    ] {
        keys["ipam"] = json!(null);
        let mut conf = bed.conf(kind, keys);
        conf["prevResult"] = member.result.clone();
        let here = bed.cni("a", &member.ns, &conf);
        let has_vrf = kind != "vrf" || Feature::Vrf.lacking()?.is_none();
        for path in &nowhere(&bed) {
            // There must be something to undo: without a record tuning does not even look for the namespace.
            if has_vrf {
                here.add()?.ok()?;
            }
            let there = here.clone().netns_path(Some(path));
            if !["firewall", "portmap"].contains(&kind) {
                for outcome in [there.add()?, there.check(&member.result)?] {
                    let said = outcome.fails(8).and_then(|error| {
                        ensure(error.msg.contains(path), format!("{path} in {error:?}"))
                    });
                    assert!(said.is_ok(), "{kind} {path}: {said:?}");
                }
            }
            let outcome = there.del(Some(&member.result))?;
            let ended = outcome.ok().and_then(|_| sober(&outcome));
            assert!(ended.is_ok(), "{kind} {path}: {ended:?}");
            let kept = fs::read_dir(&folder).map_or(0, Iterator::count);
            assert!(kind != "tuning" || kept == 0, "{kind} {path}: {kept} files");
        }
        here.del(Some(&member.result))?.ok()?;
    }
    Ok(())
}

#[test]
fn the_plugins_own_namespace() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let path = bed.node().path().display().to_string();
    for kind in KINDS {
        let cni = bed.cni("a", &place.ns, &bed.conf(kind, json!({})));
        for path in [path.as_str(), "/proc/self/ns/net"] {
            for verb in ["ADD", "DEL", "CHECK"] {
                let outcome = cni.clone().netns_path(Some(path)).call(verb)?;
                let refused = place.refused(&outcome, 8, "CNI_NETNS");
                assert!(refused.is_ok(), "{kind} {verb}: {refused:?}");
            }
        }
        // It may be meant.
        if kind == "loopback" {
            let outcome = cni
                .netns_path(Some(&path))
                .env("CNI_NETNS_OVERRIDE", "1")
                .add()?;
            outcome.ok()?;
            sober(&outcome)?;
        }
    }
    Ok(())
}
