//! Whose containers may be in groups.
//!
//! A container says by itself which groups it is in, and a member is reached by all other members, whatever network
//! policies say. Where tenants are not to open their containers to each other that way, an operator says which
//! namespaces may. What a container of another namespace asks for is kept, so that it counts when the setting does
//! change, and it is as if it had not asked; that is told in the log, and where a verdict is explained.

use super::record::EndpointRecord;
use crate::news;
use std::collections::BTreeSet;
use tracing::warn;

/// The namespaces; none: all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grouped(Option<BTreeSet<String>>);

impl Grouped {
    pub(crate) fn new(namespaces: Option<BTreeSet<String>>) -> Grouped {
        Grouped(namespaces)
    }

    /// The groups that count.
    pub(crate) fn of(&self, record: &EndpointRecord) -> BTreeSet<String> {
        match self.takes(record) {
            true => record.workload.groups.iter().cloned().collect(),
            false => BTreeSet::new(),
        }
    }

    /// What it asks for in vain.
    pub(crate) fn refused<'a>(&self, record: &'a EndpointRecord) -> &'a [String] {
        match self.takes(record) {
            true => &[],
            false => &record.workload.groups,
        }
    }

    /// Tells of a container that asks in vain: one for each namespace, since a tenant may make many.
    pub(crate) fn tell(&self, record: &EndpointRecord) {
        let refused = self.refused(record);
        let namespace = record.namespace();
        if refused.is_empty() || !news::is_new(&format!("groups of {namespace}")) {
            return;
        }
        warn!(
            "policy: {} asks for groups ({}) and gets none, nor does any other of namespace {namespace}: \
             policy.group_namespaces does not name it",
            record.title(),
            refused.join(", ")
        );
    }

    fn takes(&self, record: &EndpointRecord) -> bool {
        let namespaces = self.0.as_ref();
        namespaces.is_none_or(|namespaces| namespaces.contains(record.namespace()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_api::endpoint::Workload;

    fn record(namespace: Option<&str>) -> EndpointRecord {
        EndpointRecord {
            network: "net".to_owned(),
            container: "c1".to_owned(),
            ifname: "eth0".to_owned(),
            workload: Workload {
                namespace: namespace.map(str::to_owned),
                groups: vec!["a".to_owned(), "b".to_owned()],
                ..Workload::default()
            },
            addresses: Vec::new(),
            mac: String::new(),
            cluster: true,
            tenant: None,
        }
    }

    /// How many groups count, and how many are refused.
    fn counts(setting: Option<&[&str]>, namespace: Option<&str>) -> (usize, usize) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let grouped = Grouped::new(setting.map(names));
        let record = record(namespace);
        for local in [true, false] {
            let endpoint = record.endpoint("n1", local, &grouped);
            assert_eq!(endpoint.groups, grouped.of(&record));
        }
        (grouped.of(&record).len(), grouped.refused(&record).len())
    }

    #[test]
    fn groups_count_in_the_namespaces_that_are_named() {
        assert_eq!(counts(None, Some("shop")), (2, 0));
        assert_eq!(counts(None, None), (2, 0));
        let some: &[&str] = &["shop", "web"];
        assert_eq!(counts(Some(some), Some("shop")), (2, 0));
        assert_eq!(counts(Some(some), Some("sho")), (0, 2));
        assert_eq!(counts(Some(&[]), Some("shop")), (0, 2));
        // Who names no namespace is in one all the same.
        assert_eq!(counts(Some(some), None), (0, 2));
        assert_eq!(counts(Some(&["default"]), None), (2, 0));
    }
}
