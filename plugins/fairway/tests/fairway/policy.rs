//! Policy, as bridge and ptp ask for it.

use crate::{
    common::{Fake, Step, attachment, good, refused},
    links::Bed,
};
use fairway_api::{Body, Method, endpoint::Open};
use fairway_lab::{Cni, Result, Value, json};

const KINDS: [&str; 2] = ["bridge", "ptp"];

fn cni(bed: &Bed, kind: &str, fake: &Fake, policy: Value) -> Cni {
    let extra = json!({
        "cniVersion": "1.1.0", "policy": policy,
        "args": {"org.apache.mesos": {"network_info": {"groups": ["db"], "labels": {"labels": [
            {"key": "app", "value": "web"}, {"key": "fairway.network/namespace", "value": "shop"},
        ]}}}},
    });
    bed.cni(bed.plugins.path(), kind, fake.dir.path(), extra)
}

fn opened(fake: &Fake) -> Open {
    let open = |method| match method {
        Method::EndpointOpen(open) => Some(*open),
        _ => None,
    };
    fake.seen().into_iter().find_map(open).unwrap()
}

#[test]
fn a_container_is_guarded_opened_and_verified() -> Result {
    for kind in KINDS {
        let bed = Bed::new()?;
        let fake = Fake::good();
        let cni = cni(&bed, kind, &fake, json!(true));
        cni.status()?.ok()?;
        let result = cni.add()?.ok()?;
        cni.check(&result)?.ok()?;
        cni.del(Some(&result))?.ok()?;
        let asked = [
            "policy", "status", "allocate", "guard", "shape", "open", "check", "shaped", "verify",
            "release",
        ];
        assert_eq!(fake.asked(), asked, "{kind}");
        let open = opened(&fake);
        assert_eq!(open.attachment, attachment());
        assert_eq!((open.cluster, open.network), (true, None));
        assert_eq!(open.addresses.len(), 2);
        assert_eq!(open.workload.namespace.as_deref(), Some("shop"));
        assert_eq!(open.workload.labels["app"], "web");
        assert_eq!(open.workload.groups, ["db"]);
        let inside = result["interfaces"].as_array().unwrap().last().unwrap();
        assert_eq!(inside["mac"], open.mac);
        assert!(bed.links().is_empty());
    }
    Ok(())
}

#[test]
fn who_wants_no_policy_asks_nobody() -> Result {
    for kind in KINDS {
        for policy in [json!(null), json!(false)] {
            let bed = Bed::new()?;
            let mut fake = Fake::good();
            fake.kill();
            let extra = json!({
                "cniVersion": "1.1.0", "policy": policy,
                "ipam": {"type": "static", "addresses": [{"address": "10.1.2.3/24", "gateway": "10.1.2.1"}]},
            });
            let cni = bed.cni(bed.plugins.path(), kind, fake.dir.path(), extra);
            cni.status()?.ok()?;
            let result = cni.add()?.ok()?;
            cni.check(&result)?.ok()?;
            cni.del(Some(&result))?.ok()?;
            assert!(fake.asked().is_empty(), "{kind}");
        }
    }
    Ok(())
}

#[test]
fn a_policy_that_is_not_in_place_takes_the_links_with_it() -> Result {
    for kind in KINDS {
        for at in ["guard", "open"] {
            let bed = Bed::new()?;
            let fake = Fake::new(move |method| match (method, at) {
                (Method::EndpointGuard(_), "guard") | (Method::EndpointOpen(_), "open") => {
                    vec![refused(11, "the maps are full")]
                }
                _ => vec![Step::Say(good(method))],
            });
            let error = cni(&bed, kind, &fake, json!(true)).add()?.fails(11)?;
            assert_eq!(error.msg, "the maps are full");
            assert!(!bed.shows("eth0") && bed.links().is_empty(), "{kind} {at}");
            assert_eq!(fake.asked().last(), Some(&"release"));
            assert!(fake.left().is_empty());
        }
    }
    Ok(())
}

#[test]
fn without_the_daemon_there_is_no_policy() -> Result {
    for kind in KINDS {
        let bed = Bed::new()?;
        let mut fake = Fake::good();
        fake.kill();
        let extra = json!({
            "cniVersion": "1.1.0", "policy": true,
            "ipam": {"type": "static", "addresses": [{"address": "10.1.2.3/24", "gateway": "10.1.2.1"}]},
        });
        let cni = bed.cni(bed.plugins.path(), kind, fake.dir.path(), extra);
        cni.status()?.fails(50)?;
        cni.add()?.fails(11)?;
        assert!(!bed.shows("eth0") && bed.links().is_empty(), "{kind}");
        cni.del(None)?.ok()?;
    }
    Ok(())
}

#[test]
fn a_node_that_cannot_enforce_says_so_in_status() -> Result {
    let bed = Bed::new()?;
    let fake = Fake::new(|method| match method {
        Method::PolicyStatus => vec![Step::Say(Body::Ok(json!({
            "enforced": false, "problems": ["no BTF", "no bpffs"], "endpoints": 0, "maps": [], "packets": [],
        })))],
        _ => vec![Step::Say(good(method))],
    });
    for kind in KINDS {
        let error = cni(&bed, kind, &fake, json!(true)).status()?.fails(50)?;
        let expected = "policy: required, and not enforced on this node: no BTF; no bpffs";
        assert_eq!(error.msg, expected);
    }
    Ok(())
}
