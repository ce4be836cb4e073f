//! Who endpoints and nodes are to policies: one number for all that no rule could tell apart.
//!
//! A namespace's labels are not part of it, they are looked up when a selector is asked; so a namespace that
//! gets a label changes no address in the dataplane. Postings by namespace and by label find those that a new
//! selector may fit without asking all of them.

use crate::{
    input::{EndpointId, Number},
    number::Numbers,
    selector::{Scope, SelectorId, SelectorKey},
    spec::{Labels, NamedPort, Operator, Selector},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// What rules can know of somebody.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum IdentityKey {
    /// An endpoint.
    Pod {
        namespace: String,
        labels: Labels,
        groups: BTreeSet<String>,
        ports: Vec<NamedPort>,
    },
    /// A node.
    Node { labels: Labels },
}

impl IdentityKey {
    pub(crate) fn ports(&self) -> &[NamedPort] {
        match self {
            IdentityKey::Pod { ports, .. } => ports,
            IdentityKey::Node { .. } => &[],
        }
    }
}

/// Sets by [`crate::set::Role`].
pub(crate) type SetIds = [Option<u32>; 4];

/// Somebody.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) key: Arc<IdentityKey>,
    /// How many endpoints or nodes are so.
    pub(crate) count: usize,
    /// Those of this node.
    pub(crate) locals: BTreeSet<Arc<EndpointId>>,
    /// What fits, sorted.
    pub(crate) selectors: Vec<SelectorId>,
    /// Policies of those of this node.
    pub(crate) sets: SetIds,
}

type Postings = HashMap<String, BTreeSet<Number>>;

/// All of them.
#[derive(Debug)]
pub(crate) struct Identities {
    by_key: HashMap<Arc<IdentityKey>, Number>,
    all: HashMap<Number, Identity>,
    by_namespace: Postings,
    by_label: HashMap<String, Postings>,
    nodes: BTreeSet<Number>,
    pub(crate) numbers: Numbers,
}

impl Identities {
    pub(crate) fn new() -> Self {
        Self {
            by_key: HashMap::new(),
            all: HashMap::new(),
            by_namespace: HashMap::new(),
            by_label: HashMap::new(),
            nodes: BTreeSet::new(),
            numbers: Numbers::from(1),
        }
    }

    pub(crate) fn get(&self, number: Number) -> Option<&Identity> {
        self.all.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: Number) -> Option<&mut Identity> {
        self.all.get_mut(&number)
    }

    /// One more is so. True: the first.
    pub(crate) fn enter(&mut self, key: IdentityKey) -> (Number, bool) {
        if let Some(number) = self.by_key.get(&key) {
            if let Some(identity) = self.all.get_mut(number) {
                identity.count += 1;
            }
            return (*number, false);
        }
        let (number, key) = (self.numbers.take(), Arc::new(key));
        match &*key {
            IdentityKey::Node { .. } => {
                self.nodes.insert(number);
            }
            IdentityKey::Pod {
                namespace, labels, ..
            } => {
                post(&mut self.by_namespace, namespace, number);
                for (label, value) in labels {
                    if !self.by_label.contains_key(label) {
                        self.by_label.insert(label.clone(), HashMap::new());
                    }
                    if let Some(values) = self.by_label.get_mut(label) {
                        post(values, value, number);
                    }
                }
            }
        }
        self.by_key.insert(Arc::clone(&key), number);
        self.all.insert(
            number,
            Identity {
                key,
                count: 1,
                locals: BTreeSet::new(),
                selectors: Vec::new(),
                sets: [None; 4],
            },
        );
        (number, true)
    }

    /// One fewer is so. What it was, if that was the last.
    pub(crate) fn leave(&mut self, number: Number) -> Option<Identity> {
        let identity = self.all.get_mut(&number)?;
        identity.count = identity.count.saturating_sub(1);
        if identity.count > 0 {
            return None;
        }
        let identity = self.all.remove(&number)?;
        self.by_key.remove(&identity.key);
        self.nodes.remove(&number);
        if let IdentityKey::Pod {
            namespace, labels, ..
        } = &*identity.key
        {
            unpost(&mut self.by_namespace, namespace, number);
            for (label, value) in labels {
                if let Some(values) = self.by_label.get_mut(label) {
                    unpost(values, value, number);
                    if values.is_empty() {
                        self.by_label.remove(label);
                    }
                }
            }
        }
        self.numbers.retire(number);
        Some(identity)
    }

    /// Those in a namespace.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<Number> {
        let found = self.by_namespace.get(namespace);
        found
            .map(|numbers| numbers.iter().copied().collect())
            .unwrap_or_default()
    }

    /// All that the selector may fit; `namespace` tells a namespace's labels.
    pub(crate) fn candidates<'a>(
        &self,
        key: &SelectorKey,
        fits: impl Fn(&str, &Selector) -> bool + 'a,
    ) -> Vec<Number> {
        let (scope, pods) = match key {
            SelectorKey::Nodes(_) => return self.nodes.iter().copied().collect(),
            SelectorKey::Port(..) | SelectorKey::Group(_) => {
                return self.all.keys().copied().collect();
            }
            SelectorKey::Pods { scope, pods } => (scope, pods),
        };
        let labelled = self.labelled(pods);
        if let Scope::Own(namespace) = scope {
            let own = self.by_namespace.get(namespace);
            let size: Option<usize> = labelled
                .as_ref()
                .map(|sets| sets.iter().map(|set| set.len()).sum());
            return match (own, labelled) {
                (None, _) => Vec::new(),
                (Some(own), Some(sets)) if size.is_some_and(|size| size < own.len()) => {
                    sets.into_iter().flatten().copied().collect()
                }
                (Some(own), _) => own.iter().copied().collect(),
            };
        }
        if let Some(sets) = labelled {
            return sets.into_iter().flatten().copied().collect();
        }
        let (Scope::Any(selector) | Scope::Namespaced(selector)) = scope else {
            return Vec::new();
        };
        let namespaces = self.by_namespace.iter();
        namespaces
            .filter(|(name, _)| fits(name, selector))
            .flat_map(|(_, numbers)| numbers.iter().copied())
            .collect()
    }

    /// Postings of a label that the selector insists on, where there is one.
    fn labelled(&self, selector: &Selector) -> Option<Vec<&BTreeSet<Number>>> {
        let mut best: Option<Vec<&BTreeSet<Number>>> = None;
        for requirement in &selector.requirements {
            let Operator::In(values) = &requirement.operator else {
                continue;
            };
            let postings = self.by_label.get(&requirement.key);
            let found: Vec<_> = values
                .iter()
                .filter_map(|value| postings.and_then(|by_value| by_value.get(value)))
                .collect();
            let size = |sets: &[&BTreeSet<Number>]| sets.iter().map(|set| set.len()).sum::<usize>();
            if best.as_ref().is_none_or(|known| size(&found) < size(known)) {
                best = Some(found);
            }
        }
        best
    }
}

fn post(postings: &mut Postings, key: &str, number: Number) {
    match postings.get_mut(key) {
        Some(numbers) => {
            numbers.insert(number);
        }
        None => {
            postings.insert(key.to_owned(), BTreeSet::from([number]));
        }
    }
}

fn unpost(postings: &mut Postings, key: &str, number: Number) {
    if let Some(numbers) = postings.get_mut(key) {
        numbers.remove(&number);
        if numbers.is_empty() {
            postings.remove(key);
        }
    }
}
