//! Claims that end with their workloads.

use super::{Mirror, away, lead};
use crate::service::Daemon;
use async_trait::async_trait;
use fairway_ipam::{
    AppName, PodFacts, Release, View, Workload,
    admin::{AdminError, Which, remove_claims},
    record::ClaimRecord,
};
use fairway_k8s::{App, AppKind, Claims, End, Name, SinkError};
use fairway_kv::{Committed, Condition, Revision};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Mirror {
    /// Applications that have claims which end with them, as this node knows them.
    pub(super) async fn apps_with_claims(&self) -> Vec<App> {
        let found = self.daemon.driver.look(apps).await;
        // The journal cannot be written for now: nothing is given back.
        found.unwrap_or_default()
    }

    /// All claims as the store has them now.
    pub(super) async fn claims_now(&self) -> Result<Box<dyn Claims>, SinkError> {
        let failed = |error: fairway_api::ErrorBody| away(&error.message);
        let view = self.daemon.fresh().await.map_err(failed)?;
        let pods = self.daemon.apps_with_pods().await?;
        Ok(Box::new(Taken {
            daemon: self.daemon.clone(),
            leads: self.lead.condition()?,
            view,
            pods,
        }))
    }
}

/// Claims, as the store had them.
struct Taken {
    daemon: Arc<Daemon>,
    leads: Condition,
    view: View,
    pods: BTreeSet<AppName>,
}

#[async_trait]
impl Claims for Taken {
    async fn release(&self, app: &App, end: End) -> Result<Vec<String>, SinkError> {
        let Some(name) = app_name(app) else {
            return Ok(Vec::new());
        };
        let which = match end {
            // What has pods still is known by their names only, and may be of a kind that is not asked for.
            End::Deleted if self.pods.contains(&name) => return Ok(Vec::new()),
            End::Deleted => Which::App {
                app: name,
                pool: None,
            },
            End::Scaled(replicas) => Which::Scaled {
                app: name,
                replicas,
                pool: None,
            },
        };
        let plan = match remove_claims(&self.view, &which, false) {
            Ok(plan) => plan,
            // Its containers have not ended yet: another time.
            Err(AdminError::Held { .. } | AdminError::NoApp { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(away(&error)),
        };
        let store = self
            .daemon
            .open_store()
            .map_err(|error| away(&error.message))?;
        for mut txn in plan.txns {
            txn.conditions.push(self.leads.clone());
            match store.commit(&txn).await.map_err(|error| away(&error))? {
                Committed::Yes { .. } => {}
                // A claim has changed since: what was observed is older than it.
                Committed::No { found, .. } => {
                    let leads = found.iter().find(|(key, _)| *key == lead::key());
                    let modified = leads
                        .and_then(|(_, entry)| entry.as_ref())
                        .map(|e| e.modified);
                    return match self.leads_since() == modified {
                        true => Ok(Vec::new()),
                        false => Err(SinkError::Deposed("another".to_owned())),
                    };
                }
            }
        }
        let freed = plan.summary.into_iter();
        Ok(freed
            .map(|freed| format!("{} of pool {}", freed.name, freed.pool))
            .collect())
    }
}

impl Taken {
    fn leads_since(&self) -> Option<Revision> {
        match &self.leads {
            Condition::Unchanged { modified, .. } => Some(*modified),
            Condition::Absent { .. } => None,
        }
    }
}

impl Daemon {
    /// Applications of which there are pods, by these pods' names.
    async fn apps_with_pods(&self) -> Result<BTreeSet<AppName>, SinkError> {
        use super::{Kind, Name};
        let Ok(kind) = Kind::read("pods") else {
            return Ok(BTreeSet::new());
        };
        let store = self.open_store().map_err(|error| away(&error.message))?;
        let range = store
            .range(&kind.folder())
            .await
            .map_err(|error| away(&error))?;
        let app = |key: &str| {
            let name = Name::of_path(key)?;
            let (namespace, pod) = name.parts();
            let facts = PodFacts {
                namespace: Some(namespace.to_owned()),
                pod: Some(pod.to_owned()),
                ..PodFacts::default()
            };
            Workload::identify(&facts).ok()??.app
        };
        let keys = range.entries.iter().map(|entry| entry.key.as_str());
        Ok(keys.filter_map(app).collect())
    }
}

/// Applications that have claims which end with them.
fn apps(view: &View) -> Vec<App> {
    // Of each: the highest number of those that end when it is scaled down, and how many there are.
    let mut found: BTreeMap<&AppName, Option<u32>> = BTreeMap::new();
    let mut members: BTreeMap<&AppName, u32> = BTreeMap::new();
    for stored in view.claims.values() {
        let (app, release, ordinal) = match &stored.value {
            ClaimRecord::Claim(claim) => (&claim.app, claim.release, claim.ordinal),
            ClaimRecord::Set(set) => (&set.app, set.release, None),
        };
        let Some(app) = app else {
            continue;
        };
        if !matches!(release, Release::OnAppDelete | Release::OnScaleDown) {
            continue;
        }
        let most = found.entry(app).or_default();
        if release == Release::OnScaleDown {
            *most = ordinal.max(*most);
            if ordinal.is_none() && matches!(stored.value, ClaimRecord::Claim(_)) {
                *members.entry(app).or_default() += 1;
            }
        }
    }
    let app = |(name, most): (&AppName, Option<u32>)| {
        let last = members.get(name).and_then(|count| count.checked_sub(1));
        let (kind, name) = parts(name)?;
        let most = last.max(most);
        Some(App { kind, name, most })
    };
    found.into_iter().filter_map(app).collect()
}

/// `KIND/NAMESPACE/NAME`; none: nothing that an API server is asked for.
fn parts(app: &AppName) -> Option<(AppKind, Name)> {
    let mut parts = app.as_str().split('/');
    let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = AppKind::ALL
        .into_iter()
        .find(|known| known.name() == kind)?;
    let name = Name {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    parts.next().is_none().then_some((kind, name))
}

fn app_name(app: &App) -> Option<AppName> {
    let Name { namespace, name } = &app.name;
    AppName::new(format!("{}/{namespace}/{name}", app.kind.name())).ok()
}
