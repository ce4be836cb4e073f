//! Delegates that are programs of their own: what becomes of an ADD that is not answered well.

use super::*;
use crate::{CniArgs, Code, NetConf};
use serde_json::json;
use std::fs;

/// ADD by a program whose part in ADD is `script`; what it answers, and the verbs that it was called with.
fn add(script: &str) -> (Result<CniResult, Failure>, String) {
    let dir = tempfile::tempdir().unwrap();
    let (file, log) = (dir.path().join("other"), dir.path().join("log"));
    let program = format!(
        "#!/bin/sh\ncat >/dev/null\necho $CNI_COMMAND >>{}\n[ $CNI_COMMAND = ADD ] || exit 0\n{script}\n",
        log.display()
    );
    fs::write(&file, program).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let conf = NetConf::from_json(json!({"cniVersion": "1.0.0", "name": "net"})).unwrap();
    let path = [dir.path().to_owned()];
    let delegates = Delegates::new(&[], &path);
    let context = Context {
        conf: &conf,
        args: &CniArgs::default(),
        delegates: &delegates,
    };
    let sandbox = Sandbox {
        attachment: Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        },
        netns: "/nowhere".to_owned(),
    };
    let result = delegates.find("other", &context).unwrap().add(&sandbox);
    let verbs = fs::read_to_string(log).unwrap().replace('\n', " ");
    (result, verbs.trim_end().to_owned())
}

#[test]
fn an_answer_is_read() {
    let (result, verbs) = add(
        r#"echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.2/24", "interface": 0}]}'"#,
    );
    // An IPAM plugin has no interfaces: what it says of one means nothing.
    assert_eq!(result.unwrap().ips[0].interface, None);
    assert_eq!(verbs, "ADD");
}

#[test]
fn one_that_died_or_cannot_be_read_is_told_to_del() {
    for script in [
        "kill -9 $$",
        "exit 3",
        "echo no JSON",
        r#"echo '{"cniVersion": "9.9.9"}'"#,
        r#"echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.2"}]}'"#,
    ] {
        let (result, verbs) = add(script);
        assert!(result.is_err(), "{script}");
        assert_eq!(verbs, "ADD DEL", "{script}");
    }
}

#[test]
fn one_that_refuses_is_not() {
    let (result, verbs) = add(r#"echo '{"code": 103, "msg": "has one"}'; exit 1"#);
    let failure = result.unwrap_err();
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (Code::ALREADY_ATTACHED, "has one")
    );
    assert_eq!(verbs, "ADD");
}

#[test]
fn what_it_says_on_standard_error_is_told() {
    let (result, _) = add("echo out of cheese >&2; exit 3");
    let msg = result.unwrap_err().msg;
    assert!(
        msg.contains("out of cheese") && msg.contains("exit status: 3"),
        "{msg}"
    );
}
