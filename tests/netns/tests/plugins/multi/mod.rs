//! Several networks for one container, seen from the container: what is there, who leads out of it, and that all of it
//! goes again.

use fairway_tests_netns::{
    Bed, Member, Ns, Result, SOON, State, Value, json, link, links, plugin_dir, poll, reaches,
    reference_dir,
};
use std::fs;
use std::os::unix::fs::symlink;

/// A node on which containers of both networks have lived: bridge and forwarding are there.
fn used() -> Result<Bed> {
    let bed = Bed::new()?;
    bed.earlier(&bed.add("earlier", &bed.multi("far"))?)?;
    Ok(bed)
}

fn names(ns: &Ns) -> Result<Vec<String>> {
    let links = links(ns)?;
    let names = links.iter().filter_map(|link| link["ifname"].as_str());
    Ok(names.map(str::to_owned).collect())
}

/// The global addresses of an interface, without prefix.
fn addresses(ns: &Ns, name: &str) -> Result<Vec<String>> {
    let link = link(ns, name)?;
    let addresses = link["addr_info"].as_array().into_iter().flatten();
    let global = addresses.filter(|address| address["scope"] == "global");
    let local = global.filter_map(|address| address["local"].as_str());
    Ok(local.map(str::to_owned).collect())
}

/// The default routes, as `ip route` says them: (gateway, interface, metric).
fn defaults(ns: &Ns, family: &str) -> Result<Vec<(String, String, u64)>> {
    let routes = ns.json(&format!("ip -j {family} route show default"))?;
    let routes = routes.as_array().into_iter().flatten();
    let text = |route: &Value, key: &str| route[key].as_str().unwrap_or_default().to_owned();
    Ok(routes
        .map(|route| {
            let metric = route["metric"].as_u64().unwrap_or_default();
            (text(route, "gateway"), text(route, "dev"), metric)
        })
        .collect())
}

/// Waits until each link that is up has its link-local address, which comes by itself.
fn settled(ns: &Ns) -> Result {
    poll(SOON, "link-local addresses", || {
        let links = links(ns).unwrap_or_default();
        let mut up = links.iter().filter(|link| {
            let flags = link["flags"].as_array().into_iter().flatten();
            link["ifname"] != "lo" && flags.clone().any(|flag| flag == "LOWER_UP")
        });
        up.all(|link| {
            let addresses = link["addr_info"].as_array().into_iter().flatten();
            let mut local = addresses.filter(|address| address["scope"] == "link");
            local.any(|address| address["tentative"].is_null())
        })
    })
}

fn by(gateway: &str, name: &str, metric: u64) -> (String, String, u64) {
    (gateway.to_owned(), name.to_owned(), metric)
}

fn kept(bed: &Bed, id: &str) -> Result<Value> {
    let file = bed.remembered().join(format!("multi/{id}@eth0"));
    bed.node().json(&format!("cat {}", file.display()))
}

const STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

#[test]
fn a_container_has_what_it_asks_for() -> Result {
    let bed = used()?;
    let before = State::take(&bed, &[])?;
    let a = bed.add("a", &bed.multi("far"))?;
    let b = bed.add("b", &bed.multi("far@data0,net"))?;
    let c = bed.add("c", &bed.multi(""))?;
    assert_eq!(names(&a.ns)?, ["lo", "eth0", "net1"]);
    assert_eq!(names(&b.ns)?, ["lo", "eth0", "data0", "net2"]);
    assert_eq!(names(&c.ns)?, ["lo", "eth0"]);
    // A runtime takes all addresses of a result for the pod's: they are the first network's.
    assert_eq!(addresses(&a.ns, "eth0")?, a.ips());
    assert_eq!(a.ips().len(), 2);
    let further = addresses(&a.ns, "net1")?;
    assert!(
        further[0].starts_with("10.2.0.") && further[1].starts_with("fd00:2::"),
        "{further:?}"
    );
    // Of two networks that both set default routes the first one's count.
    for (family, gateway) in [("-4", "10.1.0.1"), ("-6", "fd00:1::1")] {
        let metric = if family == "-4" { 0 } else { 1024 };
        assert_eq!(defaults(&a.ns, family)?, [by(gateway, "eth0", metric)]);
        reaches(&a.ns, gateway)?;
    }
    for gateway in ["10.2.0.1", "fd00:2::1"] {
        reaches(&a.ns, gateway)?;
    }
    for member in [&a, &b, &c] {
        member.check()?;
    }
    let status = kept(&bed, "a")?[STATUS].clone();
    let entry = |name: &str, ifname: &str, default: bool| -> Result<Value> {
        let link = link(&a.ns, ifname)?;
        let mut entry = json!({"name": name, "interface": ifname, "ips": addresses(&a.ns, ifname)?,
            "mac": link["address"], "mtu": link["mtu"], "default": default});
        if default {
            entry["gateway"] = json!(["10.1.0.1", "fd00:1::1"]);
        }
        Ok(entry)
    };
    assert_eq!(
        status,
        json!([entry("net", "eth0", true)?, entry("far", "net1", false)?])
    );
    // A later change of one of them is found.
    a.ns.run(&format!("ip addr del {}/24 dev net1", further[0]))?;
    a.check_finds("network far at net1")?;
    for member in [&a, &b, &c] {
        member.del()?;
    }
    assert_eq!(names(&b.ns)?, ["lo"]);
    before.unchanged()
}

#[test]
fn the_default_route_is_chosen() -> Result {
    let bed = used()?;
    for (network, asked, v4, v6) in [
        // All of the network's own.
        (
            "far",
            "[]",
            vec![by("10.2.0.1", "net1", 0)],
            vec![by("fd00:2::1", "net1", 1024)],
        ),
        // One family, the other stays.
        (
            "far",
            r#"["10.2.0.1"]"#,
            vec![by("10.2.0.1", "net1", 0)],
            vec![by("fd00:1::1", "eth0", 1024)],
        ),
        // In the order of the gateways.
        (
            "net",
            r#"["10.1.0.1", "10.1.0.9", "fd00:1::1"]"#,
            vec![by("10.1.0.1", "net1", 0), by("10.1.0.9", "net1", 1)],
            vec![by("fd00:1::1", "net1", 1024)],
        ),
    ] {
        let before = State::take(&bed, &[])?;
        let networks = format!(r#"[{{"name": "{network}", "default-route": {asked}}}]"#);
        let a = bed.add("a", &bed.multi(&networks))?;
        assert_eq!(defaults(&a.ns, "-4")?, v4, "{asked}");
        assert_eq!(defaults(&a.ns, "-6")?, v6, "{asked}");
        a.check()?;
        let routes = a.result["routes"].as_array().into_iter().flatten();
        let own = routes.filter(|route| route["dst"] == "0.0.0.0/0");
        assert_eq!(own.count(), 0, "the result says no more than there is");
        a.ns.run(&format!("ip route del default via {}", v4[0].0))?;
        a.check_finds("route 0.0.0.0/0")?;
        a.del()?;
        before.unchanged()?;
    }
    // Nobody is there by whom it could lead.
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let networks = r#"[{"name": "far", "default-route": ["203.0.113.1"]}]"#;
    let outcome = bed.cni("a", &ns, &bed.multi(networks)).add()?;
    let error = outcome.fails(7)?;
    assert!(
        error.msg.contains("networks[0].default-route: 203.0.113.1"),
        "{error:?}"
    );
    assert_eq!(error.details.matches("left behind").count(), 0, "{error:?}");
    before.unchanged()
}

#[test]
fn a_network_is_told_what_is_asked_for_it() -> Result {
    let bed = used()?;
    let networks =
        r#"[{"name": "far", "ips": ["10.2.0.77"], "bandwidth": {"egressRate": 10000000}}]"#;
    let a = bed.add("a", &bed.multi(networks))?;
    assert_eq!(addresses(&a.ns, "net1")?[0], "10.2.0.77");
    let limit = |name: &str| a.ns.run(&format!("tc class show dev {name}"));
    assert!(limit("net1")?.contains("rate 10Mbit"));
    assert!(!limit("eth0")?.contains("rate"));
    a.check()?;
    a.del()
}

/// The second of two networks cannot be had, in its first plugin or in a later one.
#[test]
fn a_failure_undoes_the_networks_before() -> Result {
    let bed = used()?;
    let resident = bed.add("resident", &bed.multi("far"))?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    for (networks, code) in [
        // Taken by the resident.
        (r#"[{"name": "far", "ips": ["10.2.0.3"]}]"#, 102),
        // What bandwidth refuses, after ptp has done its part.
        (r#"[{"name": "far", "bandwidth": {"egressRate": 5}}]"#, 7),
    ] {
        let taken = addresses(&resident.ns, "net1")?;
        let networks = networks.replace("10.2.0.3", &taken[0]);
        let outcome = bed.cni("a", &ns, &bed.multi(&networks)).add()?;
        let error = outcome.fails(code)?;
        assert!(error.msg.starts_with("network far at net1: "), "{error:?}");
        assert!(!error.details.contains("left behind"), "{error:?}");
        before.unchanged()?;
    }
    // One that has its networks keeps them.
    let again = bed.cni("resident", &resident.ns, &bed.multi("far"));
    again.add()?.fails(103)?;
    resident.check()?;
    resident.del()
}

#[test]
fn del_needs_neither_folder_nor_namespace_nor_result() -> Result {
    let bed = used()?;
    let before = State::take(&bed, &[])?;
    let folder = bed.scratch().join("net.d");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("10-more.conflist");
    let more = json!({"name": "more", "cniVersion": "1.0.0", "plugins": [{
        "type": "bridge", "bridge": "br0", "ipam": {"type": "host-local", "dataDir": bed.data(),
        "ranges": [[{"subnet": "10.3.0.0/24"}]]},
    }]});
    for how in [
        "changed",
        "no namespace",
        "lost namespace",
        "no record",
        "process",
    ] {
        fs::write(&file, more.to_string()).unwrap();
        let a = bed.add("a", &bed.multi("far,more"))?;
        assert_eq!(names(&a.ns)?, ["lo", "eth0", "net1", "net2"]);
        let Member { ns, cni, .. } = a;
        match how {
            "changed" => {
                fs::remove_file(&file).unwrap();
                let mut conf = bed.multi("nonsense,");
                conf["delegates"] = json!([{"name": "other", "type": "ptp"}]);
                bed.cni("a", &ns, &conf).del(None)?.ok()?;
            }
            "no namespace" => {
                let path = ns.path().display().to_string();
                drop(ns);
                cni.netns_path(Some(&path)).del(None)?.ok()?;
            }
            "no record" => {
                fs::remove_dir_all(bed.remembered()).unwrap();
                cni.del(None)?.ok()?;
            }
            _ => {
                let process = ns.command("sleep").arg("100").spawn()?;
                cni.netns_path(None).del(None)?.ok()?;
                assert_eq!(names(&ns)?, ["lo"]);
                drop(process);
            }
        }
        assert_eq!(bed.held("more"), [""; 0], "{how}");
        let unchanged = before.unchanged();
        assert!(unchanged.is_ok(), "{how}: {unchanged:?}");
    }
    Ok(())
}

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

#[test]
fn gc_leaves_what_is_valid() -> Result {
    let bed = used()?;
    let a = bed.add("a", &bed.multi("far"))?;
    for ns in [bed.node(), &a.ns] {
        settled(ns)?;
    }
    let before = State::take(&bed, &[&a.ns])?;
    let b = bed.add("b", &bed.multi("far"))?;
    let Member { ns, .. } = bed.add("c", &bed.multi("far"))?;
    drop((ns, b));
    a.cni.gc(&[("a", "eth0")])?.ok()?;
    before.unchanged()?;
    a.check()?;
    // What no record speaks of any more is the networks' to find.
    let c = bed.add("c", &bed.multi("far"))?;
    fs::remove_file(bed.remembered().join("multi/c@eth0")).unwrap();
    drop(c);
    a.cni.gc(&[("a", "eth0")])?.ok()?;
    before.unchanged()?;
    // Nothing is taken from one that should be known and is not.
    let d = bed.add("d", &bed.multi("far"))?;
    fs::remove_file(bed.remembered().join("multi/d@eth0")).unwrap();
    let error = a.cni.gc(&[("a", "eth0"), ("d", "eth0")])?.fails(100)?;
    assert!(error.msg.contains("\"d\""), "{error:?}");
    for gateway in ["10.1.0.1", "10.2.0.1"] {
        reaches(&d.ns, gateway)?;
    }
    d.cni.del(None)?.ok()?;
    before.unchanged()?;
    a.del()
}

#[test]
fn status_is_that_of_the_networks() -> Result {
    let bed = used()?;
    let ns = bed.container()?;
    let mut conf = bed.multi("");
    bed.cni("x", &ns, &conf).status()?.ok()?;
    // The first network's addresses are used up.
    conf["delegates"][0]["ipam"]["ranges"] = json!([[{"subnet": "10.5.0.0/30"}]]);
    conf["delegates"][0]["name"] = json!("small");
    conf["delegates"][0]["bridge"] = json!("br5");
    bed.cni("x", &ns, &conf).status()?.ok()?;
    let member = bed.add("x", &conf)?;
    let error = bed.cni("x", &ns, &conf).status()?.fails(50)?;
    assert!(error.msg.starts_with("network small: "), "{error:?}");
    member.del()?;
    bed.cni("x", &ns, &conf).status()?.ok().map(drop)
}

#[test]
fn every_version_is_answered_in_its_form() -> Result {
    for version in [
        "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
    ] {
        let bed = Bed::new()?;
        let mut conf = bed.multi("far");
        conf["cniVersion"] = json!(version);
        let a = bed.add("a", &conf)?;
        assert_eq!(a.result["cniVersion"], version);
        let address = match version {
            "0.1.0" | "0.2.0" => &a.result["ip4"]["ip"],
            _ => &a.result["ips"][0]["address"],
        };
        assert_eq!(address, "10.1.0.2/24");
        assert_eq!(
            a.result["ips"][0].get("version").is_some(),
            version.starts_with("0.3") || version == "0.4.0"
        );
        assert_eq!(names(&a.ns)?, ["lo", "eth0", "net1"]);
        if version >= "0.4.0" {
            a.check()?;
        }
        a.del()?;
        assert_eq!(names(&a.ns)?, ["lo"]);
        // The delegates may be of another.
        for plugin in 0..2 {
            conf["delegates"][plugin]["cniVersion"] = json!(version);
        }
        conf["cniVersion"] = json!("1.0.0");
        let b = bed.add("b", &conf)?;
        assert_eq!(b.result["ips"][0]["address"], "10.1.0.3/24");
        b.check()?;
        b.del()?;
    }
    Ok(())
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

#[test]
fn bad_input_is_named_and_leaves_nothing() -> Result {
    let bed = used()?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let at = "pod annotation: k8s.v1.cni.cncf.io/networks";
    for (networks, code, words) in [
        (
            "far,nobody",
            7,
            "[1]: network \"nobody\" is none of the delegates",
        ),
        ("far,../../etc/passwd", 7, "[1]: \"../../etc/passwd\": "),
        (
            "far@eth0",
            7,
            "[0].interface: interface \"eth0\" is CNI_IFNAME's",
        ),
        ("far@x,far@x", 7, "[1].interface: interface \"x\" is "),
        ("far@far/away", 7, "[0]: \"far@far/away\": interface: "),
        (
            "far@sixteen-letters-",
            7,
            "[0]: \"far@sixteen-letters-\": interface: ",
        ),
        (
            "[{\"name\": \"far\", \"mac\": \"02:00:00:00:00:01\"}]",
            2,
            "[0].mac: network \"far\" has no plugin",
        ),
        (
            "[{\"name\": \"far\", \"mac\": \"x\"}]",
            7,
            "[0].mac: \"x\": ",
        ),
        (
            "[{\"name\": \"far\"}, {\"namespace\": \"x\"}]",
            7,
            "[1].name: missing",
        ),
        (
            "[{\"name\": \"far\", \"default-route\": []}, {\"name\": \"far\", \"default-route\": []}]",
            7,
            "[1].default-route: ",
        ),
        (
            "[{\"name\": \"far\"",
            7,
            ": [{\"name\": \"far\": is no JSON",
        ),
    ] {
        let outcome = bed.cni("a", &ns, &bed.multi(networks)).add()?;
        let error = outcome.fails(code)?;
        assert!(
            error.msg.starts_with(&format!("{at}{words}")),
            "{networks}: {error:?}"
        );
        // Nothing was done, and a DEL says no different.
        bed.cni("a", &ns, &bed.multi(networks)).del(None)?.ok()?;
        before.about_unchanged()?;
    }
    let mut conf = bed.multi("");
    let mut own = bed.multi("");
    own["name"] = json!("inner");
    conf["delegates"] = json!([own]);
    let error = bed.cni("a", &ns, &conf).add()?.fails(7)?;
    assert_eq!(error.msg, "delegates[0].type: \"multi\": would call itself");
    let many = vec!["far"; 33].join(",");
    let error = bed.cni("a", &ns, &bed.multi(&many)).add()?.fails(7)?;
    assert!(error.msg.contains("33 networks"), "{error:?}");
    before.unchanged()
}
