//! vrf, as far as it goes without VRFs in the kernel; the rest is in the suite of virtual machines.

use fairway_tests_netns::{Bed, Feature, Result, Value, json};

fn flat(extra: Value) -> Value {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "vrf"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() -> Result {
    let bed = Bed::new()?;
    let member = bed.add("a", &bed.conf("bridge", json!({})))?;
    let shown = || {
        let script = "ip link; ip addr show scope global; ip route; ip -6 route show proto static";
        // The kernel may still look for duplicates.
        let shown = member.ns.sh(script)?.replace("tentative ", "");
        Ok::<_, fairway_lab::Error>(shown)
    };
    let before = shown()?;
    let mut cases = vec![
        (json!({}), 7, "vrfname: missing"),
        (json!({"vrfname": "a/b"}), 7, "vrfname: \"a/b\""),
        (
            json!({"vrfname": "red", "table": "x"}),
            7,
            "table: expected",
        ),
        (
            json!({"vrfname": "lo"}),
            105,
            "\"lo\" already exists and is no vrf",
        ),
    ];
    if Feature::Vrf.lacking()?.is_some() {
        cases.push((json!({"vrfname": "red"}), 104, "create vrf red"));
    }
    for (extra, code, start) in cases {
        let mut conf = flat(extra);
        conf["prevResult"] = member.result.clone();
        let cni = bed.cni("a", &member.ns, &conf);
        let error = cni.add()?.fails(code)?;
        assert!(error.msg.contains(start), "{}", error.msg);
        assert_eq!(shown()?, before);
    }
    let conf = flat(json!({"vrfname": "red"}));
    let cni = bed.cni("a", &member.ns, &conf);
    cni.del(None)?.ok()?;
    cni.clone().netns_path(None).del(None)?.ok()?;
    cni.gc(&[])?.ok()?;
    cni.status()?.ok()?;
    cni.check(&member.result)?.fails(100)?;
    Ok(())
}
