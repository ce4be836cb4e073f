//! What objects of a request stand beside: their older selves, and what may be in their way.

use super::family::{Kind, Name, Parsed};
use crate::{
    convert::body,
    policy::keys,
    service::{Daemon, change::store_error},
    stored::Envelope,
};
use fairway_api::ErrorBody;
use fairway_kv::{Condition, Revision, Write};
use fairway_policy::{object, spec};
use std::collections::{BTreeMap, BTreeSet};

/// What is said of an object that an administrator can change elsewhere only.
pub(super) const ELSEWHERE: &str = "comes from the API server of Kubernetes; change it there";

/// An object as the store has it.
pub(super) type Stored = (Revision, Result<Parsed, String>);

/// What the store holds, as far as it matters.
pub(super) struct Held {
    /// Of the same names.
    named: BTreeMap<Name, Stored>,
    /// All cluster-wide policies, if any is applied, and since when none has been.
    rivals: Option<(BTreeMap<Name, Stored>, Option<Revision>)>,
    /// When the newest of those that were written since was.
    newest: Option<Revision>,
    /// Of the same names, those that did not come by `netctl apply`.
    elsewhere: BTreeSet<Name>,
}

impl Held {
    /// As of when all of these are as they are now.
    pub(super) fn since(&self) -> Revision {
        let named = self.named.values().map(|(modified, _)| *modified);
        named.chain(self.newest).max().unwrap_or_default()
    }

    /// The older self of an object.
    pub(super) fn get(&self, name: &Name) -> Option<&Stored> {
        self.named.get(name)
    }

    /// What a write of this object has to find, and leaves. No two may get a place in the order of cluster-wide
    /// policies at the same time: they could take the same one.
    pub(super) fn turn(&self, of: &Parsed) -> Option<(Condition, Write)> {
        of.ordered()?;
        let (_, last) = self.rivals.as_ref()?;
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
            value: of.name().parts().1.as_bytes().to_vec(),
            lease: None,
        };
        Some((condition, write))
    }

    /// An object was written.
    pub(super) fn written(&mut self, of: &Parsed, at: Revision) {
        self.newest = self.newest.max(Some(at));
        if let Some((_, last)) = self.rivals.as_mut().filter(|_| of.ordered().is_some()) {
            *last = Some(at);
        }
    }

    /// Judges objects beside each other and beside what is there: one that is newer than this program is left
    /// alone.
    pub(super) fn judge(&self, parsed: &[Parsed]) -> Vec<String> {
        let mut wrong = Vec::new();
        for new in parsed {
            let name = new.name();
            if self.elsewhere.contains(&name) {
                wrong.push(format!("{name}: {ELSEWHERE}"));
            }
            if let Some((_, Err(error))) = self.get(&name)
                && error.starts_with("version ")
            {
                wrong.push(format!("{name}: {error}; it is left alone"));
            }
        }
        wrong.extend(self.rivals_among(parsed));
        wrong
    }

    /// What keeps this one from standing beside what is there.
    #[cfg(feature = "k8s")]
    pub(super) fn rivals_of(&self, new: &Parsed) -> Vec<String> {
        self.rivals_among(std::slice::from_ref(new))
    }

    fn rivals_among(&self, parsed: &[Parsed]) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some((rivals, _)) = &self.rivals else {
            return wrong;
        };
        let readable = rivals.values().filter_map(|(_, there)| there.as_ref().ok());
        let others = readable.filter(|there| parsed.iter().all(|new| new.name() != there.name()));
        let all: Vec<&spec::Object> = others
            .chain(parsed)
            .filter_map(|any| any.ordered())
            .collect();
        for new in parsed.iter().filter_map(|new| new.ordered()) {
            if let Err(error) = object::conflicts(new, all.iter().copied()) {
                let (name, error) = (new.object_name(), error.to_string());
                wrong.extend(error.lines().map(|line| format!("{name}: {line}")));
            }
        }
        wrong
    }
}

impl Daemon {
    /// What these stand beside.
    pub(super) async fn held(&self, parsed: &[Parsed]) -> Result<Held, ErrorBody> {
        let store = self.open_store()?;
        // First the order: who takes a place after this look has changed it by then.
        let mut rivals = None;
        if parsed.iter().any(|new| new.ordered().is_some()) {
            let last = store.get(&keys::order()).await;
            let last = last.map_err(|error| store_error(&error))?;
            let all = self
                .all(Kind::Policy(spec::Kind::ClusterNetworkPolicy))
                .await?;
            rivals = Some((all, last.map(|entry| entry.modified)));
        }
        let (mut named, mut elsewhere) = (BTreeMap::new(), BTreeSet::new());
        for new in parsed {
            let name = new.name();
            let there = store.get(&name.path()).await;
            if let Some(entry) = there.map_err(|error| store_error(&error))? {
                let stored = (entry.modified, name.decode(&entry.value));
                if Envelope::of(&entry.value).origin.is_some() {
                    elsewhere.insert(name.clone());
                }
                named.insert(name, stored);
            }
        }
        Ok(Held {
            named,
            rivals,
            newest: None,
            elsewhere,
        })
    }

    /// All objects of a kind.
    pub(super) async fn all(&self, kind: Kind) -> Result<BTreeMap<Name, Stored>, ErrorBody> {
        let range = self.open_store()?.range(&kind.folder()).await;
        let entries = range.map_err(|error| store_error(&error))?.entries;
        let known = entries.into_iter().filter_map(|entry| {
            let name = Name::of_path(&entry.key)?;
            let stored = (entry.modified, name.decode(&entry.value));
            Some((name, stored))
        });
        Ok(known.collect())
    }
}

/// An error where something is wrong.
pub(in crate::service) fn refuse(mut wrong: Vec<String>) -> Result<(), ErrorBody> {
    if wrong.is_empty() {
        return Ok(());
    }
    let first = wrong.remove(0);
    Err(ErrorBody {
        details: wrong.join("\n"),
        ..body(fairway_cni::Code::INVALID_CONFIG, first)
    })
}
