//! host-local and static, called as plugins of their own as a main plugin calls them.

use fairway_tests_netns::{Bed, Member, Result, State, json};
use std::fs;

#[test]
fn host_local_gives_addresses_in_turn() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("host-local", json!({}));
    let a = bed.add("a", &conf)?;
    assert_eq!(
        a.result["ips"][0],
        json!({"address": "10.1.0.2/24", "gateway": "10.1.0.1"})
    );
    assert_eq!(
        a.result["ips"][1],
        json!({"address": "fd00:1::2/64", "gateway": "fd00:1::1"})
    );
    assert!(
        a.result["interfaces"].as_array().is_none_or(Vec::is_empty),
        "{}",
        a.result
    );
    assert_eq!(
        fs::read_to_string(bed.data().join("net/10.1.0.2")).unwrap(),
        "a\r\neth0"
    );
    a.check()?;
    a.del()?;
    assert_eq!(bed.held("net"), [""; 0]);
    // Round robin: an address that was given back rests until its turn comes.
    assert_eq!(bed.add("b", &conf)?.v4(), "10.1.0.3");
    assert_eq!(
        fs::read_to_string(bed.data().join("net/last_reserved_ip.0")).unwrap(),
        "10.1.0.3"
    );
    Ok(())
}

#[test]
fn host_local_gives_what_is_asked_for() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let asked = |extra, args: &str| {
        let cni = bed.cni("a", &ns, &bed.conf("host-local", extra));
        let cni = if args.is_empty() { cni } else { cni.args(args) };
        let member = Member::add(ns.clone(), cni)?;
        member.del()?;
        Ok::<_, fairway_tests_netns::Error>(member.ips())
    };
    let runtime = json!({"ips": ["10.1.0.40/24", "fd00:1::40"]});
    let args = json!({"cni": {"ips": ["10.1.0.50"]}});
    assert_eq!(
        asked(json!({"runtimeConfig": runtime}), "")?,
        ["10.1.0.40", "fd00:1::40"]
    );
    assert_eq!(asked(json!({"args": args}), "")?[0], "10.1.0.50");
    assert_eq!(asked(json!({}), "IP=10.1.0.60")?[0], "10.1.0.60");
    // A range by the runtime comes on top of the configured ones.
    let more = asked(
        json!({"runtimeConfig": {"ipRanges": [[{"subnet": "10.8.0.0/24"}]]}}),
        "",
    )?;
    assert_eq!(more[0], "10.8.0.2");

    let holder = Member::add(
        ns.clone(),
        bed.cni("holder", &ns, &bed.conf("host-local", json!({})))
            .args("IP=10.1.0.9"),
    )?;
    let error = bed
        .cni("b", &ns, &bed.conf("host-local", json!({})))
        .args("IP=10.1.0.9")
        .add()?
        .fails(102)?;
    assert!(error.msg.contains("10.1.0.9"), "{error:?}");
    let error = bed
        .cni("b", &ns, &bed.conf("host-local", json!({})))
        .args("IP=10.99.0.9")
        .add()?
        .fails(102)?;
    assert!(error.msg.contains("10.99.0.9"), "{error:?}");
    assert_eq!(bed.held("net").len(), 2, "only the holder's");
    holder.check()?;
    holder.del()
}

#[test]
fn host_local_refuses_a_second_add() -> Result {
    let bed = Bed::new()?;
    let a = bed.add("a", &bed.conf("host-local", json!({})))?;
    a.cni.add()?.fails(103)?;
    assert_eq!(bed.held("net"), ["10.1.0.2", "fd00:1::2"]);
    a.check()
}

/// DEL needs no namespace, no result and no interface; and takes nobody else's.
#[test]
fn host_local_del_and_gc() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("host-local", json!({}));
    let (a, b, c) = (
        bed.add("a", &conf)?,
        bed.add("b", &conf)?,
        bed.add("c", &conf)?,
    );
    let other = bed.add("a", &bed.conf("host-local", json!({"name": "other"})))?;
    a.cni.clone().netns_path(None).del(None)?.ok()?;
    a.cni.clone().netns_path(None).del(None)?.ok()?;
    assert_eq!(
        bed.held("net"),
        ["10.1.0.3", "10.1.0.4", "fd00:1::3", "fd00:1::4"]
    );
    b.cni.gc(&[("c", "eth0"), ("b", "eth1")])?.ok()?;
    assert_eq!(bed.held("net"), ["10.1.0.4", "fd00:1::4"]);
    c.check()?;
    b.check_finds("b")?;
    assert_eq!(bed.held("other").len(), 2);
    other.check()
}

#[test]
fn host_local_reads_the_resolvers_file() -> Result {
    let bed = Bed::new()?;
    let file = bed.scratch().join("resolv.conf");
    fs::write(
        &file,
        "nameserver 192.0.2.3\nsearch a.example b.example\noptions ndots:2\ndomain example\n",
    )
    .unwrap();
    let mut conf = bed.conf("host-local", json!({}));
    conf["ipam"]["resolvConf"] = json!(file);
    conf["ipam"]["routes"] =
        json!([{"dst": "0.0.0.0/0"}, {"dst": "198.51.100.0/24", "gw": "10.1.0.7"}]);
    let a = bed.add("a", &conf)?;
    assert_eq!(
        a.result["dns"],
        json!({"nameservers": ["192.0.2.3"], "domain": "example",
        "search": ["a.example", "b.example"], "options": ["ndots:2"]})
    );
    assert_eq!(a.result["routes"], conf["ipam"]["routes"]);
    Ok(())
}

#[test]
fn static_gives_what_it_is_told() -> Result {
    let bed = Bed::new()?;
    let ipam = json!({"type": "static",
        "addresses": [{"address": "10.1.0.9/24", "gateway": "10.1.0.1"}, {"address": "fd00:1::9/64"}],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "198.51.100.0/24", "gw": "10.1.0.7", "mtu": 1300}],
        "dns": {"nameservers": ["192.0.2.3"], "domain": "example"}});
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let conf = bed.conf("static", json!({"ipam": ipam}));
    let a = Member::add(ns.clone(), bed.cni("a", &ns, &conf))?;
    assert_eq!(
        a.result["ips"],
        json!([{"address": "10.1.0.9/24", "gateway": "10.1.0.1"}, {"address": "fd00:1::9/64"}])
    );
    assert_eq!(a.result["routes"], ipam["routes"]);
    assert_eq!(a.result["dns"], ipam["dns"]);
    a.check()?;
    a.del()?;
    a.cni.clone().netns_path(None).del(None)?.ok()?;
    a.cni.gc(&[])?.ok()?;
    a.cni.status()?.ok()?;
    before.unchanged()
}

#[test]
fn static_takes_addresses_from_arguments() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let conf = |extra| bed.conf("static", extra);
    let ipam = json!({"type": "static"});
    let runtime = json!({"ipam": ipam, "runtimeConfig": {"ips": ["10.1.0.40/24"]}});
    assert_eq!(
        bed.cni("a", &ns, &conf(runtime)).add()?.ok()?["ips"][0]["address"],
        "10.1.0.40/24"
    );
    let args = json!({"ipam": ipam, "args": {"cni": {"ips": ["fd00:1::50/64"]}}});
    assert_eq!(
        bed.cni("a", &ns, &conf(args)).add()?.ok()?["ips"][0]["address"],
        "fd00:1::50/64"
    );
    let env = bed
        .cni("a", &ns, &conf(json!({"ipam": ipam})))
        .args("IP=10.1.0.60/24;GATEWAY=10.1.0.1");
    let result = env.add()?.ok()?;
    assert_eq!(
        result["ips"][0],
        json!({"address": "10.1.0.60/24", "gateway": "10.1.0.1"})
    );
    Ok(())
}

#[test]
fn static_check_finds_an_address_that_is_not_in_the_result() -> Result {
    let bed = Bed::new()?;
    let ipam = json!({"type": "static", "addresses": [{"address": "10.1.0.9/24"}]});
    let a = bed.add("a", &bed.conf("static", json!({"ipam": ipam})))?;
    a.check()?;
    let mut prev = a.result.clone();
    prev["ips"][0]["address"] = json!("10.1.0.10/24");
    a.cni.check(&prev)?.fails(100).map(drop)
}
