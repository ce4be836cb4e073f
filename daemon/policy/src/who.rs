//! Endpoints, nodes, pods and namespaces come, change and go: who is who afterwards, and whom that concerns.

use crate::{
    address::Claim,
    identity::IdentityKey,
    input::{Endpoint, EndpointId, Node, Number},
    selector::SelectorId,
    spec::{Labels, NamedPort, Namespace, Pod},
    wanted::{Resident, Wanted},
};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

impl Wanted {
    pub(crate) fn put_endpoint(&mut self, endpoint: Endpoint) {
        let id = Arc::new(endpoint.id.clone());
        let identity = self.enter(self.endpoint_key(&endpoint));
        let claim = claim(&id, endpoint.local);
        let new = addresses(&endpoint.addresses);
        let local = endpoint.local;
        let pod = (endpoint.namespace.clone(), endpoint.pod.clone());
        let before = self
            .endpoints
            .insert(Arc::clone(&id), Resident { endpoint, identity });
        if let Some(before) = before {
            self.forget_endpoint(&id, &before);
        }
        for address in new {
            self.claims.add(address, claim.clone());
            self.dirty.addresses.insert(address);
        }
        if !pod.1.is_empty() {
            self.by_pod.entry(pod).or_default().insert(Arc::clone(&id));
        }
        if local {
            self.settle_in(identity, id);
        }
    }

    pub(crate) fn remove_endpoint(&mut self, id: &EndpointId) {
        if let Some((id, resident)) = self.endpoints.remove_entry(id) {
            self.forget_endpoint(&id, &resident);
        }
    }

    /// Takes back what followed from an endpoint as it was.
    fn forget_endpoint(&mut self, id: &Arc<EndpointId>, before: &Resident) {
        let claim = claim(id, before.endpoint.local);
        for address in addresses(&before.endpoint.addresses) {
            self.claims.remove(address, &claim);
            self.dirty.addresses.insert(address);
        }
        let pod = (
            before.endpoint.namespace.clone(),
            before.endpoint.pod.clone(),
        );
        if let Some(endpoints) = self.by_pod.get_mut(&pod) {
            endpoints.remove(id);
            if endpoints.is_empty() {
                self.by_pod.remove(&pod);
            }
        }
        if before.endpoint.local {
            self.move_out(before.identity, id);
        }
        self.leave(before.identity);
    }

    /// An endpoint of this node is so.
    fn settle_in(&mut self, identity: Number, id: Arc<EndpointId>) {
        if let Some(who) = self.identities.get_mut(identity) {
            who.locals.insert(Arc::clone(&id));
            self.dirty.identities.insert(identity);
        }
        self.dirty.endpoints.insert(id);
    }

    /// An endpoint of this node is no longer so.
    fn move_out(&mut self, identity: Number, id: &Arc<EndpointId>) {
        if let Some(who) = self.identities.get_mut(identity) {
            who.locals.remove(id);
            self.dirty.identities.insert(identity);
        }
        self.dirty.endpoints.insert(Arc::clone(id));
    }

    pub(crate) fn put_node(&mut self, node: Node) {
        let identity = self.enter(IdentityKey::Node {
            labels: node.labels.clone(),
        });
        let claim = node_claim(&node);
        let new = addresses(&node.addresses);
        if let Some((before, old)) = self.nodes.insert(node.name.clone(), (node, identity)) {
            self.forget_node(&before, old);
        }
        for address in new {
            self.claims.add(address, claim.clone());
            self.dirty.addresses.insert(address);
        }
    }

    pub(crate) fn remove_node(&mut self, name: &str) {
        if let Some((node, identity)) = self.nodes.remove(name) {
            self.forget_node(&node, identity);
        }
    }

    fn forget_node(&mut self, node: &Node, identity: Number) {
        let claim = node_claim(node);
        for address in addresses(&node.addresses) {
            self.claims.remove(address, &claim);
            self.dirty.addresses.insert(address);
        }
        self.leave(identity);
    }

    pub(crate) fn put_pod(&mut self, pod: Pod) {
        let name = (pod.namespace.clone(), pod.name.clone());
        if self.pods.insert(name.clone(), pod.clone()) != Some(pod) {
            self.rename(&name);
        }
    }

    pub(crate) fn remove_pod(&mut self, name: &(String, String)) {
        if self.pods.remove(name).is_some() {
            self.rename(name);
        }
    }

    /// The endpoints of a pod are somebody else now.
    fn rename(&mut self, pod: &(String, String)) {
        for id in self.by_pod.get(pod).cloned().unwrap_or_default() {
            let Some(resident) = self.endpoints.get(&id) else {
                continue;
            };
            let (key, local) = (
                self.endpoint_key(&resident.endpoint),
                resident.endpoint.local,
            );
            let identity = self.enter(key);
            let Some(resident) = self.endpoints.get_mut(&id) else {
                continue;
            };
            let before = std::mem::replace(&mut resident.identity, identity);
            if before != identity {
                let moved = addresses(&resident.endpoint.addresses);
                self.dirty.addresses.extend(moved);
                if local {
                    self.move_out(before, &id);
                    self.settle_in(identity, id);
                }
            }
            self.leave(before);
        }
    }

    pub(crate) fn put_namespace(&mut self, namespace: Namespace) {
        let name = namespace.name.clone();
        if self.namespaces.put(namespace.clone()) != Some(namespace) {
            self.namespace_changed(&name);
        }
    }

    pub(crate) fn remove_namespace(&mut self, name: &str) {
        if self.namespaces.remove(name).is_some() {
            self.namespace_changed(name);
        }
    }

    fn namespace_changed(&mut self, name: &str) {
        for number in self.identities.in_namespace(name) {
            let Some(who) = self.identities.get(number) else {
                continue;
            };
            let before = who.selectors.clone();
            let after = self.selectors.of(&who.key, &self.namespaces);
            for selector in before.iter().filter(|id| after.binary_search(id).is_err()) {
                self.fits(*selector, number, false);
            }
            for selector in after.iter().filter(|id| before.binary_search(id).is_err()) {
                self.fits(*selector, number, true);
            }
            if let Some(who) = self.identities.get_mut(number) {
                who.selectors = after;
            }
        }
        self.audit_changed(name);
    }

    /// One more is so; what fits, if nobody was so before.
    fn enter(&mut self, key: IdentityKey) -> Number {
        let (number, first) = self.identities.enter(key);
        if first && let Some(who) = self.identities.get(number) {
            let selectors = self.selectors.of(&who.key, &self.namespaces);
            for selector in &selectors {
                self.fits(*selector, number, true);
            }
            if let Some(who) = self.identities.get_mut(number) {
                who.selectors = selectors;
            }
        }
        number
    }

    /// One fewer is so.
    fn leave(&mut self, number: Number) {
        let Some(gone) = self.identities.leave(number) else {
            return;
        };
        for selector in gone.selectors {
            self.fits(selector, number, false);
        }
        self.dirty.identities.remove(&number);
        for (role, set) in gone.sets.into_iter().enumerate() {
            if let Some(set) = set {
                self.release_set(set, number, role);
            }
        }
    }

    /// A selector fits somebody now, or no longer.
    fn fits(&mut self, selector: SelectorId, number: Number, fits: bool) {
        let Some(slot) = self.selectors.get_mut(selector) else {
            return;
        };
        match fits {
            true => slot.members.insert(number),
            false => slot.members.remove(&number),
        };
        for set in &slot.used_by {
            self.sets.touch(*set, number);
        }
        if !slot.subject_of.is_empty() {
            self.dirty.identities.insert(number);
        }
    }

    /// What rules can know of an endpoint. What its pod's object says beats what came with its ADD.
    fn endpoint_key(&self, endpoint: &Endpoint) -> IdentityKey {
        let name = (endpoint.namespace.clone(), endpoint.pod.clone());
        let pod = match endpoint.pod.is_empty() {
            true => None,
            false => self.pods.get(&name),
        };
        let mut labels: Labels = endpoint.labels.clone();
        let mut ports: BTreeSet<NamedPort> = BTreeSet::new();
        if let Some(pod) = pod {
            labels.extend(pod.labels.clone());
            ports.extend(pod.ports.iter().cloned());
        }
        let own = endpoint.ports.iter().filter(|own| {
            let of_pod = pod.into_iter().flat_map(|pod| &pod.ports);
            !of_pod
                .into_iter()
                .any(|port| (&port.name, port.protocol) == (&own.name, own.protocol))
        });
        ports.extend(own.cloned());
        IdentityKey::Pod {
            namespace: name.0,
            labels,
            groups: endpoint.groups.clone(),
            ports: ports.into_iter().collect(),
        }
    }
}

fn claim(id: &Arc<EndpointId>, local: bool) -> Claim {
    match local {
        true => Claim::Local(Arc::clone(id)),
        false => Claim::Remote(Arc::clone(id)),
    }
}

fn node_claim(node: &Node) -> Claim {
    match node.here {
        true => Claim::Here(node.name.clone()),
        false => Claim::Node(node.name.clone()),
    }
}

/// The dataplane knows IPv4 addresses by one form.
fn addresses(addresses: &[IpAddr]) -> Vec<IpAddr> {
    addresses.iter().map(IpAddr::to_canonical).collect()
}
