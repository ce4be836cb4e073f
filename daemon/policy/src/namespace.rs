//! Namespaces, and what is known of one of which there is no object.

use crate::{
    selector::bare,
    spec::{Namespace, Selector},
};
use std::collections::HashMap;

/// Those that are known.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    all: HashMap<String, Namespace>,
}

impl Namespaces {
    /// Do the labels of the namespace fit? One without an object has its name as its only label.
    pub(crate) fn fits(&self, name: &str, selector: &Selector) -> bool {
        if selector.requirements.is_empty() {
            return true;
        }
        match self.all.get(name) {
            Some(namespace) => selector.fits(&namespace.labels),
            None => selector.fits(&bare(name)),
        }
    }

    pub(crate) fn audit(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|namespace| namespace.audit)
    }

    /// What was there before.
    pub(crate) fn put(&mut self, namespace: Namespace) -> Option<Namespace> {
        self.all.insert(namespace.name.clone(), namespace)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Namespace> {
        self.all.remove(name)
    }
}
