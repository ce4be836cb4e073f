//! Several networks for one container, seen from the container: what is there, who leads out of it, and that all of it
//! goes again.

mod beside;
mod undo;

use fairway_tests_netns::{Bed, Ns, Result, SOON, State, Value, json, link, links, poll, reaches};

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
