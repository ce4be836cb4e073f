//! Who asks for rates besides the configuration, and who is asked: labels, and the daemon.

use super::*;

/// By annotations and by a Mesos task's labels; an administrator's limit stays one.
#[test]
fn workloads_ask_by_labels() -> Result {
    let bed = Bed::new()?;
    let pod = json!({"io.kubernetes.cri.pod-annotations": {
        "kubernetes.io/ingress-bandwidth": "50M", "fairway.network/egress-rate": "10M",
    }});
    let mesos = json!({"org.apache.mesos": {"network_info": {"labels": {"labels": [
        {"key": "fairway.network/ingress-rate", "value": "20M"},
        {"key": "fairway.network/egress-rate", "value": "10M"},
    ]}}}});
    let own = json!({"ingressRate": 20_000_000});
    for (kind, extra) in [
        ("bridge", json!({"bandwidth": own, "runtimeConfig": pod})),
        ("ptp", json!({"cniVersion": "0.2.0", "args": mesos})),
    ] {
        let member = bed.add("a", &bed.conf(kind, extra))?;
        let alias = bed.node().run("ip -br link show type veth")?;
        let host = alias.split(['@', ' ']).next().unwrap_or_default();
        limited(&bed, host, &member.ns)?;
        member.del()?;
    }
    let first = bed.add("a", &bed.conf("ptp", json!({})))?;
    let mut flat = flat("1.1.0", own);
    flat["runtimeConfig"] = pod;
    let limit = behind(&bed, &first, &flat)?;
    limited(&bed, &first.host_link(), &first.ns)?;
    limit.check()?;
    limit.del()?;
    unlimited(&bed, &first.host_link(), &first.ns)?;
    let annotation = "kubernetes.io/ingress-bandwidth";
    let mut bad = json!({"io.kubernetes.cri.pod-annotations": {}});
    bad["io.kubernetes.cri.pod-annotations"][annotation] = json!("fast");
    let ns = bed.container()?;
    let conf = bed.conf("bridge", json!({"runtimeConfig": bad}));
    let error = bed.cni("b", &ns, &conf).add()?.fails(7)?;
    let start = format!("pod annotation: {annotation}: \"fast\": is no rate");
    assert!(error.msg.starts_with(&start), "{error:?}");
    Ok(())
}

/// The daemon keeps the rates of all plugins in a list, where it is there.
#[test]
fn the_daemon_has_the_word_of_each() -> Result {
    let bed = Bed::new()?;
    bed.start_daemon()?;
    let words = |bed: &Bed| bed.daemon(|daemon| daemon.rates("a"));
    for kind in ["bridge", "ptp", "vxlan"] {
        let own = json!({"ingressRate": 20_000_000});
        let first = bed.add("a", &bed.conf(kind, json!({"bandwidth": own})))?;
        let limit = behind(
            &bed,
            &first,
            &flat("1.1.0", json!({"egressRate": 10_000_000})),
        )?;
        let both = [
            ("bandwidth".to_owned(), vec![10_000_000]),
            (kind.to_owned(), vec![20_000_000]),
        ];
        let there = words(&bed);
        assert!(both.iter().all(|word| there.contains(word)), "{there:?}");
        // It does it all, and says whether it does.
        unlimited(&bed, &first.host_link(), &first.ns)?;
        first.check()?;
        limit.check()?;
        bed.daemon(|daemon| daemon.refuses("endpoint.shaped", 100));
        first.check_finds("endpoint.shaped is refused")?;
        limit.check_finds("endpoint.shaped is refused")?;
        bed.daemon(|daemon| daemon.refuses("endpoint.shape", 7));
        let error = limit.cni.add()?.fails(7)?;
        assert_eq!(error.msg, "endpoint.shape is refused");
        bed.daemon(|daemon| daemon.refuses("", 0));
        limit.del()?;
        assert!(words(&bed).contains(&("bandwidth".to_owned(), vec![])));
        first.del()?;
    }
    Ok(())
}

/// A container that came before the daemon is limited by the kernel, and goes so.
#[test]
fn a_daemon_that_comes_later_is_told_at_the_end() -> Result {
    let bed = Bed::new()?;
    let first = bed.add("a", &bed.conf("ptp", json!({})))?;
    let limit = behind(&bed, &first, &flat("1.1.0", keys()))?;
    limited(&bed, &first.host_link(), &first.ns)?;
    bed.start_daemon()?;
    let now = |member: &Member| Member {
        cni: member
            .cni
            .clone()
            .env("FAIRWAY_SOCKET", bed.socket().display().to_string()),
        ..member.clone()
    };
    now(&limit).check()?;
    bed.node()
        .run(&format!("tc qdisc del dev {} root", first.host_link()))?;
    now(&limit).check_finds("has no limit")?;
    now(&limit).del()?;
    let words = bed.daemon(|daemon| daemon.rates("a"));
    assert_eq!(words, [("bandwidth".to_owned(), vec![])]);
    first.del()
}
