//! Beside what others have set up: plugins, routes by source, an overlay, an agent of Mesos.

use super::{addresses, by, defaults, names, used};
use fairway_tests_netns::{
    Member, Result, State, Value, json, link, plugin_dir, reaches, reference_dir,
};
use std::fs;
use std::os::unix::fs::symlink;

/// Other vendors' plugins are processes of their own.
#[test]
fn with_plugins_of_others() -> Result {
    let bed = used()?;
    let others = bed.scratch().join("others");
    fs::create_dir_all(&others).unwrap();
    for kind in ["bridge", "host-local", "tuning"] {
        symlink(
            reference_dir().join(kind),
            others.join(format!("their-{kind}")),
        )
        .unwrap();
    }
    let folder = bed.scratch().join("net.d");
    fs::create_dir_all(&folder).unwrap();
    let theirs = json!({"name": "theirs", "cniVersion": "1.0.0", "plugins": [
        {"type": "their-bridge", "bridge": "br9", "isDefaultGateway": true, "ipam": {"type": "their-host-local",
            "dataDir": bed.data(), "ranges": [[{"subnet": "10.4.0.0/24"}], [{"subnet": "fd00:4::/64"}]]}},
        {"type": "their-tuning", "mtu": 1300, "capabilities": {"mac": true}},
    ]});
    fs::write(folder.join("theirs.conflist"), theirs.to_string()).unwrap();
    let path = format!("{}:{}", plugin_dir().display(), others.display());
    let conf = bed.multi(r#"[{"name": "theirs", "mac": "02:00:00:00:00:07"}, {"name": "far"}]"#);
    let first = |id: &str| -> Result<Member> {
        let ns = bed.container()?;
        let cni = bed.cni(id, &ns, &conf).path(&path);
        Member::add(ns, cni)
    };
    bed.earlier(&first("earlier")?)?;
    let before = State::take(&bed, &[])?;
    let a = first("a")?;
    assert_eq!(names(&a.ns)?, ["lo", "eth0", "net1", "net2"]);
    let net1 = link(&a.ns, "net1")?;
    assert_eq!(
        (&net1["mtu"], &net1["address"]),
        (&json!(1300), &json!("02:00:00:00:00:07"))
    );
    for gateway in ["10.1.0.1", "10.2.0.1", "10.4.0.1", "fd00:4::1"] {
        reaches(&a.ns, gateway)?;
    }
    assert_eq!(defaults(&a.ns, "-4")?, [by("10.1.0.1", "eth0", 0)]);
    assert_eq!(defaults(&a.ns, "-6")?, [by("fd00:1::1", "eth0", 1024)]);
    a.check()?;
    a.del()?;
    assert_eq!(bed.held("theirs"), [""; 0]);
    before.unchanged()?;
    // Theirs comes first and ours fails behind it.
    let mut spoilt = conf.clone();
    let annotations = json!({"k8s.v1.cni.cncf.io/networks":
        r#"[{"name": "theirs"}, {"name": "far", "bandwidth": {"egressRate": 5}}]"#});
    spoilt["runtimeConfig"] = json!({"io.kubernetes.cri.pod-annotations": annotations});
    let ns = bed.container()?;
    bed.cni("b", &ns, &spoilt).path(&path).add()?.fails(7)?;
    assert_eq!(bed.held("theirs"), [""; 0]);
    before.unchanged()
}

/// Who is reached by the second network answers by it, and the first one's default routes stay.
#[test]
fn routes_by_source_are_left_alone() -> Result {
    let bed = used()?;
    let mut conf = bed.multi("wide");
    let ranges = json!([[{"subnet": "10.7.0.0/24"}], [{"subnet": "fd00:7::/64"}]]);
    let wide = bed.conf(
        "bridge",
        json!({"bridge": "br7", "isDefaultGateway": true,
        "ipam": {"type": "host-local", "dataDir": bed.data(), "ranges": ranges}}),
    );
    let list = json!({"cniVersion": "1.1.0", "name": "wide", "plugins": [wide, {"type": "sbr"}]});
    conf["delegates"][1] = list;
    bed.earlier(&bed.add("earlier", &conf)?)?;
    let before = State::take(&bed, &[])?;
    let a = bed.add("a", &conf)?;
    for (family, gateway, by_source) in [
        ("-4", "10.1.0.1", "10.7.0.1"),
        ("-6", "fd00:1::1", "fd00:7::1"),
    ] {
        let defaults = defaults(&a.ns, family)?;
        assert_eq!(defaults.len(), 1, "{defaults:?}");
        assert_eq!(
            (defaults[0].0.as_str(), defaults[0].1.as_str()),
            (gateway, "eth0")
        );
        let own = addresses(&a.ns, "net1")?;
        let own = own.iter().find(|ip| ip.contains(':') == (family == "-6"));
        let own = own.map_or("none", String::as_str);
        let far = if family == "-6" {
            "2001:db8::1"
        } else {
            "198.51.100.1"
        };
        let way =
            a.ns.run(&format!("ip {family} route get {far} from {own}"))?;
        assert!(way.contains(&format!("via {by_source} dev net1")), "{way}");
        let way = a.ns.run(&format!("ip {family} route get {far}"))?;
        assert!(way.contains(&format!("via {gateway} dev eth0")), "{way}");
    }
    a.check()?;
    a.del()?;
    before.unchanged()
}

/// The overlay for `eth0`, with an address that the cluster gives, and a network of the node beside it.
#[test]
fn beside_an_overlay() -> Result {
    let bed = used()?;
    bed.start_daemon()?;
    let with = |networks: &str| {
        let mut conf = bed.multi(networks);
        conf["delegates"][0] = bed.conf("vxlan", json!({"name": "net"}));
        conf
    };
    bed.earlier(&bed.add("earlier", &with("far@eth1"))?)?;
    let before = State::take(&bed, &[])?;
    let a = bed.add("a", &with("far@eth1"))?;
    assert_eq!(names(&a.ns)?, ["lo", "eth0", "eth1"]);
    assert_eq!(addresses(&a.ns, "eth0")?, a.ips());
    for family in ["-4", "-6"] {
        let defaults = defaults(&a.ns, family)?;
        let by: Vec<_> = defaults.iter().map(|(_, name, _)| name.as_str()).collect();
        assert_eq!(by, ["eth0"], "{family}");
    }
    reaches(&a.ns, "10.2.0.1")?;
    a.check()?;
    // The second network's failure gives the cluster's address back.
    let held = bed.daemon(|daemon| daemon.held());
    let ns = bed.container()?;
    let spoilt = r#"[{"name": "far", "bandwidth": {"egressRate": 5}}]"#;
    bed.cni("b", &ns, &with(spoilt)).add()?.fails(7)?;
    assert_eq!(bed.daemon(|daemon| daemon.held()), held);
    a.del()?;
    before.unchanged()
}

/// Flat configuration, no `CNI_ARGS`, the agent's labels.
#[test]
fn under_mesos() -> Result {
    let bed = used()?;
    let before = State::take(&bed, &[])?;
    let mut conf = bed.multi("");
    conf["cniVersion"] = Value::Null;
    conf["runtimeConfig"] = Value::Null;
    conf["args"] = json!({"org.apache.mesos": {"network_info": {
        "name": "multi", "ip_addresses": [{"protocol": "IPv4", "ip_address": "10.1.0.66"}],
        "labels": {"labels": [{"key": "k8s.v1.cni.cncf.io/networks", "value": "far"}]},
    }}});
    let a = bed.add("a", &conf)?;
    assert_eq!(a.result["ip4"]["ip"], "10.1.0.66/24");
    assert_eq!(names(&a.ns)?, ["lo", "eth0", "net1"]);
    let path = a.ns.path().display().to_string();
    let Member { ns, cni, .. } = a;
    drop(ns);
    // After the agent's reboot.
    assert!(!path.is_empty());
    cni.netns_path(None).del(None)?.ok()?;
    before.unchanged()
}
