//! What users write beside what it says: the JSON gives the object, and the object gives JSON that gives
//! it again; and what is stored of it.

use super::{cluster, fixture::render, network, taken};
use fairway_policy::{
    object,
    spec::{
        Action, Block, ClusterPolicy, Namespaces, NetworkPolicy, Object, Operator, Peer, Ports,
        Protocol, Requirement, Rule, Selector, Tier,
    },
};
use serde_json::{Value, json};

fn require(key: &str, operator: Operator) -> Requirement {
    let key = key.to_owned();
    Requirement { key, operator }
}

fn is(key: &str, value: &str) -> Requirement {
    require(key, Operator::In([value.to_owned()].into()))
}

fn select<const N: usize>(requirements: [Requirement; N]) -> Selector {
    let requirements = requirements.into();
    Selector { requirements }
}

#[track_caller]
fn pair(value: &Value, object: Object) {
    assert_eq!(taken(value).object, object);
    assert_eq!(taken(&render(&object)).object, object);
}

fn plain() -> NetworkPolicy {
    NetworkPolicy {
        namespace: "web".into(),
        name: "p".into(),
        pods: Selector::default(),
        ingress: Some(vec![]),
        egress: None,
        audit: false,
    }
}

#[test]
fn policy_types_default_as_the_api_server_does() {
    let anything = || Rule {
        name: None,
        action: Action::Accept,
        peers: None,
        ports: None,
    };
    let rows = [
        (json!({}), Some(0), None),
        (json!(null), Some(0), None),
        (json!({"egress": []}), Some(0), None),
        (json!({"egress": [{}]}), Some(0), Some(1)),
        (json!({"ingress": [{}]}), Some(1), None),
        (json!({"policyTypes": [], "egress": [{}]}), Some(0), Some(1)),
        (
            json!({"policyTypes": ["Ingress"], "egress": [{}]}),
            Some(0),
            None,
        ),
        (
            json!({"policyTypes": ["Egress"], "ingress": [{}]}),
            None,
            Some(0),
        ),
        (
            json!({"policyTypes": ["Egress", "Ingress"]}),
            Some(0),
            Some(0),
        ),
        (
            json!({"policyTypes": ["Ingress", "Ingress"]}),
            Some(0),
            None,
        ),
        (
            json!({"ingress": [{"from": [], "ports": []}]}),
            Some(1),
            None,
        ),
    ];
    for (spec, ingress, egress) in rows {
        let rules = |count: Option<usize>| count.map(|count| vec![anything(); count]);
        let (ingress, egress) = (rules(ingress), rules(egress));
        pair(
            &network(spec),
            Object::NetworkPolicy(NetworkPolicy {
                ingress,
                egress,
                ..plain()
            }),
        );
    }
}

#[test]
fn a_whole_network_policy() {
    let value = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "p", "namespace": "web",
            "annotations": {"fairway.network/policy-mode": "audit"},
        },
        "spec": {
            "podSelector": {
                "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["b", "a"]}],
                "matchLabels": {"app": "shop"},
            },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{
                "from": [
                    {"podSelector": {}},
                    {"namespaceSelector": {"matchLabels": {"team": "a"}}},
                    {"podSelector": {"matchLabels": {"app": "x"}}, "namespaceSelector": {}},
                    {"ipBlock": {"cidr": "fd00::/8", "except": ["fd00:1::/32"]}},
                ],
                "ports": [
                    {"port": 80},
                    {"port": 8000, "endPort": 8080, "protocol": "UDP"},
                    {"port": "dns", "protocol": "UDP"},
                    {"protocol": "SCTP"},
                ],
            }],
        },
    });
    let pods = |namespaces, pods| Peer::Pods { namespaces, pods };
    let rule = Rule {
        name: None,
        action: Action::Accept,
        peers: Some(vec![
            pods(Namespaces::Own, Selector::default()),
            pods(
                Namespaces::Matching(select([is("team", "a")])),
                Selector::default(),
            ),
            pods(
                Namespaces::Matching(Selector::default()),
                select([is("app", "x")]),
            ),
            Peer::Block(Block {
                cidr: "fd00::/8".parse().unwrap(),
                except: vec!["fd00:1::/32".parse().unwrap()],
            }),
        ]),
        ports: Some(vec![
            Ports::Range(Protocol::Tcp, 80, 80),
            Ports::Range(Protocol::Udp, 8000, 8080),
            Ports::Named(Some(Protocol::Udp), "dns".into()),
            Ports::All(Protocol::Sctp),
        ]),
    };
    let not_in = Operator::NotIn(["a".to_owned(), "b".to_owned()].into());
    pair(
        &value,
        Object::NetworkPolicy(NetworkPolicy {
            pods: select([is("app", "shop"), require("tier", not_in)]),
            ingress: Some(vec![rule]),
            egress: Some(vec![]),
            audit: true,
            ..plain()
        }),
    );
}

#[test]
fn a_whole_cluster_policy() {
    let value = cluster(json!({
        "tier": "Baseline",
        "priority": 1000,
        "subject": {"pods": {
            "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
            "podSelector": {"matchExpressions": [{"key": "open", "operator": "DoesNotExist"}]},
        }},
        "ingress": [{"action": "Pass", "from": [{"namespaces": {"matchLabels": {"team": "a"}}}]}],
        "egress": [
            {"name": "out", "action": "Deny", "to": [
                {"networks": ["0.0.0.0/0", "::/0"]}, {"nodes": {"matchLabels": {"role": "db"}}}],
             "protocols": [
                {"tcp": {"destinationPort": {"number": 25}}},
                {"sctp": {"destinationPort": {"range": {"start": 1, "end": 9}}}}]},
            {"name": "", "action": "Accept", "to": [{"pods": {"podSelector": {"matchLabels": {"app": "x"}}}}],
             "protocols": [{"destinationNamedPort": "dns"}]},
        ],
    }));
    let pods = |namespaces, pods| Peer::Pods {
        namespaces: Namespaces::Matching(namespaces),
        pods,
    };
    let block = |cidr: &str| {
        Peer::Block(Block {
            cidr: cidr.parse().unwrap(),
            except: vec![],
        })
    };
    pair(
        &value,
        Object::ClusterPolicy(ClusterPolicy {
            name: "p".into(),
            tier: Tier::Baseline,
            priority: 1000,
            namespaces: select([require("team", Operator::Exists)]),
            pods: select([require("open", Operator::Absent)]),
            ingress: vec![Rule {
                name: None,
                action: Action::Pass,
                peers: Some(vec![pods(select([is("team", "a")]), Selector::default())]),
                ports: None,
            }],
            egress: vec![
                Rule {
                    name: Some("out".into()),
                    action: Action::Deny,
                    peers: Some(vec![
                        block("0.0.0.0/0"),
                        block("::/0"),
                        Peer::Nodes(select([is("role", "db")])),
                    ]),
                    ports: Some(vec![
                        Ports::Range(Protocol::Tcp, 25, 25),
                        Ports::Range(Protocol::Sctp, 1, 9),
                    ]),
                },
                Rule {
                    name: None,
                    action: Action::Accept,
                    peers: Some(vec![pods(Selector::default(), select([is("app", "x")]))]),
                    ports: Some(vec![Ports::Named(None, "dns".into())]),
                },
            ],
            audit: false,
        }),
    );
}

#[test]
fn what_is_stored_has_its_defaults_and_nothing_of_servers() {
    let value = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "p", "uid": "1", "managedFields": [], "labels": {"a": "b"},
            "annotations": {}, "resourceVersion": "7",
        },
        "spec": {"egress": [{"to": null, "ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}]},
        "status": {"conditions": []},
    });
    let stored = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "default", "labels": {"a": "b"}},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [{"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}],
        },
    });
    assert_eq!(taken(&value).json, stored);
    let text = serde_json::to_vec(&value).unwrap();
    assert_eq!(object::parse_slice(&text), object::parse(stored));
}
