use super::{Config, Flags, LogFormat, Options, resolve::parse};
use clap::{CommandFactory, Parser};
use fairway_store::Location;
use std::{fs, path::Path, time::Duration};

fn flags(words: &[&str]) -> Flags {
    Flags::try_parse_from([&["fairwayd"], words].concat()).unwrap()
}

fn resolve(text: &str) -> Result<Config, String> {
    let options = parse(Path::new("f.toml"), text).map_err(|error| error.to_string())?;
    Config::resolve(options).map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_sound() {
    Flags::command().debug_assert();
    let help = Flags::command().render_long_help().to_string();
    for flag in [
        "--config",
        "--node",
        "--socket",
        "--store",
        "--etcd-ca",
        "--log",
        "--metrics",
        "--cleanup",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn without_a_word_it_runs_on_one_node() {
    let config = resolve("").unwrap();
    assert_eq!(
        config.store,
        Location::Redb("/var/lib/fairway/store.redb".into())
    );
    assert_eq!(config.socket, Path::new("/run/fairway/fairwayd.sock"));
    assert_eq!(config.log, LogFormat::Text);
    assert_eq!((config.reclaim_after, config.metrics), (None, None));
    let host = nix::unistd::gethostname().unwrap();
    assert_eq!(config.node.as_str(), host.to_string_lossy());
}

#[test]
fn the_file_says_all() {
    let config = resolve(
        r#"
        node = "n1"
        state_dir = "/s"
        log = "json"
        reclaim_after = "12h"
        store = "etcd:https://a:2379,https://b:2379"
        etcd_ca = "/ca"
        etcd_cert = "/cert"
        etcd_key = "/key"
        etcd_user = "fairway"
        etcd_password = "secret"
        underlay = "bond0"
        bgp_record = "/var/log/fairway/bgp"
        metrics = "[::1]:9790"
        overlay_port = 8472
        overlay_checksum = "software"
        node_grace = "5m"
        [labels]
        rack = "r1"
        [sweep]
        every = "250ms"
        first_grace = "1s"
        [policy]
        enforce = false
        node = "judge"
        group_namespaces = ["mesos", "shop"]
        flows = 1024
        "#,
    )
    .unwrap();
    assert_eq!(config.labels["rack"], "r1");
    assert_eq!(config.underlay.as_deref(), Some("bond0"));
    assert_eq!(config.bgp_record, Some("/var/log/fairway/bgp".into()));
    assert_eq!(config.metrics, "[::1]:9790".parse().ok());
    assert_eq!((config.overlay_port, config.overlay_offload), (8472, false));
    assert_eq!(config.node_grace, Duration::from_secs(300));
    assert_eq!(config.reclaim_after, Some(Duration::from_secs(12 * 3600)));
    let policy = &config.policy;
    let set = (policy.enforce, policy.judge_node, policy.flows);
    assert_eq!(set, (false, true, 1024));
    let named = ["mesos", "shop"].map(str::to_owned);
    assert_eq!(policy.group_namespaces, Some(named.into()));
    assert_eq!(
        (policy.deliver, policy.pins.as_path()),
        (true, Path::new("/sys/fs/bpf/fairway"))
    );
    assert_eq!(config.sweep.every, Duration::from_millis(250));
    assert_eq!(config.sweep.grace, Duration::from_secs(60));
    let Location::Etcd(etcd) = config.store else {
        panic!("{:?}", config.store)
    };
    assert_eq!(etcd.endpoints.len(), 2);
    assert_eq!(etcd.tls.unwrap().client.unwrap().1.path, Path::new("/key"));
    assert_eq!(etcd.user.unwrap().password, "secret");
}

#[test]
fn all_namespaces_may_have_groups_unless_some_are_named() {
    let named = |text: &str| resolve(text).unwrap().policy.group_namespaces;
    assert_eq!(named(""), None);
    let none = named("[policy]\ngroup_namespaces = []").unwrap();
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn a_flag_beats_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.toml");
    fs::write(&path, "node = \"file\"\nlog = \"json\"").unwrap();
    let path = path.to_str().unwrap();
    let config = Config::read(flags(&["--config", path, "--node", "flag"])).unwrap();
    assert_eq!(config.node.as_str(), "flag");
    assert_eq!(config.log, LogFormat::Json);
}

/// What is wrong with a file goes to the log.
#[test]
fn a_password_is_not_shown_with_what_is_wrong() {
    for text in [
        "etcd_password = hunter2",
        "etcd_password = 7472701",
        "etcd_password = \"hunter2",
        "etcd_user = \"u\"\netcd_password = ['hunter2']",
        "etcd_password=\"hunter2\"\netcd_password = \"hunter2\"",
        "store = \"etcd:http://a\"\netcd_password = \"hunter2\"",
        "etcd_password = \"hunter2\"\nnode = 1",
    ] {
        let error = resolve(text).unwrap_err();
        assert!(
            !error.contains("hunter2") && !error.contains("7472701"),
            "{error}"
        );
    }
    let error = resolve("etcd_user = \"u\"\netcd_password = hunter2").unwrap_err();
    assert_eq!(
        error,
        "f.toml: line 2: etcd_password: is to be text, in quotes"
    );
    let error = resolve("\nnode = 1").unwrap_err();
    assert!(error.starts_with("f.toml: line 2: node: "), "{error}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = Config::read(flags(&["--config", "/nowhere/f.toml"])).unwrap_err();
    assert!(error.to_string().contains("/nowhere/f.toml"), "{error}");
}

#[test]
fn what_is_wrong_is_named() {
    for (text, word) in [
        ("nodes = \"n1\"", "nodes"),
        ("node = 1", "node"),
        ("node = \"a b\"", "node: "),
        ("labels = 1", "labels"),
        ("labels = { \"a b\" = \"c\" }", "labels: \"a b\""),
        ("socket = \"run/s\"", "socket: "),
        ("state_dir = \"\"", "state_dir: "),
        ("store = \"sqlite:/x\"", "store: "),
        ("store = \"redb:x\"", "store: "),
        ("etcd_ca = \"/x\"", "etcd_ca: the store is not etcd"),
        ("store = \"etcd:https://a\"", "etcd_ca: "),
        ("store = \"etcd:http://a\"\netcd_ca = \"/x\"", "etcd_ca: "),
        (
            "store = \"etcd:http://a\"\netcd_key = \"/x\"",
            "etcd_key: needs etcd_cert",
        ),
        (
            "store = \"etcd:http://a\"\netcd_user = \"u\"",
            "etcd_user: ",
        ),
        (
            "store = \"etcd:http://a\"\netcd_user = \"u\"\netcd_password_file = \"/nowhere\"",
            "etcd_password_file: /nowhere",
        ),
        ("log = \"xml\"", "log: "),
        ("reclaim_after = \"1\"", "reclaim_after: "),
        ("reclaim_after = \"1s\"", "reclaim_after: "),
        ("underlay = \"a b\"", "underlay: "),
        (
            "bgp_record = \"bgp\"",
            "bgp_record: bgp is not an absolute path",
        ),
        ("metrics = \"9790\"", "metrics: \"9790\" is no address"),
        ("metrics = \"localhost:9790\"", "metrics: "),
        ("metrics = \"[::1]\"", "metrics: "),
        ("metrics = \"127.0.0.1:99999\"", "metrics: "),
        ("overlay_port = 0", "overlay_port: "),
        ("overlay_checksum = \"hardware\"", "overlay_checksum: "),
        ("node_grace = \"0s\"", "node_grace: "),
        ("[sweep]\nevery = \"0s\"", "sweep.every: "),
        ("[sweep]\ngrace = \"99999999d\"", "sweep.grace: "),
        ("[sweep]\nevry = \"1s\"", "evry"),
        ("[policy]\nnode = \"deny\"", "policy.node: "),
        ("[policy]\ngroup_namespaces = \"none\"", "group_namespaces"),
        (
            "[policy]\ngroup_namespaces = [\"shop\", \"\"]",
            "policy.group_namespaces: \"\" is not a namespace's name",
        ),
        (
            "[policy]\ngroup_namespaces = [\"shop-*\"]",
            "policy.group_namespaces: ",
        ),
        ("[policy]\nflows = 1", "policy.flows: "),
        ("[policy]\nevents = 0", "policy.events: "),
        ("[policy]\npins = \"bpf\"", "policy.pins: "),
        ("[policy]\nflow = 1", "flow"),
    ] {
        let error = resolve(text).unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }
}

#[test]
fn what_is_not_set_is_left_to_the_others() {
    let set = |node: &str| Options {
        node: Some(node.to_owned()),
        ..Options::default()
    };
    assert_eq!(set("a").or(set("b")).node.as_deref(), Some("a"));
    assert_eq!(Options::default().or(set("b")).node.as_deref(), Some("b"));
}

#[cfg(feature = "k8s")]
#[test]
fn an_api_server_is_named_by_a_file_or_by_where_we_run() {
    let kubernetes = |text| resolve(text).map(|config| config.kubernetes);
    assert_eq!(kubernetes(""), Ok(None));
    let found = kubernetes("kubeconfig = \"/k\"\nkubernetes_cluster = \"u\"");
    let wanted = super::Kubernetes {
        kubeconfig: Some("/k".into()),
        cluster: Some("u".to_owned()),
    };
    assert_eq!(found, Ok(Some(wanted)));
    let within = kubernetes("kubeconfig = \"in-cluster\"").unwrap().unwrap();
    assert_eq!((within.kubeconfig, within.cluster), (None, None));
    for (text, error) in [
        (
            "kubeconfig = \"k\"",
            "kubeconfig: k is not an absolute path",
        ),
        (
            "kubernetes_cluster = \"u\"",
            "kubernetes_cluster: needs kubeconfig",
        ),
    ] {
        assert_eq!(kubernetes(text), Err(error.to_owned()));
    }
}
