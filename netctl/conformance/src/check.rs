//! What a check is.

use crate::{Profile, Release, checks, stage::Stage};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much the specification, or what runtimes do, insists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Level {
    /// A plugin that does not is no CNI plugin, or breaks runtimes that are there.
    Must,
    /// One that does not leaves something to be wished for.
    Should,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
        })
    }
}

/// Why a check does not hold, or was not made.
#[derive(Debug)]
pub(crate) enum Because {
    /// The plugin is at fault.
    Wrong(String),
    /// It does not apply.
    Skipped(String),
    /// The node could not be set up or looked at.
    Bed(String),
}

pub(crate) type Outcome<T = ()> = Result<T, Because>;

impl From<fairway_ephemeral::Error> for Because {
    fn from(error: fairway_ephemeral::Error) -> Self {
        Because::Bed(error.to_string())
    }
}

/// The plugin is at fault.
pub(crate) fn wrong<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Because::Wrong(what.into()))
}

/// It does not apply.
pub(crate) fn skipped<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Because::Skipped(why.into()))
}

/// The plugin is at fault unless it holds.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    match holds {
        true => Ok(()),
        false => wrong(what()),
    }
}

/// One thing that is asked of plugins.
pub struct Check {
    /// It never changes and is never used for anything else.
    pub id: &'static str,
    /// How much is insisted.
    pub level: Level,
    /// Where the specification says so (1.1.0 unless it names another release), or who else relies on it.
    pub source: &'static str,
    /// What is asked.
    pub asks: &'static str,
    /// Of which plugins.
    pub(crate) of: &'static [Profile],
    /// From which release on.
    pub(crate) since: Release,
    /// In each release that the plugin supports, or only in the newest.
    pub(crate) each: bool,
    pub(crate) run: fn(&Stage, Release) -> Outcome,
}

impl Check {
    /// A check of the newest release of all plugins.
    pub(crate) const fn new(
        id: &'static str,
        level: Level,
        source: &'static str,
        asks: &'static str,
        run: fn(&Stage, Release) -> Outcome,
    ) -> Check {
        Check {
            id,
            level,
            source,
            asks,
            of: &[Profile::Interface, Profile::Ipam, Profile::Chained],
            since: Release::V0_1_0,
            each: false,
            run,
        }
    }

    pub(crate) const fn of(mut self, of: &'static [Profile]) -> Check {
        self.of = of;
        self
    }

    pub(crate) const fn since(mut self, since: Release) -> Check {
        self.since = since;
        self
    }

    pub(crate) const fn each(mut self) -> Check {
        self.each = true;
        self
    }

    /// Is it `id`, or of the group of that name?
    pub fn is(&self, id: &str) -> bool {
        let rest = self.id.strip_prefix(id);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// A check, as documents tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// How much is insisted.
    pub level: Level,
    /// Of which plugins it is asked.
    pub of: Vec<Profile>,
    /// What is asked.
    pub asks: String,
    /// Where the specification says so.
    pub source: String,
}

impl From<&Check> for Listed {
    fn from(check: &Check) -> Listed {
        Listed {
            id: check.id.to_owned(),
            level: check.level,
            of: check.of.to_vec(),
            asks: check.asks.to_owned(),
            source: check.source.to_owned(),
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Check({})", self.id)
    }
}

/// All checks, in the order in which they are made.
pub fn catalogue() -> impl Iterator<Item = &'static Check> {
    checks::ALL.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Ids that reports of this suite have had: none may go, or come to mean something else.
    const IDS: &str = include_str!("ids.txt");

    #[test]
    fn ids_are_unique_and_stay() {
        let ids: Vec<_> = catalogue().map(|check| check.id).collect();
        let set: BTreeSet<_> = ids.iter().copied().collect();
        assert_eq!(set.len(), ids.len());
        let known: BTreeSet<_> = IDS.lines().collect();
        assert_eq!(set, known, "ids.txt lists each id");
    }

    #[test]
    fn each_says_where_it_comes_from() {
        for check in catalogue() {
            assert!(
                !check.source.is_empty() && !check.asks.is_empty(),
                "{check:?}"
            );
            assert!(!check.of.is_empty(), "{check:?}");
        }
    }

    #[test]
    fn groups_are_whole_words() {
        let check = catalogue().find(|check| check.id == "del.twice").unwrap();
        assert!(check.is("del") && check.is("del.twice"));
        assert!(!check.is("de") && !check.is("del.") && !check.is("del.twice.x"));
    }
}
