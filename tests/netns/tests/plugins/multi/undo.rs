//! What is taken away again: by a failure, by DEL, by GC.

use super::{addresses, names, settled, used};
use fairway_tests_netns::{Member, Result, State, json, reaches};
use std::fs;

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
