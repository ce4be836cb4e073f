mod defined;

use super::*;
use crate::tests::Told;
use fairway_cni::{CniArgs, Delegates, NetConf, labels::POD_ANNOTATIONS};
use serde_json::{Value, json};

fn planned(annotation: Value, extra: Value, args: &str) -> Result<Vec<Wire>, String> {
    told(&Told::default(), annotation, extra, args).map_err(|error| error.to_string())
}

fn told(daemon: &Told, annotation: Value, extra: Value, args: &str) -> Result<Vec<Wire>, Error> {
    let mut conf = json!({
        "cniVersion": "1.0.0", "name": "multi", "type": "multi", "confDir": "/nonexistent",
        "defaultNetworks": [],
        "delegates": [
            {"name": "a", "type": "bridge", "capabilities": {"mac": true}},
            {"name": "b", "plugins": [
                {"type": "ptp", "capabilities": {"ips": true, "bandwidth": true}, "args": {"cni": {"x": 1, "y": 2}}},
                {"type": "portmap", "capabilities": {"portMappings": true}},
            ]},
        ],
    });
    if !annotation.is_null() {
        conf["runtimeConfig"] = json!({POD_ANNOTATIONS: {NETWORKS: annotation}});
    }
    for (key, value) in extra.as_object().unwrap() {
        conf[key] = value.clone();
    }
    let conf = NetConf::from_json(conf).unwrap();
    let multi = MultiConf::read(&conf.root()).unwrap();
    let args = CniArgs::parse(args).unwrap();
    let context = Context {
        conf: &conf,
        args: &args,
        delegates: &Delegates::default(),
    };
    wires(&multi, &context, &"eth0".parse().unwrap(), daemon)
}

fn brief(wires: &[Wire]) -> Vec<(&str, &str, &str)> {
    let brief = wires.iter().map(|wire| {
        let name = wire.network.name().as_str();
        (name, wire.ifname.as_str(), wire.title.as_str())
    });
    brief.collect()
}

#[test]
fn interfaces_are_numbered_by_their_place() {
    let wires = planned(json!("b,b@data0,ns/b"), json!({}), "").unwrap();
    assert_eq!(
        brief(&wires),
        [
            ("a", "eth0", "a"),
            ("b", "net1", "b"),
            ("b", "data0", "b"),
            ("b", "net3", "ns/b"),
        ]
    );
    let pod = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0;IP=10.0.0.9;fairway.network/pool=x";
    let wires = planned(json!("b,ns/b"), json!({}), pod).unwrap();
    let titles: Vec<_> = wires.iter().map(|wire| wire.title.as_str()).collect();
    assert_eq!(titles, ["shop/a", "shop/b", "ns/b"]);
    // Who it is, all may know; which address it wants is about the first.
    assert_eq!(wires[0].args, pod);
    assert_eq!(
        wires[1].args,
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0"
    );
}

#[test]
fn what_every_container_gets_comes_before_what_it_asks_for() {
    let defaults = json!({"defaultNetworks": ["b@x"]});
    let wires = planned(json!("b"), defaults.clone(), "").unwrap();
    assert_eq!(brief(&wires)[1..], [("b", "x", "b"), ("b", "net2", "b")]);
    let wires = planned(Value::Null, defaults, "").unwrap();
    assert_eq!(brief(&wires)[1..], [("b", "x", "b")]);
    // A default route that the container asks for counts.
    let defaults =
        json!({"defaultNetworks": [{"name": "b", "interface": "x", "default-route": []}]});
    let leads = |annotation: &str| {
        let wires = planned(json!(annotation), defaults.clone(), "").unwrap();
        wires
            .iter()
            .map(|wire| wire.default_route.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(leads("b"), [false, true, false]);
    assert_eq!(
        leads(r#"[{"name": "b", "default-route": []}]"#),
        [false, false, true]
    );
}

#[test]
fn mesos_and_labels_say_it_too() {
    let labels = json!({"labels": [{"key": NETWORKS, "value": "b"}]});
    let mesos = json!({"args": {"org.apache.mesos": {"network_info": {"labels": labels}}}});
    assert_eq!(planned(Value::Null, mesos, "").unwrap().len(), 2);
    let cni = json!({"args": {"cni": labels}});
    let wires = planned(Value::Null, cni.clone(), "").unwrap();
    assert_eq!(wires.len(), 2);
    // What the configuration is told is the first network's.
    let args = |wire: &Wire| wire.network.raw().get("args").cloned();
    assert_eq!(args(&wires[0]), Some(cni["args"].clone()));
    assert_eq!(args(&wires[1]), None);
    assert_eq!(
        planned(Value::Null, json!({}), "k8s.v1.cni.cncf.io/networks=b,b")
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn each_network_gets_what_is_asked_for_it() {
    let annotation = json!([{
        "name": "b", "ips": ["10.0.0.9"], "bandwidth": {"egressRate": 5000},
        "cni-args": {"y": 3, "z": 4},
    }]);
    let runtime = json!({"runtimeConfig": {
        "mac": "02:00:00:00:00:01", POD_ANNOTATIONS: {NETWORKS: annotation.to_string()},
    }});
    let wires = planned(Value::Null, runtime, "").unwrap();
    let plugin = |wire: &Wire, index: usize| {
        let conf = wire
            .network
            .list()
            .plugin(index, &wire.runtime, None)
            .unwrap();
        conf.root().raw().clone()
    };
    assert_eq!(
        plugin(&wires[0], 0)["runtimeConfig"],
        json!({"mac": "02:00:00:00:00:01"})
    );
    let ptp = plugin(&wires[1], 0);
    assert_eq!(
        ptp["runtimeConfig"],
        json!({"ips": ["10.0.0.9"], "bandwidth": {"egressRate": 5000}})
    );
    assert_eq!(ptp["args"], json!({"cni": {"x": 1, "y": 3, "z": 4}}));
    let portmap = plugin(&wires[1], 1);
    assert_eq!(portmap.get("runtimeConfig"), None);
    assert_eq!(portmap["args"], json!({"cni": {"y": 3, "z": 4}}));
}

#[test]
fn what_cannot_be_is_named() {
    let at = "pod annotation: k8s.v1.cni.cncf.io/networks";
    for (annotation, end) in [
        (
            "b,x",
            "[1]: network \"x\" is none of the delegates and in no file of /nonexistent",
        ),
        (
            "b@eth0",
            "[0].interface: interface \"eth0\" is CNI_IFNAME's already",
        ),
        (
            "b@x,b@x",
            "[1].interface: interface \"x\" is pod annotation: k8s.v1.cni.cncf.io/networks[0]'s already",
        ),
        (
            "b@net2,b",
            "[1]: interface \"net2\" is pod annotation: k8s.v1.cni.cncf.io/networks[0]'s already",
        ),
        (
            r#"[{"name": "b", "mac": "02:00:00:00:00:01"}]"#,
            "[0].mac: network \"b\" has no plugin with the capability \"mac\"",
        ),
        (
            r#"[{"name": "a", "ips": ["10.0.0.1"]}]"#,
            "[0].ips: network \"a\" has no plugin with the capability \"ips\"",
        ),
    ] {
        let error = planned(json!(annotation), json!({}), "").unwrap_err();
        assert_eq!(error, format!("{at}{end}"), "{annotation}");
    }
    let many = vec!["b"; selection::MAX].join(",");
    let error = planned(json!(many), json!({"defaultNetworks": ["b@x"]}), "").unwrap_err();
    assert!(
        error.starts_with(at) && error.contains("33 networks with those"),
        "{error}"
    );
}

#[test]
fn a_del_takes_what_it_can_get() {
    let conf = json!({
        "cniVersion": "1.0.0", "name": "multi", "delegates": [{"name": "a", "type": "x"}],
        "confDir": "/nonexistent", "runtimeConfig": {POD_ANNOTATIONS: {NETWORKS: "a,gone,a"}},
    });
    let conf = NetConf::from_json(conf).unwrap();
    let multi = MultiConf::read(&conf.root()).unwrap();
    let context = Context {
        conf: &conf,
        args: &CniArgs::default(),
        delegates: &Delegates::default(),
    };
    let (wires, errors) =
        whatever_can_be(&multi, &context, &"eth0".parse().unwrap(), &Told::default());
    assert_eq!(
        brief(&wires),
        [("a", "eth0", "a"), ("a", "net1", "a"), ("a", "net3", "a")]
    );
    assert_eq!(errors.len(), 1);
}

#[test]
fn further_networks_know_who_the_container_is() {
    let said = json!({"args": {"org.apache.mesos": {"network_info": {
        "groups": ["db"], "ip_addresses": [{"ip_address": "10.0.0.9"}],
        "labels": {"labels": [
            {"key": "app", "value": "web"}, {"key": NETWORKS, "value": "b"},
            {"key": "fairway.network/pod", "value": "task-1"}, {"key": "fairway.network/groups", "value": "all"},
            {"key": "fairway.network/pool", "value": "first"}, {"key": "fairway.network/ingress-rate", "value": "1M"},
        ]},
    }}}});
    let wires = planned(Value::Null, said, "").unwrap();
    let told = |wire: &Wire| {
        let conf = wire.network.list().plugin(1, &wire.runtime, None).unwrap();
        conf.root().raw()["args"].clone()
    };
    let label = |key: &str, value: &str| json!({"key": key, "value": value});
    assert_eq!(
        told(&wires[1]),
        json!({"cni": {"labels": [
            label("app", "web"),
            label("fairway.network/groups", "db,all"),
            label("fairway.network/pod", "task-1"),
        ]}})
    );
    // Where the pod's annotations say it, it is told too.
    let annotations = json!({NETWORKS: "b", "fairway.network/owner": "Deployment/web", "fairway.network/claim": "x"});
    let wires = planned(
        Value::Null,
        json!({"runtimeConfig": {POD_ANNOTATIONS: annotations}}),
        "",
    )
    .unwrap();
    assert_eq!(
        told(&wires[1]),
        json!({"cni": {"labels": [label("fairway.network/owner", "Deployment/web")]}})
    );
}
