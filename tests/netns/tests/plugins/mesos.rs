//! As the Mesos agent's `network/cni` isolator calls: one flat configuration, six variables, ADD and DEL
//! only, results of version 0.1.0 or 0.2.0, and of 0.3.0 where its operator wants that.

mod recovery;

use fairway_tests_netns::{Bed, Cni, Ns, Result, State, Value, json, plugin_dir, reaches};

/// `network_info` as the agent writes it, with an address where the task asks for one.
fn args(address: Option<&str>) -> Value {
    let addresses: Vec<_> = match address {
        Some(ip) => vec![json!({"protocol": "IPv4", "ip_address": ip})],
        None => vec![json!({"protocol": "IPv4"})],
    };
    json!({"org.apache.mesos": {"network_info": {
        "name": "net", "ip_addresses": addresses, "groups": ["web"],
        "labels": {"labels": [{"key": "app", "value": "x"}]},
        "port_mappings": [{"host_port": 31000, "container_port": 80, "protocol": "tcp"}]}}})
}

fn conf(bed: &Bed, version: Option<&str>, address: Option<&str>) -> Value {
    bed.conf("bridge", json!({"cniVersion": version, "isDefaultGateway": true, "ipMasq": true, "args": args(address)}))
}

/// Exactly CNI_COMMAND, CNI_CONTAINERID, CNI_PATH, CNI_IFNAME, CNI_NETNS and PATH; the driver adds nothing.
fn agent(bed: &Bed, id: &str, ns: &Ns, conf: &Value) -> Cni {
    bed.cni_in(&plugin_dir(), id, ns, conf)
}

#[test]
fn a_task_comes_and_goes() -> Result {
    for version in [None, Some("0.1.0"), Some("0.2.0"), Some("0.3.0")] {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let conf = conf(&bed, version, None);
        let first = bed.container()?;
        agent(&bed, "0-earlier", &first, &conf).add()?.ok()?;
        bed.settles()?;
        agent(&bed, "0-earlier", &first, &conf).del(None)?.ok()?;
        let before = State::take(&bed, &[])?;
        let ns = bed.container()?;
        let task = agent(&bed, "5d3c7a54-96a6-4a8a-9d6f-1c2e8e0d9c11", &ns, &conf);
        let result = task.add()?.ok()?;
        assert_eq!(result["cniVersion"], version.unwrap_or("0.1.0"));
        let (old, new) = (["ip4", "ip6"], ["interfaces", "ips"]);
        let (mine, others) = match version {
            Some("0.3.0") => (new, old),
            _ => (old, new),
        };
        assert!(mine.iter().all(|key| result.get(key).is_some()), "{result}");
        assert!(
            others.iter().all(|key| result.get(key).is_none()),
            "{result}"
        );
        if mine == old {
            assert_eq!(result["ip4"]["ip"], "10.1.0.3/24");
            assert_eq!(result["ip4"]["gateway"], "10.1.0.1");
            assert_eq!(result["ip6"]["ip"], "fd00:1::3/64");
        } else {
            let ips = json!([
                {"version": "4", "interface": 2, "address": "10.1.0.3/24", "gateway": "10.1.0.1"},
                {"version": "6", "interface": 2, "address": "fd00:1::3/64", "gateway": "fd00:1::1"},
            ]);
            assert_eq!(result["ips"], ips);
        }
        // Both ways with the agent's own node, and out.
        assert!(reaches(bed.node(), "10.1.0.3").is_ok() && reaches(&ns, "192.0.2.2").is_ok());
        task.del(None)?.ok()?;
        before.unchanged()?;
        drop(outside);
    }
    Ok(())
}

/// After a reboot of the agent the namespace is not known any more.
#[test]
fn del_without_a_namespace() -> Result {
    let bed = Bed::new()?;
    let conf = conf(&bed, Some("0.2.0"), None);
    let ns = bed.container()?;
    agent(&bed, "earlier", &ns, &conf).add()?.ok()?;
    bed.settles()?;
    agent(&bed, "earlier", &ns, &conf).del(None)?.ok()?;
    let before = State::take(&bed, &[])?;
    agent(&bed, "task", &ns, &conf).add()?.ok()?;
    agent(&bed, "task", &ns, &conf)
        .netns_path(None)
        .del(None)?
        .ok()?;
    before.unchanged()
}

#[test]
fn an_explicit_address_is_given_or_refused() -> Result {
    let bed = Bed::new()?;
    let (a, b) = (bed.container()?, bed.container()?);
    let asked = conf(&bed, Some("0.2.0"), Some("10.1.0.77"));
    let first = agent(&bed, "first", &a, &asked);
    assert_eq!(first.add()?.ok()?["ip4"]["ip"], "10.1.0.77/24");
    let second = agent(&bed, "second", &b, &asked);
    let before = State::take(&bed, &[&b])?;
    let error = second.add()?.fails(102)?;
    assert!(error.msg.contains("10.1.0.77"), "{error:?}");
    before.unchanged()?;
    first.del(None)?.ok()?;
    second.add()?.ok()?;
    second.del(None)?.ok()?;
    let elsewhere = conf(&bed, Some("0.2.0"), Some("10.99.0.1"));
    let error = agent(&bed, "third", &b, &elsewhere).add()?.fails(102)?;
    assert!(error.msg.contains("10.99.0.1"), "{error:?}");
    assert_eq!(bed.held("net"), [""; 0]);
    Ok(())
}

/// Keys that only lists have elsewhere do no harm here, and errors are of the version asked for.
#[test]
fn errors_are_readable_to_it() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let mut conf = conf(&bed, Some("0.2.0"), None);
    conf["ipam"]["ranges"] = json!("nonsense");
    let error = agent(&bed, "task", &ns, &conf).add()?.fails(7)?;
    assert_eq!(error.version, "0.2.0");
    agent(&bed, "task", &ns, &conf).del(None)?.ok().map(drop)
}
