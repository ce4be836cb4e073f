//! What policies say, read from the objects as the specifications read, with no thought of speed: what the
//! engine is held against.
//!
//! NetworkPolicy: <https://kubernetes.io/docs/concepts/services-networking/network-policies/>; the
//! cluster-wide kind: <https://network-policy-api.sigs.k8s.io>.

mod question;

use crate::{
    input::{Direction, Endpoint, EndpointId, Input, Node, Packet},
    spec::{
        ClusterPolicy, Kind, Labels, NamedPort, Namespace, NetworkPolicy, Object, ObjectName, Pod,
        Selector,
    },
};
use question::Question;
use std::{collections::BTreeMap, net::IpAddr};

/// All that is so.
#[derive(Debug, Clone, Default)]
pub struct World {
    namespaces: BTreeMap<String, Namespace>,
    pods: BTreeMap<(String, String), Pod>,
    network: BTreeMap<(String, String), NetworkPolicy>,
    cluster: BTreeMap<String, ClusterPolicy>,
    endpoints: BTreeMap<EndpointId, Endpoint>,
    nodes: BTreeMap<String, Node>,
}

/// What holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verdict {
    /// It passes.
    pub allowed: bool,
    /// It passes, and would not if nothing were in audit.
    pub audited: bool,
}

/// What holds of a packet at its source and at its destination; `None`: that end is no endpoint of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verdicts {
    /// At the source.
    pub egress: Option<Verdict>,
    /// At the destination.
    pub ingress: Option<Verdict>,
}

/// Who has an address.
enum Holder<'a> {
    Endpoint(&'a Endpoint),
    Node(&'a Node),
}

impl World {
    /// Something has become known.
    pub fn apply(&mut self, input: &Input) {
        match input.clone() {
            Input::Object(Object::NetworkPolicy(it)) => {
                self.network
                    .insert((it.namespace.clone(), it.name.clone()), it);
            }
            Input::Object(Object::ClusterPolicy(it)) => {
                self.cluster.insert(it.name.clone(), it);
            }
            Input::Object(Object::Namespace(it)) => {
                self.namespaces.insert(it.name.clone(), it);
            }
            Input::Object(Object::Pod(it)) => {
                self.pods
                    .insert((it.namespace.clone(), it.name.clone()), it);
            }
            Input::ObjectGone(name) => match name.kind {
                Kind::NetworkPolicy => {
                    self.network.remove(&(name.namespace, name.name));
                }
                Kind::ClusterNetworkPolicy => {
                    self.cluster.remove(&name.name);
                }
                Kind::Namespace => {
                    self.namespaces.remove(&name.name);
                }
                Kind::Pod => {
                    self.pods.remove(&(name.namespace, name.name));
                }
            },
            Input::Endpoint(it) => {
                self.endpoints.insert(it.id.clone(), it);
            }
            Input::EndpointGone(id) => {
                self.endpoints.remove(&id);
            }
            Input::Node(it) => {
                self.nodes.insert(it.name.clone(), it);
            }
            Input::NodeGone(name) => {
                self.nodes.remove(&name);
            }
        }
    }

    /// What holds between two addresses.
    pub fn verdict(&self, source: IpAddr, destination: IpAddr, packet: Packet) -> Verdicts {
        let at = |address, direction, remote| match self.holder(address) {
            Some(Holder::Endpoint(endpoint)) => self.judge(&endpoint.id, direction, remote, packet),
            _ => None,
        };
        Verdicts {
            egress: at(source, Direction::Egress, destination),
            ingress: at(destination, Direction::Ingress, source),
        }
    }

    /// What holds at an endpoint of this node for a packet to or from an address; `None`: it is not one.
    pub fn judge(
        &self,
        at: &EndpointId,
        direction: Direction,
        remote: IpAddr,
        packet: Packet,
    ) -> Option<Verdict> {
        let subject = self.endpoints.get(at).filter(|endpoint| endpoint.local)?;
        let holder = self.holder(remote);
        let exempt = match &holder {
            Some(Holder::Node(node)) => node.here,
            Some(Holder::Endpoint(endpoint)) => endpoint.id == subject.id,
            None => false,
        };
        let question = Question {
            world: self,
            subject,
            direction,
            remote,
            holder,
            packet,
        };
        let allowed = exempt || question.allowed(false);
        Some(Verdict {
            allowed,
            audited: allowed && !exempt && !question.allowed(true),
        })
    }

    /// The addresses of an endpoint.
    pub fn addresses(&self, id: &EndpointId) -> Vec<IpAddr> {
        let endpoint = self.endpoints.get(id);
        endpoint.map_or(Vec::new(), |endpoint| endpoint.addresses.clone())
    }

    /// The endpoints of a pod.
    pub fn of_pod(&self, namespace: &str, pod: &str) -> Vec<EndpointId> {
        let endpoints = self.endpoints.values();
        endpoints
            .filter(|it| it.namespace == namespace && it.pod == pod)
            .map(|it| it.id.clone())
            .collect()
    }

    /// Which endpoint has an address.
    pub fn endpoint_at(&self, address: IpAddr) -> Option<EndpointId> {
        match self.holder(address)? {
            Holder::Endpoint(endpoint) => Some(endpoint.id.clone()),
            Holder::Node(_) => None,
        }
    }

    /// How many endpoints of this node, and how many at all, a policy selects.
    pub fn selected(&self, policy: &ObjectName) -> (usize, usize) {
        let selects = |endpoint: &&Endpoint| {
            let labels = self.labels(endpoint);
            let key = (policy.namespace.clone(), policy.name.clone());
            match policy.kind {
                Kind::NetworkPolicy => self.network.get(&key).is_some_and(|policy| {
                    policy.namespace == endpoint.namespace && policy.pods.fits(&labels)
                }),
                _ => self.cluster.get(&policy.name).is_some_and(|policy| {
                    policy.pods.fits(&labels)
                        && self.namespace_fits(&endpoint.namespace, &policy.namespaces)
                }),
            }
        };
        let all: Vec<&Endpoint> = self.endpoints.values().filter(selects).collect();
        let here = all.iter().filter(|endpoint| endpoint.local).count();
        (here, all.len())
    }

    fn holder(&self, address: IpAddr) -> Option<Holder<'_>> {
        let has = |addresses: &[IpAddr]| addresses.iter().any(|own| own.to_canonical() == address);
        let here = self.nodes.values().find(|it| it.here && has(&it.addresses));
        let local = || {
            self.endpoints
                .values()
                .find(|it| it.local && has(&it.addresses))
        };
        let remote = || self.endpoints.values().find(|it| has(&it.addresses));
        let node = || self.nodes.values().find(|it| has(&it.addresses));
        here.map(Holder::Node)
            .or_else(|| local().or_else(remote).map(Holder::Endpoint))
            .or_else(|| node().map(Holder::Node))
    }

    fn pod(&self, endpoint: &Endpoint) -> Option<&Pod> {
        let name = (endpoint.namespace.clone(), endpoint.pod.clone());
        self.pods.get(&name).filter(|pod| !pod.name.is_empty())
    }

    fn labels(&self, endpoint: &Endpoint) -> Labels {
        let mut labels = endpoint.labels.clone();
        if let Some(pod) = self.pod(endpoint) {
            labels.extend(pod.labels.clone());
        }
        labels
    }

    fn ports(&self, endpoint: &Endpoint) -> Vec<NamedPort> {
        let mut ports = self
            .pod(endpoint)
            .map_or(Vec::new(), |pod| pod.ports.clone());
        let of_pod = ports.clone();
        for port in &endpoint.ports {
            let known = |it: &NamedPort| it.name == port.name && it.protocol == port.protocol;
            if !of_pod.iter().any(known) {
                ports.push(port.clone());
            }
        }
        ports
    }

    fn namespace_fits(&self, name: &str, selector: &Selector) -> bool {
        match self.namespaces.get(name) {
            Some(namespace) => selector.fits(&namespace.labels),
            None if name.is_empty() => selector.fits(&Labels::new()),
            None => selector.fits(&Labels::from([(
                "kubernetes.io/metadata.name".to_owned(),
                name.to_owned(),
            )])),
        }
    }
}
