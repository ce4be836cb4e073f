//! Selectors, each once however many rules have it, and whom each of them fits.
//!
//! A new identity asks only the selectors that are anchored at one of its labels, its namespace or a name of
//! its ports, and those that are anchored nowhere.

use crate::{
    identity::{Identities, IdentityKey},
    input::Number,
    namespace::Namespaces,
    policy::PolicyId,
    set::SetId,
    spec::{Labels, Operator, Protocol, Selector},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

pub(crate) type SelectorId = u32;

/// In which namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// In this one.
    Own(String),
    /// In one whose labels fit; endpoints without a namespace are as if in one without labels.
    Any(Selector),
    /// The same, but not endpoints without a namespace.
    Namespaced(Selector),
}

/// Who.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum SelectorKey {
    /// Endpoints by labels.
    Pods { scope: Scope, pods: Selector },
    /// Nodes by labels.
    Nodes(Selector),
    /// Endpoints that have a port of that name.
    Port(Option<Protocol>, String),
    /// Endpoints in a group.
    Group(String),
}

impl SelectorKey {
    pub(crate) fn fits(&self, who: &IdentityKey, namespaces: &Namespaces) -> bool {
        match (self, who) {
            (SelectorKey::Nodes(nodes), IdentityKey::Node { labels }) => nodes.fits(labels),
            (
                SelectorKey::Pods { scope, pods },
                IdentityKey::Pod {
                    namespace, labels, ..
                },
            ) => {
                pods.fits(labels)
                    && match scope {
                        Scope::Own(own) => own == namespace,
                        Scope::Any(selector) => namespaces.fits(namespace, selector),
                        Scope::Namespaced(selector) => {
                            !namespace.is_empty() && namespaces.fits(namespace, selector)
                        }
                    }
            }
            (SelectorKey::Port(protocol, name), IdentityKey::Pod { ports, .. }) => {
                ports.iter().any(|port| {
                    port.name == *name && protocol.is_none_or(|want| want == port.protocol)
                })
            }
            (SelectorKey::Group(group), IdentityKey::Pod { groups, .. }) => groups.contains(group),
            _ => false,
        }
    }

    fn anchors(&self) -> Vec<Anchor> {
        match self {
            SelectorKey::Nodes(_) => vec![Anchor::Node],
            SelectorKey::Port(_, name) => vec![Anchor::Port(name.clone())],
            SelectorKey::Group(group) => vec![Anchor::Group(group.clone())],
            SelectorKey::Pods { scope, pods } => {
                let namespace = match scope {
                    Scope::Own(own) => Some(own.clone()),
                    Scope::Any(_) | Scope::Namespaced(_) => None,
                };
                let label = pods
                    .requirements
                    .iter()
                    .filter_map(|requirement| match &requirement.operator {
                        Operator::In(values) => Some((&requirement.key, values)),
                        _ => None,
                    })
                    .min_by_key(|(_, values)| values.len());
                match label {
                    None => vec![Anchor::Pod(namespace, None)],
                    Some((key, values)) => values
                        .iter()
                        .map(|value| {
                            Anchor::Pod(namespace.clone(), Some((key.clone(), value.clone())))
                        })
                        .collect(),
                }
            }
        }
    }
}

/// Where a selector is looked for.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Anchor {
    Pod(Option<String>, Option<(String, String)>),
    Node,
    Port(String),
    Group(String),
}

fn anchors_of(who: &IdentityKey) -> Vec<Anchor> {
    let IdentityKey::Pod {
        namespace,
        labels,
        groups,
        ports,
    } = who
    else {
        return vec![Anchor::Node];
    };
    let mut anchors = vec![
        Anchor::Pod(None, None),
        Anchor::Pod(Some(namespace.clone()), None),
    ];
    for (key, value) in labels {
        let label = (key.clone(), value.clone());
        anchors.push(Anchor::Pod(None, Some(label.clone())));
        anchors.push(Anchor::Pod(Some(namespace.clone()), Some(label)));
    }
    anchors.extend(groups.iter().cloned().map(Anchor::Group));
    let names: BTreeSet<&String> = ports.iter().map(|port| &port.name).collect();
    anchors.extend(names.into_iter().cloned().map(Anchor::Port));
    anchors
}

/// A selector that somebody has.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) key: Arc<SelectorKey>,
    count: usize,
    /// Whom it fits.
    pub(crate) members: BTreeSet<Number>,
    /// The policies whose subject it is.
    pub(crate) subject_of: BTreeSet<PolicyId>,
    /// The sets in whose rules it is.
    pub(crate) used_by: BTreeSet<SetId>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Selectors {
    by_key: HashMap<Arc<SelectorKey>, SelectorId>,
    all: HashMap<SelectorId, Slot>,
    anchored: HashMap<Anchor, BTreeSet<SelectorId>>,
    next: SelectorId,
}

impl Selectors {
    pub(crate) fn get(&self, id: SelectorId) -> Option<&Slot> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: SelectorId) -> Option<&mut Slot> {
        self.all.get_mut(&id)
    }

    /// One more has it.
    pub(crate) fn acquire(
        &mut self,
        key: SelectorKey,
        identities: &mut Identities,
        namespaces: &Namespaces,
    ) -> SelectorId {
        if let Some(id) = self.by_key.get(&key) {
            if let Some(slot) = self.all.get_mut(id) {
                slot.count += 1;
            }
            return *id;
        }
        // Numbers of selectors never leave the engine and are never given out twice.
        self.next += 1;
        let (id, key) = (self.next, Arc::new(key));
        let mut members = BTreeSet::new();
        for number in identities.candidates(&key, |name, selector| namespaces.fits(name, selector))
        {
            if let Some(identity) = identities.get_mut(number)
                && key.fits(&identity.key, namespaces)
            {
                // The largest so far: the list stays sorted.
                identity.selectors.push(id);
                members.insert(number);
            }
        }
        for anchor in key.anchors() {
            self.anchored.entry(anchor).or_default().insert(id);
        }
        self.by_key.insert(Arc::clone(&key), id);
        self.all.insert(
            id,
            Slot {
                key,
                count: 1,
                members,
                subject_of: BTreeSet::new(),
                used_by: BTreeSet::new(),
            },
        );
        id
    }

    /// One fewer has it.
    pub(crate) fn release(&mut self, id: SelectorId, identities: &mut Identities) {
        let Some(slot) = self.all.get_mut(&id) else {
            return;
        };
        slot.count = slot.count.saturating_sub(1);
        if slot.count > 0 {
            return;
        }
        let Some(slot) = self.all.remove(&id) else {
            return;
        };
        self.by_key.remove(&slot.key);
        for anchor in slot.key.anchors() {
            if let Some(ids) = self.anchored.get_mut(&anchor) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.anchored.remove(&anchor);
                }
            }
        }
        for number in slot.members {
            if let Some(identity) = identities.get_mut(number)
                && let Ok(at) = identity.selectors.binary_search(&id)
            {
                identity.selectors.remove(at);
            }
        }
    }

    /// Those that fit, sorted.
    pub(crate) fn of(&self, who: &IdentityKey, namespaces: &Namespaces) -> Vec<SelectorId> {
        let mut fitting = Vec::new();
        for anchor in anchors_of(who) {
            for id in self.anchored.get(&anchor).into_iter().flatten() {
                if let Some(slot) = self.all.get(id)
                    && slot.key.fits(who, namespaces)
                {
                    fitting.push(*id);
                }
            }
        }
        fitting.sort_unstable();
        fitting.dedup();
        fitting
    }
}

/// The labels of a namespace of which nothing is known but its name.
pub(crate) fn bare(namespace: &str) -> Labels {
    match namespace {
        "" => Labels::new(),
        name => Labels::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]),
    }
}
