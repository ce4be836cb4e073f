//! What the store has of a kind, as far as a write needs it: of ten thousand pods a hash each, not themselves.

use super::{Condition, Envelope};
use crate::stored::Origin;
use fairway_kv::{Entry, Revision};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher as _},
};

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<String, There>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct There {
    modified: Revision,
    hash: u64,
    whose: Whose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// It came from the API server.
    Ours,
    /// Somebody applied it.
    Applied,
    /// A newer program wrote it.
    Newer,
}

/// How a value that is wanted stands to what is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is so.
    Same,
    /// It is to be written.
    Differs,
    /// What is there is not ours, and says why it stays.
    Foreign(&'static str),
}

const APPLIED: &str = "one of this name was applied by netctl; \"netctl delete\" takes it away, and this one \
     counts then";
const NEWER: &str =
    "what the store has of this name was written by a newer program; it is left alone";

impl Known {
    /// All of these.
    pub(super) fn of(entries: Vec<Entry>) -> Known {
        let there = |entry: Entry| (entry.key.clone(), There::of(&entry));
        Known(entries.into_iter().map(there).collect())
    }

    /// Keys of what came from the API server.
    pub(super) fn mirrored(&self) -> impl Iterator<Item = &String> {
        let ours = self
            .0
            .iter()
            .filter(|(_, there)| there.whose == Whose::Ours);
        ours.map(|(key, _)| key)
    }

    /// How a value stands to what is there; none: nothing is to be there.
    pub(super) fn compare(&self, key: &str, wanted: Option<&[u8]>) -> Standing {
        match (self.0.get(key), wanted) {
            (None, None) => Standing::Same,
            (None, Some(_)) => Standing::Differs,
            // It is not taken away, and needs not be.
            (Some(there), None) if there.whose != Whose::Ours => Standing::Same,
            (Some(_), None) => Standing::Differs,
            (Some(there), Some(wanted)) => match there.whose {
                Whose::Applied => Standing::Foreign(APPLIED),
                Whose::Newer => Standing::Foreign(NEWER),
                Whose::Ours if there.hash == hash(wanted) => Standing::Same,
                Whose::Ours => Standing::Differs,
            },
        }
    }

    /// The key is as it is known.
    pub(super) fn condition(&self, key: &str) -> Condition {
        let key = key.to_owned();
        match self.0.get(&key) {
            Some(there) => Condition::Unchanged {
                modified: there.modified,
                key,
            },
            None => Condition::Absent { key },
        }
    }

    /// It was written.
    pub(super) fn written(&mut self, key: &str, value: Option<&[u8]>, modified: Revision) {
        match value {
            None => drop(self.0.remove(key)),
            Some(value) => {
                let there = There {
                    modified,
                    hash: hash(value),
                    whose: Whose::Ours,
                };
                self.0.insert(key.to_owned(), there);
            }
        }
    }

    /// It was found to be so.
    pub(super) fn found(&mut self, key: &str, entry: Option<&Entry>) {
        match entry {
            None => drop(self.0.remove(key)),
            Some(entry) => drop(self.0.insert(key.to_owned(), There::of(entry))),
        }
    }
}

impl There {
    fn of(entry: &Entry) -> There {
        let envelope = Envelope::of(&entry.value);
        There {
            modified: entry.modified,
            hash: hash(&entry.value),
            whose: match envelope.origin {
                _ if envelope.is_newer() => Whose::Newer,
                Some(Origin::Kubernetes) => Whose::Ours,
                Some(Origin::Unknown) => Whose::Newer,
                None => Whose::Applied,
            },
        }
    }
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(value);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str, modified: u64) -> Entry {
        Entry {
            key: key.to_owned(),
            value: value.as_bytes().to_vec(),
            created: Revision(1),
            modified: Revision(modified),
        }
    }

    #[test]
    fn only_what_is_ours_is_changed_or_taken_away() {
        let ours = r#"{"version":1,"origin":"kubernetes","object":{}}"#;
        let known = Known::of(vec![
            entry("a", ours, 4),
            entry("b", r#"{"version":1,"object":{}}"#, 5),
            entry("c", r#"{"version":2,"origin":"kubernetes"}"#, 6),
            entry("d", "x", 7),
            entry("e", r#"{"version":1,"origin":"nomad","object":{}}"#, 8),
        ]);
        assert_eq!(known.mirrored().collect::<Vec<_>>(), ["a"]);
        assert_eq!(known.compare("a", Some(ours.as_bytes())), Standing::Same);
        assert_eq!(known.compare("a", Some(b"other")), Standing::Differs);
        assert_eq!(known.compare("a", None), Standing::Differs);
        for key in ["b", "c", "d", "e"] {
            assert!(
                matches!(
                    known.compare(key, Some(ours.as_bytes())),
                    Standing::Foreign(_)
                ),
                "{key}"
            );
            assert_eq!(known.compare(key, None), Standing::Same, "{key}");
        }
        assert_eq!(known.compare("f", None), Standing::Same);
        assert_eq!(known.compare("f", Some(b"x")), Standing::Differs);
    }

    #[test]
    fn what_was_written_is_known() {
        let mut known = Known::default();
        assert_eq!(known.condition("a"), Condition::Absent { key: "a".into() });
        known.written("a", Some(b"x"), Revision(3));
        let modified = Revision(3);
        assert_eq!(
            known.condition("a"),
            Condition::Unchanged {
                key: "a".into(),
                modified
            }
        );
        assert_eq!(known.compare("a", Some(b"x")), Standing::Same);
        known.found("a", Some(&entry("a", "{}", 9)));
        assert!(matches!(
            known.compare("a", Some(b"x")),
            Standing::Foreign(_)
        ));
        known.found("a", None);
        known.written("a", None, Revision(10));
        assert_eq!(known.compare("a", Some(b"x")), Standing::Differs);
    }
}
