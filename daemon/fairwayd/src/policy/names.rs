//! Who has which address, in words.

use fairway_policy::input::{EndpointId, Input};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

#[derive(Debug, Default)]
pub(super) struct Names {
    by_address: HashMap<IpAddr, String>,
    endpoints: BTreeMap<EndpointId, Vec<IpAddr>>,
    nodes: BTreeMap<String, Vec<IpAddr>>,
}

impl Names {
    /// Takes what the engine is told.
    pub(super) fn learn(&mut self, input: &Input) {
        match input {
            Input::Endpoint(endpoint) => {
                let old = self
                    .endpoints
                    .insert(endpoint.id.clone(), endpoint.addresses.clone());
                self.forget(old);
                let name = match endpoint.pod.as_str() {
                    "" => endpoint.id.container.as_str(),
                    pod => pod,
                };
                let title = format!("{}/{name}", endpoint.namespace);
                self.name(&endpoint.addresses, &title);
            }
            Input::EndpointGone(id) => {
                let old = self.endpoints.remove(id);
                self.forget(old);
            }
            Input::Node(node) => {
                let old = self.nodes.insert(node.name.clone(), node.addresses.clone());
                self.forget(old);
                self.name(&node.addresses, &format!("node {}", node.name));
            }
            Input::NodeGone(name) => {
                let old = self.nodes.remove(name);
                self.forget(old);
            }
            Input::Object(_) | Input::ObjectGone(_) => {}
        }
    }

    fn forget(&mut self, old: Option<Vec<IpAddr>>) {
        for ip in old.into_iter().flatten() {
            self.by_address.remove(&ip);
        }
    }

    fn name(&mut self, addresses: &[IpAddr], title: &str) {
        for ip in addresses {
            self.by_address.insert(*ip, title.to_owned());
        }
    }

    /// Who has it.
    pub(super) fn of(&self, ip: IpAddr) -> Option<&str> {
        self.by_address.get(&ip).map(String::as_str)
    }
}
