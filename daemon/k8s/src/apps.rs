//! Workloads that end: which claims end with them.
//!
//! Pure. A claim must never be given back because something was not seen: so nothing follows from a list that has not
//! come to its end, and what follows from one is only a suspicion. Whoever acts on it takes down the claims as they are,
//! asks the server for that one workload once more, and gives back only what has not changed since it was taken down. So
//! whatever was observed is newer than the claim.

use crate::{kind::Name, seen::AppSpec};
use std::collections::{BTreeMap, BTreeSet};

/// What a workload's claims belong to, in words of the API server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct App {
    /// Its kind.
    pub kind: AppKind,
    /// Which.
    pub name: Name,
    /// The highest number of a claim that ends when it is scaled down below that, or how many there are, if more.
    pub most: Option<u32>,
}

/// Kinds of workloads that have claims which end with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppKind {
    /// `apps/v1 StatefulSet`.
    StatefulSet,
    /// `apps/v1 Deployment`.
    Deployment,
}

impl AppKind {
    /// Both.
    pub const ALL: [AppKind; 2] = [AppKind::StatefulSet, AppKind::Deployment];

    /// As it stands in an object.
    pub const fn name(self) -> &'static str {
        match self {
            AppKind::StatefulSet => "StatefulSet",
            AppKind::Deployment => "Deployment",
        }
    }

    /// As it stands in a path.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            AppKind::StatefulSet => "statefulsets",
            AppKind::Deployment => "deployments",
        }
    }
}

/// How a workload has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was deleted.
    Deleted,
    /// It has this many replicas; a StatefulSet's numbers are below this.
    Scaled(u32),
}

/// The number below which all of its replicas' are.
pub(crate) fn bound(spec: &AppSpec) -> u32 {
    let start = spec.ordinals.as_ref().map_or(0, |ordinals| ordinals.start);
    start.saturating_add(spec.replicas.unwrap_or(1))
}

/// What follows for an application from how it is now; none: nothing ends.
pub(crate) fn end(app: &App, bound: Option<u32>) -> Option<End> {
    match (bound, app.most) {
        (None, _) => Some(End::Deleted),
        (Some(bound), Some(most)) if most >= bound => Some(End::Scaled(bound)),
        _ => None,
    }
}

/// All workloads of the API server, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Apps {
    of: BTreeMap<AppKind, Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// A list has come to its end.
    whole: bool,
    listing: Option<BTreeSet<Name>>,
    bounds: BTreeMap<Name, u32>,
}

impl Apps {
    /// A list of a kind begins.
    pub(crate) fn list(&mut self, kind: AppKind) {
        let known = self.of.entry(kind).or_default();
        known.listing = Some(BTreeSet::new());
        // What has gone in the meantime is not known before the list is whole.
        known.whole = false;
    }

    /// One is there. Says whether it has become smaller.
    pub(crate) fn seen(&mut self, kind: AppKind, name: Name, spec: &AppSpec) -> bool {
        let known = self.of.entry(kind).or_default();
        if let Some(listing) = &mut known.listing {
            listing.insert(name.clone());
        }
        let now = bound(spec);
        known
            .bounds
            .insert(name, now)
            .is_some_and(|before| now < before)
    }

    /// One is gone.
    pub(crate) fn gone(&mut self, kind: AppKind, name: &Name) {
        self.of.entry(kind).or_default().bounds.remove(name);
    }

    /// The list has come to its end.
    pub(crate) fn listed(&mut self, kind: AppKind) {
        let known = self.of.entry(kind).or_default();
        if let Some(listing) = known.listing.take() {
            known.bounds.retain(|name, _| listing.contains(name));
            known.whole = true;
        }
    }

    /// Has an application ended, as far as is known?
    pub(crate) fn suspects(&self, app: &App) -> bool {
        let known = self.of.get(&app.kind).filter(|known| known.whole);
        known.is_some_and(|known| end(app, known.bounds.get(&app.name).copied()).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::Ordinals;

    fn name(name: &str) -> Name {
        Name {
            namespace: "web".to_owned(),
            name: name.to_owned(),
        }
    }

    fn app(named: &str, most: Option<u32>) -> App {
        App {
            kind: AppKind::StatefulSet,
            name: name(named),
            most,
        }
    }

    fn spec(replicas: u32) -> AppSpec {
        AppSpec {
            replicas: Some(replicas),
            ordinals: None,
        }
    }

    #[test]
    fn nothing_follows_from_a_list_that_is_not_whole() {
        let kind = AppKind::StatefulSet;
        let mut apps = Apps::default();
        assert!(!apps.suspects(&app("db", Some(2))));
        apps.list(kind);
        apps.seen(kind, name("other"), &spec(1));
        assert!(!apps.suspects(&app("db", Some(2))));
        apps.listed(kind);
        assert!(apps.suspects(&app("db", Some(2))));
        // Of the other kind nothing is known.
        let other = App {
            kind: AppKind::Deployment,
            ..app("db", None)
        };
        assert!(!apps.suspects(&other));
        // The watch is lost: what it says is old.
        apps.list(kind);
        assert!(!apps.suspects(&app("db", Some(2))));
        apps.seen(kind, name("db"), &spec(3));
        apps.listed(kind);
        assert!(!apps.suspects(&app("db", Some(2))) && apps.suspects(&app("other", None)));
    }

    #[test]
    fn what_is_scaled_down_ends_from_its_number_on() {
        let kind = AppKind::StatefulSet;
        let mut apps = Apps::default();
        apps.list(kind);
        apps.listed(kind);
        apps.seen(kind, name("db"), &spec(3));
        assert!(!apps.suspects(&app("db", Some(2))) && apps.suspects(&app("db", Some(3))));
        assert!(!apps.suspects(&app("db", None)), "on-app-delete only");
        apps.seen(kind, name("db"), &spec(0));
        assert!(apps.suspects(&app("db", Some(0))) && !apps.suspects(&app("db", None)));
        apps.gone(kind, &name("db"));
        assert!(apps.suspects(&app("db", None)));
    }

    #[test]
    fn numbers_may_begin_elsewhere_and_one_replica_is_the_default() {
        let spec = AppSpec {
            replicas: Some(2),
            ordinals: Some(Ordinals { start: 5 }),
        };
        assert_eq!(bound(&spec), 7);
        assert_eq!(end(&app("db", Some(6)), Some(7)), None);
        assert_eq!(end(&app("db", Some(7)), Some(7)), Some(End::Scaled(7)));
        assert_eq!(bound(&AppSpec::default()), 1);
        assert_eq!(end(&app("db", None), None), Some(End::Deleted));
    }
}
