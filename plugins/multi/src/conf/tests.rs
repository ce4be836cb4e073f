use super::*;
use serde_json::{Value, json};

fn read(value: Value) -> Result<MultiConf, String> {
    let map = value.as_object().unwrap();
    MultiConf::read(&Object::root(map)).map_err(|error| error.to_string())
}

fn names(conf: &MultiConf) -> (String, Vec<String>) {
    let others = conf.others.iter().map(|other| other.name.to_string());
    (conf.first.name.to_string(), others.collect())
}

fn three() -> Value {
    json!([
        {"name": "a", "type": "bridge"},
        {"name": "b", "plugins": [{"type": "ptp"}, {"type": "bandwidth"}]},
        {"name": "c", "type": "ptp"},
    ])
}

#[test]
fn every_container_gets_all_delegates_unless_told_otherwise() {
    let text = |name: &str| name.to_owned();
    let conf = read(json!({"delegates": three()})).unwrap();
    assert_eq!(names(&conf), (text("a"), vec![text("b"), text("c")]));
    assert_eq!(conf.folder.to_str(), Some("/etc/cni/multi/net.d"));
    let conf = read(json!({"delegates": three(), "clusterNetwork": "b"})).unwrap();
    assert_eq!(names(&conf), (text("b"), vec![text("a"), text("c")]));
    let conf = read(json!({"delegates": three(), "defaultNetworks": []})).unwrap();
    assert_eq!(names(&conf), (text("a"), vec![]));
    let conf = read(json!({"clusterNetwork": "x", "defaultNetworks": ["y@z"], "confDir": "/d"}));
    let conf = conf.unwrap();
    assert_eq!(names(&conf), (text("x"), vec![text("y")]));
    assert_eq!(conf.folder.to_str(), Some("/d"));
}

#[test]
fn what_is_wrong_is_named() {
    for (value, start) in [
        (json!({}), "delegates: missing"),
        (json!({"delegates": []}), "delegates: missing"),
        (json!({"delegates": {}}), "delegates: expected an array"),
        (
            json!({"delegates": [{"type": "bridge"}]}),
            "delegates[0].name: missing",
        ),
        (
            json!({"delegates": [{"name": "../x", "type": "bridge"}]}),
            "delegates[0].name: \"../x\"",
        ),
        (
            json!({"delegates": [{"name": "a"}]}),
            "delegates[0].type: missing",
        ),
        (
            json!({"delegates": [{"name": "a", "type": "x"}, {"name": "a", "type": "y"}]}),
            "delegates[1].name: \"a\": is another delegate's",
        ),
        (
            json!({"delegates": [{"name": "a", "type": "multi"}]}),
            "delegates[0].type: \"multi\": would call itself",
        ),
        (
            json!({"delegates": [{"name": "a", "plugins": [{"type": "x"}, {"TYPE": "multi"}]}]}),
            "delegates[0].plugins[1].type: \"multi\": would call itself",
        ),
        (
            json!({"delegates": [{"name": "a", "type": "x", "chain": [{"type": "multi"}]}]}),
            "delegates[0].chain: ",
        ),
        (
            json!({"delegates": [{"name": "a", "type": "x", "cniVersion": "9.0.0"}]}),
            "delegates[0].cniVersion: ",
        ),
        (json!({"clusterNetwork": "a/b"}), "clusterNetwork: \"a/b\""),
        (
            json!({"clusterNetwork": "a", "annotationsFrom": "api"}),
            "annotationsFrom: \"api\": must be \"runtime\" or \"daemon\"",
        ),
        (
            json!({"clusterNetwork": "a", "defaultNetworks": "b"}),
            "defaultNetworks: expected an array",
        ),
        (
            json!({"clusterNetwork": "a", "defaultNetworks": ["b@x y"]}),
            "defaultNetworks[0]: ",
        ),
        (
            json!({"clusterNetwork": "a", "confDir": "net.d"}),
            "confDir: \"net.d\": is no absolute path",
        ),
    ] {
        let error = read(value.clone()).unwrap_err();
        assert!(error.starts_with(start), "{value}: {error}");
    }
    let many: Vec<_> = (0..34)
        .map(|n| json!({"name": format!("n{n}"), "type": "x"}))
        .collect();
    assert!(
        read(json!({"delegates": many}))
            .unwrap_err()
            .starts_with("delegates: 33: ")
    );
}

#[test]
fn a_network_is_a_delegate_or_in_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, content: &str| std::fs::write(dir.path().join(file), content).unwrap();
    write("10-a.conf", r#"{"name": "a", "type": "from-the-folder"}"#);
    write("20-x.conf", r#"{"name": "x", "type": "single"}"#);
    write(
        "90-x.conflist",
        r#"{"name": "x", "plugins": [{"type": "listed"}]}"#,
    );
    write("30-y.json", r#"{"name": "y", "type": "single"}"#);
    write("40-z.txt", r#"{"name": "z", "type": "single"}"#);
    write("50-bad.conf", "{");
    write("60-self.conf", r#"{"name": "self", "type": "multi"}"#);
    std::fs::create_dir(dir.path().join("70-dir.conf")).unwrap();
    let conf = read(json!({"delegates": three(), "confDir": dir.path()})).unwrap();
    let mut networks = conf.networks();
    let mut find = |name: &str| {
        let asked = plain("here".to_owned(), name.parse().unwrap());
        let found = networks.find(&asked).map_err(|error| error.to_string())?;
        let kinds = found.list().types().map(ToOwned::to_owned);
        Ok::<_, String>(kinds.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(find("a").unwrap(), "bridge");
    assert_eq!(find("b").unwrap(), "ptp bandwidth");
    // Lists come before single configurations, whatever the files are called.
    assert_eq!(find("x").unwrap(), "listed");
    assert_eq!(find("y").unwrap(), "single");
    let error = find("z").unwrap_err();
    assert!(
        error.starts_with("here: network \"z\" is none of the delegates and in no file of "),
        "{error}"
    );
    for part in [
        "50-bad.conf: ",
        "60-self.conf: type: \"multi\": would call itself",
        "70-dir.conf: is no file",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn no_folder_is_an_empty_one() {
    let conf = read(json!({"delegates": three(), "confDir": "/nonexistent/net.d"})).unwrap();
    let asked = plain("here".to_owned(), "z".parse().unwrap());
    let error = conf.networks().find(&asked).unwrap_err().to_string();
    assert_eq!(
        error,
        "here: network \"z\" is none of the delegates and in no file of /nonexistent/net.d"
    );
}
