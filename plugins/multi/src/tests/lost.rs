//! What was killed, what the record says of it, and who is lost.

use super::*;
use fairway_api::definition::{Definition, Name};

#[test]
fn del_undoes_what_add_did() {
    let bed = Bed::new();
    bed.add("c1", bed.conf("b")).unwrap();
    // The folder, the annotation and the configuration say something else by now.
    fs::remove_file(bed.dir.path().join("net.d/b.conflist")).unwrap();
    let mut conf = bed.conf("nonsense,,");
    conf["delegates"] = json!("nonsense");
    bed.del("c1", conf.clone()).unwrap();
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
    // With no record there is nothing that could be done, and nothing was.
    bed.del("c1", conf).unwrap();
}

/// What DEL is called with says nothing of any network: it is the record by which it goes.
#[test]
fn whatever_is_killed_a_del_puts_right() {
    let bed = Bed::new();
    let mut nothing = bed.conf("");
    nothing["delegates"] = json!("nonsense");
    let clean = |nth: u32| {
        bed.fake.said();
        bed.del("c1", nothing.clone()).unwrap();
        assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]), "{nth}");
    };
    let mut points = 0;
    while !bed.fake.killed_at(points, || bed.add("c1", bed.conf("b"))) {
        clean(points);
        // Once the first network is done, its plugin is told what it answered.
        let told = bed
            .fake
            .said()
            .contains(&"DEL a main c1@eth0 prev".to_owned());
        assert_eq!(told, points > 1, "{points}");
        points += 1;
    }
    assert_eq!(points, 6);
    points = 0;
    while !bed.fake.killed_at(points, || bed.del("c1", bed.conf(""))) {
        clean(points);
        bed.add("c1", bed.conf("b")).unwrap();
        points += 1;
    }
    assert_eq!(points, 6);
    // One that fails, and is killed while it undoes.
    bed.fake.refuse("ADD b meta", Code::KERNEL);
    points = 0;
    while !bed.fake.killed_at(points, || bed.add("c1", bed.conf("b"))) {
        clean(points);
        points += 1;
    }
    assert_eq!(points, 11);
    // And GC.
    bed.fake.refuses.lock().unwrap().clear();
    points = 0;
    loop {
        bed.add("c1", bed.conf("b")).unwrap();
        let ended = bed.fake.killed_at(points, || bed.gc(&[]));
        bed.gc(&[]).unwrap();
        assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]), "{points}");
        if ended {
            break;
        }
        points += 1;
    }
    assert_eq!(points, 6);
}

#[test]
fn a_record_that_cannot_be_read_is_told() {
    let bed = Bed::new();
    bed.add("c1", bed.conf("b")).unwrap();
    let file = bed.dir.path().join("state/multi/c1@eth0");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    // What can be made out is detached, and the next DEL tries again.
    assert_eq!(bed.del("c1", bed.conf("b")).unwrap_err().code, Code::IO);
    assert_eq!(bed.fake.held(), [""; 0]);
    fs::remove_dir(&file).unwrap();
    bed.del("c1", bed.conf("b")).unwrap();
}

#[test]
fn a_record_that_makes_no_sense_is_no_obstacle() {
    let bed = Bed::new();
    bed.add("c1", bed.conf("b")).unwrap();
    fs::write(bed.dir.path().join("state/multi/c1@eth0"), "").unwrap();
    bed.del("c1", bed.conf("b")).unwrap();
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
    fs::write(bed.dir.path().join("state/multi/c1@eth0"), "{}").unwrap();
    bed.add("c1", bed.conf("b")).unwrap();
    bed.del("c1", bed.conf("b")).unwrap();
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
}

#[test]
fn what_is_left_of_an_earlier_boot_is_undone_first() {
    let bed = Bed::new();
    bed.add("c1", bed.conf("b")).unwrap();
    assert_eq!(
        bed.add("c1", bed.conf("b")).unwrap_err().code,
        Code::ALREADY_ATTACHED
    );
    bed.rewrite("c1", |record| record.boot = "an earlier one".to_owned());
    bed.fake.said();
    bed.add("c1", bed.conf("")).unwrap();
    assert_eq!(
        bed.fake.said(),
        [
            "DEL b meta c1@net1 gone prev",
            "DEL b main c1@net1 gone prev",
            "DEL a main c1@eth0 gone prev",
            "ADD a main c1@eth0",
        ]
    );
}

#[test]
fn gc_detaches_the_lost_and_tells_each_network_who_is_valid() {
    let bed = Bed::new();
    for id in ["c1", "c2", "c3"] {
        bed.add(id, bed.conf("b")).unwrap();
    }
    // Another configuration uses the same networks.
    let mut other = bed.conf("b");
    other["name"] = json!("another");
    bed.add("c9", other).unwrap();
    // The folder has changed since, and has one more that nobody uses and one that wants no GC.
    bed.file("b.conflist", "b", "1.1.0", "10.9.0.2/24");
    bed.file("n.conflist", "n", "1.1.0", "10.8.0.2/24");
    bed.file("old.conflist", "old", "1.0.0", "10.7.0.2/24");
    bed.fake.said();
    bed.gc(&["c1", "c3"]).unwrap();
    let said = bed.fake.said();
    assert_eq!(
        said[..3],
        [
            "DEL b meta c2@net1 gone prev",
            "DEL b main c2@net1 gone prev",
            "DEL a main c2@eth0 gone prev",
        ]
    );
    let mut told = said[3..].to_vec();
    told.sort();
    assert_eq!(
        told,
        [
            "GC a main c1@eth0 c3@eth0 c9@eth0",
            "GC b main c1@net1 c3@net1 c9@net1",
            "GC b main c1@net1 c3@net1 c9@net1",
            "GC b meta c1@net1 c3@net1 c9@net1",
            "GC b meta c1@net1 c3@net1 c9@net1",
            "GC n main",
            "GC n meta",
        ]
    );
    assert_eq!(bed.state(), ["c1@eth0", "c3@eth0"]);
}

#[test]
fn gc_takes_nothing_from_a_container_it_does_not_know() {
    let bed = Bed::new();
    for id in ["c1", "c2"] {
        bed.add(id, bed.conf("b")).unwrap();
    }
    bed.fake.said();
    let lost = bed.dir.path().join("state/multi/c1@eth0");
    for content in ["", "{}"] {
        fs::write(&lost, content).unwrap();
        let failure = bed.gc(&["c1", "c2"]).unwrap_err();
        assert!(failure.details.contains("\"c1\""), "{failure}");
        assert_eq!(bed.fake.said(), [""; 0]);
    }
    fs::remove_file(&lost).unwrap();
    let failure = bed.gc(&["c1", "c2"]).unwrap_err();
    assert!(failure.msg.contains("\"c1\""), "{failure}");
    assert_eq!(bed.fake.said(), [""; 0]);
    // What is lost for certain goes all the same.
    assert!(bed.gc(&["c1"]).is_err());
    assert_eq!(bed.fake.said().len(), 3);
    assert_eq!(bed.state(), [""; 0]);
}

#[test]
fn gc_goes_on_past_errors() {
    let bed = Bed::new();
    for id in ["c1", "c2"] {
        bed.add(id, bed.conf("b")).unwrap();
    }
    bed.fake.said();
    bed.fake.refuse("DEL b main", Code::KERNEL);
    let failure = bed.gc(&[]).unwrap_err();
    assert_eq!(failure.code, Code::KERNEL);
    let said = bed.fake.said();
    assert_eq!(
        said.iter().filter(|line| line.starts_with("DEL")).count(),
        6
    );
    assert_eq!(said.iter().filter(|line| line.starts_with("GC")).count(), 3);
    assert_eq!(bed.state(), ["c1@eth0", "c2@eth0"]);
    bed.fake.refuses.lock().unwrap().clear();
    bed.gc(&[]).unwrap();
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
}

#[test]
fn the_record_holds_the_networks_status() {
    let bed = Bed::new();
    let networks = r#"[{"name": "b", "namespace": "ns", "default-route": ["10.1.0.7"]}]"#;
    bed.add("c1", bed.conf(networks)).unwrap();
    let text = fs::read_to_string(bed.dir.path().join("state/multi/c1@eth0")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        record["k8s.v1.cni.cncf.io/network-status"],
        json!([
            {"name": "a", "interface": "eth0", "ips": ["10.0.0.2"], "default": true},
            {"name": "ns/b", "interface": "net1", "ips": ["10.1.0.2"], "default": false,
             "gateway": ["10.1.0.7"], "default-route": ["10.1.0.7"]},
        ])
    );
    let root = record.as_object().unwrap();
    assert!(Record::from_json(&Object::root(root)).is_ok());
}

/// A daemon's word of `shop/defined`.
fn defined() -> Found {
    let config =
        json!({"name": "d", "cniVersion": "1.0.0", "type": "main", "address": "10.9.0.2/24"});
    let name = Name {
        namespace: "shop".to_owned(),
        name: "defined".to_owned(),
    };
    let config = config.as_object().cloned();
    Found {
        networks: None,
        definitions: vec![Definition { name, config }],
    }
}

#[test]
fn what_an_object_defined_goes_without_it() {
    let mut bed = Bed::new();
    let mut conf = bed.conf("shop/defined,b");
    conf["namespaceIsolation"] = json!(false);
    bed.daemon.found = Some(defined());
    let result = bed.add("c1", conf.clone()).unwrap();
    assert_eq!(bed.fake.held().len(), 4);
    let asked = bed.daemon.asked.lock().unwrap().len();
    // The object is deleted, and the daemon ends.
    bed.daemon.found = None;
    bed.check("c1", prev(conf.clone(), &result)).unwrap();
    bed.gc(&["c1"]).unwrap();
    bed.del("c1", conf).unwrap();
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
    assert_eq!(bed.daemon.asked.lock().unwrap().len(), asked);
}

/// Without a record an object is asked for once more; what nobody knows keeps nothing else from going.
#[test]
fn what_an_object_defined_is_looked_for_without_a_record() {
    for (there, left) in [(true, vec![]), (false, vec!["d main c1@net1".to_owned()])] {
        let mut bed = Bed::new();
        let mut conf = bed.conf("shop/defined,b");
        conf["namespaceIsolation"] = json!(false);
        bed.daemon.found = Some(defined());
        bed.add("c1", conf.clone()).unwrap();
        fs::remove_dir_all(bed.dir.path().join("state")).unwrap();
        bed.daemon.found = there.then(defined);
        bed.del("c1", conf).unwrap();
        assert_eq!(bed.fake.held(), left);
    }
}
