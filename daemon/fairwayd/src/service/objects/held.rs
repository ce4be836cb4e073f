//! What objects of a request stand beside: their older selves, and what may be in their way.

use crate::{
    convert::body,
    policy::{keys, keys::Key, stored},
    service::{Daemon, change::store_error},
};
use fairway_api::ErrorBody;
use fairway_kv::{Condition, Revision, Write};
use fairway_policy::{
    object::{self, Parsed},
    spec::{Kind, ObjectName},
};
use std::collections::BTreeMap;

/// An object as the store has it.
pub(super) type Stored = (Revision, Result<Parsed, String>);

/// What the store holds, as far as it matters.
pub(super) struct Held {
    /// Of the same names.
    named: BTreeMap<ObjectName, Stored>,
    /// All cluster-wide policies, if any is applied, and since when none has been.
    rivals: Option<(BTreeMap<ObjectName, Stored>, Option<Revision>)>,
}

impl Held {
    /// The older self of an object.
    pub(super) fn get(&self, name: &ObjectName) -> Option<&Stored> {
        self.named.get(name)
    }

    /// What a write of this object has to find, and leaves. No two may get a place in the order of cluster-wide
    /// policies at the same time: they could take the same one.
    pub(super) fn turn(&self, of: &Parsed) -> Option<(Condition, Write)> {
        let (_, last) = self.rivals.as_ref().filter(|_| is_ordered(of))?;
        let key = keys::order();
        let condition = match last {
            Some(modified) => Condition::Unchanged {
                key: key.clone(),
                modified: *modified,
            },
            None => Condition::Absent { key: key.clone() },
        };
        let write = Write::Put {
            key,
            value: of.name.name.clone().into_bytes(),
            lease: None,
        };
        Some((condition, write))
    }

    /// An object was written.
    pub(super) fn written(&mut self, of: &Parsed, at: Revision) {
        if let Some((_, last)) = self.rivals.as_mut().filter(|_| is_ordered(of)) {
            *last = Some(at);
        }
    }

    /// Judges objects beside each other and beside what is there: one that is newer than this program is left
    /// alone.
    pub(super) fn judge(&self, parsed: &[Parsed]) -> Vec<String> {
        let mut wrong = Vec::new();
        for new in parsed {
            if let Some((_, Err(error))) = self.get(&new.name)
                && error.starts_with("version ")
            {
                wrong.push(format!("{}: {error}; it is left alone", new.name));
            }
        }
        let Some((rivals, _)) = &self.rivals else {
            return wrong;
        };
        let readable = rivals.values().filter_map(|(_, there)| there.as_ref().ok());
        let others = readable.filter(|there| parsed.iter().all(|new| new.name != there.name));
        let all: Vec<&Parsed> = others
            .chain(parsed.iter().filter(|new| is_ordered(new)))
            .collect();
        for new in parsed.iter().filter(|new| is_ordered(new)) {
            let others = all.iter().filter(|other| other.name != new.name);
            if let Err(error) = object::conflicts(&new.object, others.map(|other| &other.object)) {
                let error = error.to_string();
                wrong.extend(error.lines().map(|line| format!("{}: {line}", new.name)));
            }
        }
        wrong
    }
}

/// Has it a place in the order of cluster-wide policies?
fn is_ordered(parsed: &Parsed) -> bool {
    parsed.name.kind == Kind::ClusterNetworkPolicy
}

impl Daemon {
    /// What these stand beside.
    pub(super) async fn held(&self, parsed: &[Parsed]) -> Result<Held, ErrorBody> {
        let store = self.open_store()?;
        // First the order: who takes a place after this look has changed it by then.
        let mut rivals = None;
        if parsed.iter().any(is_ordered) {
            let last = store.get(&keys::order()).await;
            let last = last.map_err(|error| store_error(&error))?;
            let all = self.all(Kind::ClusterNetworkPolicy).await?;
            rivals = Some((all, last.map(|entry| entry.modified)));
        }
        let mut named = BTreeMap::new();
        for new in parsed {
            let path = Key::Object(new.name.clone()).path();
            let there = store.get(&path).await;
            if let Some(entry) = there.map_err(|error| store_error(&error))? {
                let stored = (entry.modified, stored::decode(&entry.value));
                named.insert(new.name.clone(), stored);
            }
        }
        Ok(Held { named, rivals })
    }

    /// All objects of a kind.
    pub(super) async fn all(&self, kind: Kind) -> Result<BTreeMap<ObjectName, Stored>, ErrorBody> {
        let range = self.open_store()?.range(&keys::folder(kind)).await;
        let entries = range.map_err(|error| store_error(&error))?.entries;
        let known = entries.into_iter().filter_map(|entry| {
            let Some(Key::Object(name)) = Key::parse(&entry.key) else {
                return None;
            };
            Some((name, (entry.modified, stored::decode(&entry.value))))
        });
        Ok(known.collect())
    }
}

/// An error where something is wrong.
pub(super) fn refuse(mut wrong: Vec<String>) -> Result<(), ErrorBody> {
    if wrong.is_empty() {
        return Ok(());
    }
    let first = wrong.remove(0);
    Err(ErrorBody {
        details: wrong.join("\n"),
        ..body(fairway_cni::Code::INVALID_CONFIG, first)
    })
}
