//! What objects are told of themselves besides whether they are in force.

use super::Mirror;
use fairway_k8s::{Kind, Name};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl Mirror {
    /// By kind and name.
    pub(super) async fn told(&self, kind: Kind) -> BTreeMap<Name, Map<String, Value>> {
        let _ = kind;
        BTreeMap::new()
    }
}
