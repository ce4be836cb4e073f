//! A cluster of 10,000 endpoints and 1,000 policies: a hundred namespaces with a hundred pods of ten applications
//! each, and a policy for each application. Every pod has labels of its own, as those of StatefulSets have.

use super::world::read;
use anyhow::Result;
use fairway_lab::{Value, json};
use fairway_policy::input::{Endpoint, EndpointId, Input};
use fairway_policy::spec::Labels;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) const ENDPOINTS: u32 = 10_000;
pub(super) const POLICIES: u32 = 1_000;
const NAMESPACES: u32 = 100;
/// One in so many endpoints is on this node.
const NODES: u32 = 100;
pub(super) const APPS: u32 = 10;

/// An endpoint of the cluster by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) number: u32,
    /// Its `app` label says so.
    pub(super) app: u32,
}

impl Member {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            app: number % APPS,
        }
    }

    pub(super) fn is_here(self) -> bool {
        self.number.is_multiple_of(NODES)
    }

    pub(super) fn node(self) -> String {
        format!("node-{}", self.number % NODES)
    }

    pub(super) fn container(self) -> String {
        format!("{:064x}", self.number)
    }

    pub(super) fn namespace(self) -> String {
        format!("namespace-{}", self.number / (ENDPOINTS / NAMESPACES))
    }

    pub(super) fn pod(self) -> String {
        format!("app-{}-{}", self.number % APPS, self.number)
    }

    pub(super) fn addresses(self) -> [IpAddr; 2] {
        let number = self.number + 1;
        let v4 = Ipv4Addr::from_bits(0x0a80_0000 + number);
        let v6 = Ipv6Addr::from_bits((0xfd80 << 112) + u128::from(number));
        [v4.into(), v6.into()]
    }

    pub(super) fn labels(self) -> Labels {
        let label = |key: &str, value| (key.to_owned(), value);
        Labels::from([
            label("app", format!("app-{}", self.app)),
            label("tier", format!("tier-{}", self.app % 3)),
            label("statefulset.kubernetes.io/pod-name", self.pod()),
            label(
                "controller-revision-hash",
                format!("{}-{}", self.namespace(), self.number % APPS),
            ),
        ])
    }

    pub(super) fn id(self) -> EndpointId {
        EndpointId {
            node: self.node(),
            container: self.container(),
            ifname: "eth0".to_owned(),
            network: "net".to_owned(),
        }
    }

    pub(super) fn endpoint(self) -> Endpoint {
        Endpoint {
            id: self.id(),
            namespace: self.namespace(),
            pod: self.pod(),
            labels: self.labels(),
            groups: BTreeSet::new(),
            ports: Vec::new(),
            addresses: self.addresses().to_vec(),
            local: self.is_here(),
        }
    }
}

pub(super) fn members() -> impl Iterator<Item = Member> {
    (0..ENDPOINTS).map(Member::new)
}

/// Namespaces and policies as they are written.
pub(super) fn objects() -> Vec<Value> {
    let namespaces = (0..NAMESPACES).map(|number| {
        json!({"apiVersion": "v1", "kind": "Namespace",
               "metadata": {"name": format!("namespace-{number}")}})
    });
    namespaces.chain((0..POLICIES).map(policy)).collect()
}

/// To one application, from two others and from another namespace; from it to a block.
fn policy(number: u32) -> Value {
    let per = POLICIES / NAMESPACES;
    let (namespace, app) = (number / per, number % per);
    let app = |plus: u32| json!({"matchLabels": {"app": format!("app-{}", (app + plus) % APPS)}});
    let next = format!("namespace-{}", (namespace + 1) % NAMESPACES);
    let tcp = |port: u16| json!([{"protocol": "TCP", "port": port}]);
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {
            "name": format!("policy-{}", number % per),
            "namespace": format!("namespace-{namespace}"),
        },
        "spec": {
            "podSelector": app(0),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [{"podSelector": app(1)}, {"podSelector": app(2)}], "ports": tcp(8080)},
                {"from": [{"namespaceSelector":
                    {"matchLabels": {"kubernetes.io/metadata.name": next}}}], "ports": tcp(9090)},
            ],
            "egress": [{
                "to": [{"ipBlock": {"cidr": "10.0.0.0/8",
                                    "except": [format!("10.200.{namespace}.0/24")]}}],
                "ports": tcp(443),
            }],
        },
    })
}

/// All of it for the engine.
pub(super) fn inputs() -> Result<Vec<Input>> {
    let mut inputs = members()
        .map(|member| Input::Endpoint(member.endpoint()))
        .collect::<Vec<_>>();
    for object in objects() {
        inputs.push(read(object)?);
    }
    Ok(inputs)
}
