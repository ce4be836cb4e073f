use super::*;

fn object(spec: Value) -> Value {
    json!({"apiVersion": VERSION, "kind": KIND, "metadata": {"name": "fast", "namespace": "shop"}, "spec": spec})
}

fn configured(config: &str) -> Result<Parsed, String> {
    parse(&object(json!({ "config": config }))).map_err(|error| error.to_string())
}

#[test]
fn a_configuration_or_a_list_of_any_vendor() {
    let single = configured(
        r#"{"cniVersion": "0.3.1", "name": "other", "type": "macvlan", "master": "e1"}"#,
    );
    let single = single.unwrap();
    assert_eq!(
        (single.namespace.as_str(), single.name.as_str()),
        ("shop", "fast")
    );
    let config = single.config.unwrap();
    assert_eq!(
        (&config["name"], &config["master"]),
        (&json!("other"), &json!("e1"))
    );
    let list = configured(
        r#"{"cniVersion": "1.0.0", "plugins": [{"type": "sriov"}, {"type": "tuning"}]}"#,
    );
    // Without a name it goes by the object's.
    assert_eq!(list.unwrap().config.unwrap()["name"], json!("fast"));
    let blank = configured(r#"{"name": "", "type": "x"}"#).unwrap();
    assert_eq!(blank.config.unwrap()["name"], json!("fast"));
}

#[test]
fn an_empty_one_leaves_it_to_the_node() {
    for spec in [
        json!({}),
        Value::Null,
        json!({"config": ""}),
        json!({"config": " \n"}),
    ] {
        assert_eq!(parse(&object(spec)).unwrap().config, None);
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (config, wanted) in [
        ("{", "spec.config: is no JSON object: EOF"),
        ("[]", "spec.config: is no JSON object: "),
        ("{}", "spec.config: type: missing"),
        (
            r#"{"type": "multi"}"#,
            "spec.config: type: \"multi\": would call itself",
        ),
        (r#"{"name": "../x", "type": "x"}"#, "spec.config: name: "),
        (r#"{"name": 7, "type": "x"}"#, "spec.config: name: "),
        (r#"{"plugins": []}"#, "spec.config: plugins: "),
        (
            r#"{"plugins": [{"type": "a"}, {}]}"#,
            "spec.config: plugins[1].type: missing",
        ),
        (
            r#"{"cniVersion": "9.9.9", "type": "x"}"#,
            "spec.config: cniVersion: ",
        ),
    ] {
        let error = configured(config).unwrap_err();
        assert!(error.starts_with(wanted), "{config}: {error}");
    }
    for (spec, wanted) in [
        (
            json!({"config": {}}),
            "spec.config: must be text, is an object",
        ),
        (json!({"conf": "{}"}), "spec.conf: no such field"),
        (json!([]), "spec: must be an object, is a list"),
    ] {
        let error = parse(&object(spec)).unwrap_err().to_string();
        assert_eq!(error, wanted);
    }
    let mut other = object(json!({}));
    other["apiVersion"] = json!("k8s.cni.cncf.io/v2");
    other["metadata"]["name"] = json!("UP");
    let error = parse(&other).unwrap_err().to_string();
    assert!(
        error.starts_with("apiVersion: \"k8s.cni.cncf.io/v2\" is not known"),
        "{error}"
    );
}

#[test]
fn what_is_stored_reads_the_same() {
    for config in [
        "",
        r#"{"type":"x"}"#,
        " {\"type\": \"x\",\n \"name\": \"y\"}",
    ] {
        let read = configured(config).unwrap();
        assert_eq!(parse(&read.json), Ok(read));
    }
}

#[test]
fn it_is_typed_in_many_ways() {
    for text in [
        "net-attach-def",
        "NetworkAttachmentDefinition",
        "network-attachment-definitions",
        "network-attachment-definitions.k8s.cni.cncf.io",
    ] {
        assert!(is_kind(text), "{text}");
    }
    for text in ["network", "networks", "net-attach-def.fairway.network", ""] {
        assert!(!is_kind(text), "{text}");
    }
}

#[test]
fn an_annotation_names_objects_of_the_pods_namespace_unless_it_says_another() {
    let pair = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
    let of_shop = |text| named(text, "shop");
    assert_eq!(
        of_shop("fast@data0, all/slow"),
        [pair("shop", "fast"), pair("all", "slow")]
    );
    assert_eq!(
        of_shop(r#"[{"name": "a", "namespace": "b"}]"#),
        [pair("b", "a")]
    );
    assert_eq!(of_shop("a/b/c"), []);
}
