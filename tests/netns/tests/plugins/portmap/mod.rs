//! Host ports: packets that go through them, who gets which, and what is left.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use fairway_tests_netns::{Bed, Cni, Member, Ns, Result, Value, json, reference_dir};

mod chosen;
mod flows;
mod left;
mod taken;
mod traffic;

/// The backends.
const BACKENDS: [&str; 2] = ["iptables", "nftables"];

/// Host's port 8080 to 80 of TCP, 8053 to 53 of UDP.
fn mappings() -> Value {
    json!([
        {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
        {"hostPort": 8053, "containerPort": 53, "protocol": "udp"},
    ])
}

/// The plugin's configuration, as a runtime hands it over; a `null` in `extra` takes a key away.
fn flat(bed: &Bed, backend: &str, mappings: Value, extra: Value) -> Value {
    let mut conf = json!({
        "cniVersion": "1.1.0", "name": "net", "type": "portmap", "backend": backend,
        "dataDir": bed.scratch().join("ports"), "runtimeConfig": {"portMappings": mappings},
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(conf.as_object_mut().map(|conf| conf.remove(key))),
            value => conf[key] = value.clone(),
        }
    }
    conf
}

/// A container on a bridge that is its gateway. With the kernel's br_netfilter a bridge translates by itself, and sends
/// a frame back by the port that it came from only in hairpin mode.
fn container(bed: &Bed, id: &str) -> Result<Member> {
    bed.add(
        id,
        &bed.conf(
            "bridge",
            json!({"isDefaultGateway": true, "hairpinMode": true}),
        ),
    )
}

/// The call behind the plugin that made the links.
fn behind(bed: &Bed, id: &str, member: &Member, conf: &Value) -> Cni {
    let mut conf = conf.clone();
    conf["prevResult"] = member.result.clone();
    conf["prevResult"]["cniVersion"] = conf["cniVersion"].clone();
    bed.cni(id, &member.ns, &conf)
}

/// ADD behind it must succeed.
fn mapped(bed: &Bed, id: &str, member: &Member, conf: &Value) -> Result<Member> {
    Member::add(member.ns.clone(), behind(bed, id, member, conf))
}

/// All rules of the node, without counters and without the tables that are there for all.
fn rules(node: &Ns) -> Result<String> {
    let text = node.sh("nft -s list ruleset 2>/dev/null")?;
    Ok(text)
}

#[test]
fn the_result_passes_through_in_every_version() -> Result {
    for version in [
        "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
    ] {
        let bed = Bed::new()?;
        let extra = json!({"cniVersion": version, "isDefaultGateway": true});
        let member = bed.add("a", &bed.conf("bridge", extra))?;
        let conf = flat(&bed, "iptables", mappings(), json!({"cniVersion": version}));
        let ports = mapped(&bed, "a", &member, &conf)?;
        assert_eq!(ports.result, member.result, "{version}");
        if version >= "0.4.0" {
            ports.check()?;
        }
        ports.del()?;
        // Without ports there is nothing to do.
        let before = rules(bed.node())?;
        let conf = flat(&bed, "iptables", json!([]), json!({"cniVersion": version}));
        assert_eq!(mapped(&bed, "a", &member, &conf)?.result, member.result);
        assert_eq!(rules(bed.node())?, before);
    }
    Ok(())
}

#[test]
fn what_is_wrong_changes_nothing() -> Result {
    let bed = Bed::new()?;
    let member = container(&bed, "a")?;
    let before = rules(bed.node())?;
    let port = |key: &str, value: Value| {
        let mut mapping = json!({"hostPort": 80, "containerPort": 80});
        mapping[key] = value;
        json!([mapping])
    };
    for (mappings, extra, field) in [
        (
            port("hostPort", json!(0)),
            json!({}),
            "runtimeConfig.portMappings[0].hostPort",
        ),
        (
            port("hostPort", json!(70_000)),
            json!({}),
            "runtimeConfig.portMappings[0].hostPort",
        ),
        (
            port("containerPort", json!(0)),
            json!({}),
            "runtimeConfig.portMappings[0].containerPort",
        ),
        (
            port("protocol", json!("gre")),
            json!({}),
            "runtimeConfig.portMappings[0].protocol",
        ),
        (
            port("hostIP", json!("here")),
            json!({}),
            "runtimeConfig.portMappings[0].hostIP",
        ),
        (json!("80:80"), json!({}), "runtimeConfig.portMappings"),
        (mappings(), json!({"backend": "pf"}), "backend"),
        (mappings(), json!({"markMasqBit": 40}), "markMasqBit"),
        (mappings(), json!({"hostPortRange": "1"}), "hostPortRange"),
        (
            mappings(),
            json!({"conditionsV4": ["ip daddr 10.0.0.1"]}),
            "conditionsV4",
        ),
        (
            mappings(),
            json!({"externalSetMarkChain": "NOT-THERE"}),
            "externalSetMarkChain",
        ),
    ] {
        let conf = flat(&bed, "iptables", mappings, extra);
        let error = behind(&bed, "a", &member, &conf).add()?.fails(7)?;
        assert!(error.msg.starts_with(field), "{field}: {}", error.msg);
        assert_eq!(rules(bed.node())?, before, "{field}");
        behind(&bed, "a", &member, &conf).del(None)?.ok()?;
    }
    let alone = bed.cni(
        "a",
        &member.ns,
        &flat(&bed, "iptables", mappings(), json!({})),
    );
    let error = alone.add()?.fails(7)?;
    assert!(
        error.msg.starts_with("prevResult: missing"),
        "{}",
        error.msg
    );
    Ok(())
}

/// STATUS says whether an ADD could succeed.
#[test]
fn status_knows_what_is_needed() -> Result {
    let bed = Bed::new()?;
    let node = bed.container()?;
    let status = |extra: Value| {
        let conf = flat(&bed, "iptables", json!([]), extra);
        let cni = bed.cni("a", &node, &conf);
        cni.raw("STATUS").env("PATH", "/nowhere").run()
    };
    status(json!({}))?.ok()?;
    status(json!({"backend": null}))?.ok()?;
    status(json!({"backend": "pf"}))?.fails(7)?;
    Ok(())
}

/// A container that the reference plugin gave ports, and one that gets them from it afterwards.
#[test]
fn either_finds_and_removes_what_the_other_made() -> Result {
    let bed = Bed::new()?;
    let member = container(&bed, "a")?;
    let before = rules(bed.node())?;
    // Debian's knows no other version, and no backend.
    let conf = flat(
        &bed,
        "iptables",
        mappings(),
        json!({"cniVersion": "1.0.0", "backend": null, "dataDir": null}),
    );
    let ours = behind(&bed, "a", &member, &conf);
    let theirs = bed.cni_in(&reference_dir(), "a", &member.ns, ours.conf());
    let prev = theirs.add()?.ok()?;
    ours.check(&prev)?.ok()?;
    // Again: what is there stays.
    let made = rules(bed.node())?;
    ours.add()?.ok()?;
    assert_eq!(rules(bed.node())?.lines().count(), made.lines().count());
    ours.del(Some(&prev))?.ok()?;
    assert!(!rules(bed.node())?.contains("CNI-DN"));
    // (Debian's CHECK looks for rules of IPv4 in IPv6's table.)
    ours.add()?.ok()?;
    theirs.del(Some(&prev))?.ok()?;
    let after = rules(bed.node())?;
    assert!(!after.contains("CNI-DN") && after != before, "{after}");
    Ok(())
}
