//! What is asked of the daemon, and what becomes of its answers.

use super::{bed, conf};
use fairway_tests_netns::{Ns, Result, State, Value, json, link, links, reaches};
use std::fs;

#[test]
fn addresses_are_those_of_the_networks_pools() -> Result {
    let bed = bed()?;
    let pool = |pool: &str| conf(&bed, json!({"ipam": {"type": "fairway", "pool": pool}}));
    let labelled = |pool: &str| {
        conf(
            &bed,
            json!({"args": {"cni": {"labels": {"fairway.network/pool": pool}}}}),
        )
    };
    let first = bed.add("first", &conf(&bed, json!({})))?;
    let (named, told) = (
        bed.add("named", &pool("db"))?,
        bed.add("told", &labelled("db"))?,
    );
    assert_eq!(
        [first.v4(), named.v4(), told.v4()],
        ["10.1.0.2", "10.2.0.2", "10.2.0.3"]
    );
    bed.daemon(|daemon| daemon.asked());
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    for (conf, field) in [
        (pool("stray"), "ipam.pool"),
        (labelled("stray"), "args.cni.labels"),
    ] {
        let error = bed.cni("x", &ns, &conf).add()?.fails(7)?;
        assert!(
            error.msg.starts_with(field) && error.msg.contains("web, db"),
            "{error:?}"
        );
    }
    let error = bed
        .cni("x", &ns, &conf(&bed, json!({"network": "other"})))
        .add()?
        .fails(7)?;
    assert!(error.msg.starts_with("network: \"other\""), "{error:?}");
    assert_eq!(bed.daemon(|daemon| daemon.asked()), ["endpoint.prepare"; 3]);
    before.unchanged()
}

/// Whichever of its questions the daemon refuses, its code and words are told and nothing stays.
#[test]
fn what_the_daemon_refuses() -> Result {
    for (method, code) in [
        ("endpoint.prepare", 7),
        ("endpoint.prepare", 11),
        ("ipam.allocate", 101),
        ("endpoint.guard", 11),
        ("endpoint.shape", 7),
        ("endpoint.open", 11),
        ("endpoint.ready", 11),
        ("endpoint.ready", 105),
    ] {
        let bed = bed()?;
        let conf = conf(&bed, json!({}));
        let resident = bed.add("resident", &conf)?;
        let ns = bed.container()?;
        let before = State::take(&bed, &[&ns])?;
        bed.daemon(|daemon| daemon.refuses(method, code));
        let error = bed.cni("a", &ns, &conf).add()?.fails(code)?;
        assert_eq!(error.msg, format!("{method} is refused"));
        // By which the daemon's log has it.
        let request = error.details.strip_prefix("request ");
        let is_id = |id: &str| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
        assert!(request.is_some_and(is_id), "{}", error.details);
        before.unchanged()?;
        bed.daemon(|daemon| daemon.refuses(method, 0));
        resident.check()?;
        bed.add("next", &conf)?.check()?;
    }
    Ok(())
}

#[test]
fn without_the_daemon_nothing_comes_and_everything_goes() -> Result {
    let bed = bed()?;
    let conf = conf(&bed, json!({}));
    let (a, lost) = (bed.add("a", &conf)?, bed.add("lost", &conf)?);
    bed.daemon(|daemon| daemon.end());
    let ns = bed.container()?;
    let untouched = State::take(&bed, &[&ns])?;
    for outcome in [bed.cni("b", &ns, &conf).add()?, a.cni.check(&a.result)?] {
        let error = outcome.fails(11)?;
        assert!(error.msg.contains("no fairwayd"), "{error:?}");
    }
    a.cni.status()?.fails(50)?;
    untouched.unchanged()?;
    a.del()?;
    // The namespace is gone as well; and once more, as runtimes do.
    lost.cni.clone().netns_path(None).del(None)?.ok()?;
    lost.del()?;
    let names = |ns: &Ns| -> Result<Vec<Value>> {
        Ok(links(ns)?
            .iter()
            .map(|link| link["ifname"].clone())
            .collect())
    };
    assert_eq!(
        (names(bed.node())?, names(&a.ns)?),
        (vec![json!("lo")], vec![json!("lo")])
    );
    let records = fs::read_dir(bed.records().join("released"))
        .into_iter()
        .flatten();
    assert_eq!(records.count(), 2);
    // What the daemon still counts as taken it frees by the records.
    assert_eq!(bed.held("net").len(), 4);
    Ok(())
}

#[test]
fn a_second_add_asks_for_nothing() -> Result {
    let bed = bed()?;
    let a = bed.add("a", &conf(&bed, json!({})))?;
    bed.daemon(|daemon| daemon.asked());
    a.cni.add()?.fails(103)?;
    assert!(bed.daemon(|daemon| daemon.asked()).is_empty());
    a.check()?;
    assert!(reaches(bed.node(), &a.v4()).is_ok());
    Ok(())
}

#[test]
fn gc_takes_the_lost_ones() -> Result {
    let bed = bed()?;
    let own = conf(&bed, json!({}));
    let other = conf(&bed, json!({"name": "other"}));
    let (a, b, theirs) = (
        bed.add("a", &own)?,
        bed.add("b", &own)?,
        bed.add("x", &other)?,
    );
    a.cni.gc(&[("a", "eth0")])?.ok()?;
    assert!(link(bed.node(), &b.host_link()).is_err());
    for member in [&a, &theirs] {
        member.check()?;
        assert!(reaches(bed.node(), &member.v4()).is_ok());
    }
    assert!(!bed.held("net").contains(&b.v4()));
    Ok(())
}

#[test]
fn status_says_whether_an_add_would_succeed() -> Result {
    let bed = bed()?;
    let ns = bed.container()?;
    let status = |extra: Value| bed.cni("a", &ns, &conf(&bed, extra)).status();
    let before = State::take(&bed, &[&ns])?;
    status(json!({}))?.ok()?;
    assert_eq!(
        bed.daemon(|daemon| daemon.asked()),
        ["endpoint.prepare", "ipam.status"]
    );
    for (says, told) in [(50, 50), (51, 51), (11, 50), (999, 50), (7, 7)] {
        for method in ["endpoint.prepare", "ipam.status"] {
            bed.daemon(|daemon| daemon.refuses(method, says));
            status(json!({}))?.fails(told)?;
        }
    }
    bed.daemon(|daemon| daemon.refuses("", 0));
    status(json!({"mtu": 9000}))?.fails(7)?;
    status(json!({"network": "No"}))?.fails(7)?;
    before.unchanged()
}

/// As the Mesos agent calls: one flat object, ADD and DEL only.
#[test]
fn a_task_of_mesos() -> Result {
    let bed = bed()?;
    let args = json!({"org.apache.mesos": {"network_info": {
        "name": "net", "groups": ["web"],
        "labels": {"labels": [{"key": "fairway.network/pool", "value": "db"}]}}}});
    for version in [None, Some("0.2.0")] {
        let conf = conf(&bed, json!({"cniVersion": version, "args": args}));
        let ns = bed.container()?;
        let task = bed.cni("5d3c7a54-96a6-4a8a-9d6f-1c2e8e0d9c11", &ns, &conf);
        let result = task.add()?.ok()?;
        assert_eq!(
            result["ip4"],
            json!({"ip": "10.2.0.2/32", "gateway": "169.254.1.1",
                   "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}]})
        );
        assert_eq!(result["ip6"]["ip"], "fd00:2::2/128");
        assert!(
            reaches(bed.node(), "10.2.0.2").is_ok() && reaches(bed.node(), "fd00:2::2").is_ok()
        );
        // After the agent's reboot there is no namespace any more.
        task.netns_path(None).del(None)?.ok()?;
        assert_eq!(bed.held("net"), [""; 0]);
        assert!(link(&ns, "eth0").is_err());
    }
    Ok(())
}
