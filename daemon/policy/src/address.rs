//! Who says that an address is theirs.
//!
//! Two may for a moment: an address follows its workload to another node, and the old endpoint is still
//! known. Everywhere the same one wins; on the node where the address is, what is there.

use crate::input::EndpointId;
use std::{collections::HashMap, net::IpAddr, sync::Arc};

/// The first of them has the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    /// This very node.
    Here(String),
    /// An endpoint of this node.
    Local(Arc<EndpointId>),
    /// An endpoint of another one.
    Remote(Arc<EndpointId>),
    /// Another node.
    Node(String),
}

/// All claims.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    all: HashMap<IpAddr, Vec<Claim>>,
}

impl Claims {
    pub(crate) fn first(&self, address: IpAddr) -> Option<&Claim> {
        self.all.get(&address)?.first()
    }

    pub(crate) fn add(&mut self, address: IpAddr, claim: Claim) {
        let claims = self.all.entry(address).or_default();
        if let Err(at) = claims.binary_search(&claim) {
            claims.insert(at, claim);
        }
    }

    pub(crate) fn remove(&mut self, address: IpAddr, claim: &Claim) {
        if let Some(claims) = self.all.get_mut(&address) {
            claims.retain(|other| other != claim);
            if claims.is_empty() {
                self.all.remove(&address);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}
