//! ADD, CHECK, DEL and STATUS, and what is undone where one fails.

use super::*;

#[test]
fn add_check_del() {
    let bed = Bed::new();
    let conf = bed.conf("b");
    let result = bed.add("c1", conf.clone()).unwrap();
    // The first network's alone.
    assert_eq!(result.ips.len(), 1);
    assert_eq!(result.ips[0].address.to_string(), "10.0.0.2/24");
    assert_eq!(result.routes.len(), 1);
    assert_eq!(
        bed.fake.said(),
        [
            "ADD a main c1@eth0",
            "ADD b main c1@net1",
            "ADD b meta c1@net1 prev"
        ]
    );
    assert_eq!(bed.state(), ["c1@eth0"]);
    // The second network's default route was taken off, in its result too.
    bed.check("c1", prev(conf.clone(), &result)).unwrap();
    assert_eq!(
        bed.fake.said(),
        [
            "CHECK a main c1@eth0 10.0.0.2/24 1 prev",
            "CHECK b main c1@net1 10.1.0.2/24 0 prev",
            "CHECK b meta c1@net1 10.1.0.2/24 0 prev",
        ]
    );
    bed.del("c1", conf.clone()).unwrap();
    assert_eq!(
        bed.fake.said(),
        [
            "DEL b meta c1@net1 prev",
            "DEL b main c1@net1 prev",
            "DEL a main c1@eth0 prev"
        ]
    );
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
    // Once more, with nothing written down: by the configuration, for the file may have been lost.
    bed.del("c1", conf).unwrap();
    assert_eq!(
        bed.fake.said(),
        [
            "DEL b meta c1@net1",
            "DEL b main c1@net1",
            "DEL a main c1@eth0"
        ]
    );
}

#[test]
fn a_failure_undoes_what_came_before_in_reverse() {
    let bed = Bed::new();
    bed.fake.refuse("ADD b meta", Code::KERNEL);
    let failure = bed.add("c1", bed.conf("b")).unwrap_err();
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (Code::KERNEL, "network b at net1: no")
    );
    assert_eq!(failure.details, "");
    assert_eq!(
        bed.fake.said(),
        [
            "ADD a main c1@eth0",
            "ADD b main c1@net1",
            "ADD b meta c1@net1 prev",
            "DEL b meta c1@net1",
            "DEL b main c1@net1",
            "DEL a main c1@eth0 prev",
        ]
    );
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
    // One that says that there is something of this container: that is not undone.
    bed.fake.refuse("ADD b main", Code::ALREADY_ATTACHED);
    let failure = bed.add("c1", bed.conf("b")).unwrap_err();
    assert_eq!(failure.code, Code::ALREADY_ATTACHED);
    assert_eq!(
        bed.fake.said(),
        [
            "ADD a main c1@eth0",
            "ADD b main c1@net1",
            "DEL a main c1@eth0 prev"
        ]
    );
}

#[test]
fn what_could_not_be_undone_is_told_and_left_to_del() {
    let bed = Bed::new();
    for refused in [
        // Undone by the list, and by the steps.
        [("ADD b meta", Code::KERNEL), ("DEL b main", Code::FIREWALL)],
        [("ADD b meta", Code::KERNEL), ("DEL a main", Code::FIREWALL)],
    ] {
        let refused = refused.map(|(what, code)| (what.to_owned(), code));
        *bed.fake.refuses.lock().unwrap() = refused.to_vec();
        let failure = bed.add("c1", bed.conf("b")).unwrap_err();
        assert_eq!(failure.code, Code::KERNEL);
        assert!(failure.details.contains("left behind: "), "{failure}");
        assert_eq!(bed.fake.held().len(), 1);
        assert_eq!(bed.state(), ["c1@eth0"]);
        // Another ADD does not go over it.
        let failure = bed.add("c1", bed.conf("b")).unwrap_err();
        assert_eq!(failure.code, Code::ALREADY_ATTACHED);
        // A DEL that fails goes on, and leaves the record for the next.
        bed.fake.said();
        assert_eq!(
            bed.del("c1", bed.conf("")).unwrap_err().code,
            Code::FIREWALL
        );
        assert_eq!(bed.fake.said().len(), 3);
        assert_eq!(bed.state(), ["c1@eth0"]);
        bed.fake.refuses.lock().unwrap().clear();
        bed.del("c1", bed.conf("")).unwrap();
        assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
    }
}

#[test]
fn bad_input_is_named_and_leaves_nothing() {
    let bed = Bed::new();
    let at = "pod annotation: k8s.v1.cni.cncf.io/networks";
    for (networks, code, start) in [
        (
            "x",
            Code::INVALID_CONFIG,
            format!("{at}[0]: network \"x\" is none"),
        ),
        ("b,", Code::INVALID_CONFIG, format!("{at}[1]: ")),
        (
            "b@eth0",
            Code::INVALID_CONFIG,
            format!("{at}[0].interface: "),
        ),
        (
            "[{\"name\": \"b\", \"ips\": [\"10.0.0.1\"]}]",
            Code::UNSUPPORTED_FIELD,
            format!("{at}[0].ips: "),
        ),
    ] {
        let failure = bed.add("c1", bed.conf(networks)).unwrap_err();
        assert_eq!(failure.code, code, "{networks}");
        assert!(failure.msg.starts_with(&start), "{failure}");
        bed.del("c1", bed.conf(networks)).unwrap();
        bed.fake.said();
    }
    let mut conf = bed.conf("");
    conf["delegates"] = json!([{"name": "a", "type": "multi", "delegates": []}]);
    let failure = bed.add("c1", conf).unwrap_err();
    assert_eq!(
        failure.msg,
        "delegates[0].type: \"multi\": would call itself"
    );
    let behind = prev(bed.conf(""), &CniResult::default());
    let failure = bed.add("c1", behind).unwrap_err();
    assert!(failure.msg.starts_with("prevResult: "), "{failure}");
    let mut conf = bed.conf("");
    conf["stateDir"] = json!("state");
    assert!(
        bed.add("c1", conf)
            .unwrap_err()
            .msg
            .starts_with("stateDir: ")
    );
    let failure = bed.add(&"c".repeat(246), bed.conf("")).unwrap_err();
    assert_eq!(failure.code, Code::INVALID_ENVIRONMENT);
    assert_eq!(bed.fake.said(), [""; 0]);
    assert_eq!((bed.fake.held(), bed.state()), (vec![], vec![]));
}

#[test]
fn check_judges() {
    let bed = Bed::new();
    let conf = bed.conf("b");
    let result = bed.add("c1", conf.clone()).unwrap();
    let judged = |result: &CniResult| bed.check("c1", prev(conf.clone(), result)).unwrap_err();
    bed.fake.refuse("CHECK b main", Code::CHECK_FAILED);
    assert_eq!(judged(&result).msg, "network b at net1: no");
    let failure = judged(&CniResult::default());
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (
            Code::CHECK_FAILED,
            "prevResult: address 10.0.0.2/24: missing, and the container has it"
        )
    );
    bed.rewrite("c1", |record| record.results.truncate(1));
    bed.fake.refuses.lock().unwrap().clear();
    assert!(
        judged(&result)
            .msg
            .contains("its ADD has not come to an end")
    );
    bed.del("c1", conf.clone()).unwrap();
    let failure = judged(&result);
    assert_eq!(failure.code, Code::CHECK_FAILED);
    assert!(failure.msg.starts_with("nothing is known of"), "{failure}");
}

#[test]
fn old_versions_have_no_check_and_no_result_at_del() {
    let bed = Bed::new();
    bed.file("old.conf", "old", "0.3.1", "10.2.0.2/24");
    let mut conf = bed.conf("old");
    let result = bed.add("c1", conf.clone()).unwrap();
    bed.fake.said();
    bed.check("c1", prev(conf.clone(), &result)).unwrap();
    assert_eq!(bed.fake.said(), ["CHECK a main c1@eth0 10.0.0.2/24 1 prev"]);
    conf["delegates"][0]["disableCheck"] = json!(true);
    bed.del("c1", conf.clone()).unwrap();
    assert_eq!(
        bed.fake.said(),
        [
            "DEL old meta c1@net1",
            "DEL old main c1@net1",
            "DEL a main c1@eth0 prev"
        ]
    );
    let result = bed.add("c1", conf.clone()).unwrap();
    bed.fake.said();
    bed.check("c1", prev(conf, &result)).unwrap();
    assert_eq!(bed.fake.said(), [""; 0]);
}

#[test]
fn status_asks_what_every_container_gets() {
    let bed = Bed::new();
    bed.file("n.conflist", "n", "1.0.0", "10.8.0.2/24");
    let mut conf = bed.conf("b");
    let status =
        |conf: &Value| bed.with(conf.clone(), |context| ready::status(context, &bed.daemon));
    status(&conf).unwrap();
    assert_eq!(bed.fake.said(), ["STATUS a main"]);
    conf["defaultNetworks"] = json!(["b", "n"]);
    status(&conf).unwrap();
    assert_eq!(
        bed.fake.said(),
        ["STATUS a main", "STATUS b main", "STATUS b meta"]
    );
    bed.fake.refuse("STATUS b meta", Code::UNAVAILABLE);
    let failure = status(&conf).unwrap_err();
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (Code::UNAVAILABLE, "network b: no")
    );
    bed.fake.refuses.lock().unwrap().clear();
    // A plugin that is not there would fail the next ADD, whatever its version.
    fs::remove_file(bed.dir.path().join("bin/meta")).unwrap();
    conf["defaultNetworks"] = json!(["n"]);
    assert_eq!(status(&conf).unwrap_err().code, Code::DELEGATE_MISSING);
    conf["defaultNetworks"] = json!(["x"]);
    assert_eq!(status(&conf).unwrap_err().code, Code::INVALID_CONFIG);
    conf["defaultNetworks"] = json!([]);
    // Nobody would say what pods ask for.
    conf["annotationsFrom"] = json!("daemon");
    assert_eq!(status(&conf).unwrap_err().code, Code::UNAVAILABLE);
    conf["annotationsFrom"] = json!("runtime");
    fs::write(bed.dir.path().join("state"), "").unwrap();
    let failure = status(&conf).unwrap_err();
    assert_eq!(failure.code, Code::UNAVAILABLE);
    assert!(failure.msg.starts_with("stateDir: "), "{failure}");
}
