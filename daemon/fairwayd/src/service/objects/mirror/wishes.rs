//! Pools, claims and networks of an API server: made so step by step, each under the key by which this node leads.

use super::{
    super::{AddressKind, addressing, marks},
    Mirror, away, lead,
    step::{Next, There, Way},
};
use crate::service::refusal;
use fairway_cni::Code;
use fairway_ipam::{CreateClaim, Release, Request};
use fairway_k8s::{self as k8s, Change, Outcome, SinkError};
use fairway_kv::{Committed, Condition, ROOT, Txn};
use fairway_pools::{Object, claim};
use futures::future::try_join_all;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How many steps are made for one change at once; another look comes after a while.
const STEPS: u32 = 12;
/// How long the owners of blocks may take to agree about a claim, in milliseconds.
const PATIENCE: u64 = 10_000;

/// The kind of addresses; none: it is of another sort.
pub(super) fn address_kind(kind: k8s::Kind) -> Option<AddressKind> {
    AddressKind::read(kind.name())
}

/// A change on its way.
struct Going<'c> {
    of: (AddressKind, &'c str),
    /// None: it is to go.
    wish: Option<Object>,
    way: Way,
    outcome: Option<Outcome>,
}

impl<'c> Going<'c> {
    fn of(kind: AddressKind, change: &'c Change) -> Self {
        let of = (kind, change.name.name.as_str());
        let parsed = change.object.as_ref().map(fairway_pools::parse);
        let (wish, refused) = match parsed {
            None => (None, None),
            Some(Err(error)) => (None, Some(error.to_string())),
            Some(Ok(wish)) if (wish.kind(), wish.name()) != of => {
                (None, Some(format!("it is {} {}", wish.kind(), wish.name())))
            }
            Some(Ok(wish)) => (Some(wish), None),
        };
        Going {
            of,
            wish,
            way: Way::default(),
            outcome: refused.map(Outcome::Refused),
        }
    }
}

impl Mirror {
    /// What came from the API server, or has not wholly gone.
    pub(super) async fn marked(&self, kind: AddressKind) -> Result<BTreeSet<k8s::Name>, SinkError> {
        let store = self.daemon.open_store();
        let store = store.map_err(|error| away(&error.message))?;
        let folder = marks::folder(kind);
        let range = store.range(&folder).await.map_err(|error| away(&error))?;
        let names = range.entries.iter().filter_map(|entry| {
            Some(k8s::Name {
                namespace: String::new(),
                name: entry.key.strip_prefix(&folder)?.to_owned(),
            })
        });
        Ok(names.collect())
    }

    /// As [`k8s::Sink::write`]. Claims go their way side by side, a step of each for one look: in a large cluster the look
    /// is what takes long. Pools and networks are judged by each other, so each comes to its end before the next.
    pub(super) async fn write_wishes(
        &self,
        kind: AddressKind,
        changes: &[Change],
    ) -> Result<Vec<Outcome>, SinkError> {
        let mut all: Vec<_> = changes.iter().map(|one| Going::of(kind, one)).collect();
        let together = match kind {
            AddressKind::IPClaim => k8s::BATCH,
            AddressKind::IPPool | AddressKind::Network => 1,
        };
        // What the store had, where nothing was written since.
        let mut seen = None;
        for some in all.chunks_mut(together) {
            for _ in 0..STEPS {
                if some.iter().all(|one| one.outcome.is_some()) {
                    break;
                }
                let there = match seen.take() {
                    Some(there) => there,
                    None => self.there().await?,
                };
                let left = some.iter_mut().filter(|one| one.outcome.is_none());
                let moved = try_join_all(left.map(|one| self.step(one, &there))).await?;
                if !moved.contains(&true) {
                    seen = Some(there);
                    break;
                }
            }
        }
        let outcome = |one: Going<'_>| one.outcome.unwrap_or(Outcome::Again);
        Ok(all.into_iter().map(outcome).collect())
    }

    /// Makes the next step of one; false: nothing is to be done.
    async fn step(&self, one: &mut Going<'_>, there: &There) -> Result<bool, SinkError> {
        let now = self.daemon.clocks.now();
        match one.way.next(there, one.of, one.wish.as_ref(), now) {
            Next::Settled(outcome) => {
                one.outcome = Some(outcome);
                return Ok(false);
            }
            Next::Commit(txns) => {
                for txn in txns {
                    if !self.commit_leading(txn).await? {
                        break;
                    }
                }
            }
            Next::Make(claim, stands) => one.way.made(self.make(claim, there, stands).await?),
        }
        Ok(true)
    }

    /// All that the store has, marks and records of one revision.
    async fn there(&self) -> Result<There, SinkError> {
        let store = self.daemon.open_store();
        let store = store.map_err(|error| away(&error.message))?;
        let range = store.range(ROOT).await.map_err(|error| away(&error))?;
        // A large cluster is megabytes of JSON; others are served meanwhile.
        let read = move || There::of(range.revision, range.entries);
        let there = tokio::task::spawn_blocking(read).await;
        there.map_err(|error| away(&error))
    }

    /// Commits, where this node leads still; false: somebody was quicker.
    async fn commit_leading(&self, mut txn: Txn) -> Result<bool, SinkError> {
        txn.conditions.push(self.lead.condition()?);
        let store = self.daemon.open_store();
        let store = store.map_err(|error| away(&error.message))?;
        match store.commit(&txn).await.map_err(|error| away(&error))? {
            Committed::Yes { .. } => Ok(true),
            Committed::No { found, .. } => {
                let ours = found.iter().find(|(key, _)| *key == lead::key());
                let ours = ours.and_then(|(_, entry)| entry.as_ref());
                self.lead.check(ours).map(|()| false)
            }
        }
    }

    /// Has the nodes make a claim, where this node leads still and its mark stands when they do; none: it is, or is to be
    /// looked at again.
    async fn make(
        &self,
        wish: &claim::Wish,
        there: &There,
        stands: Condition,
    ) -> Result<Option<Outcome>, SinkError> {
        let usual = there.view.pools.get(&wish.pool);
        let usual = usual.map(|pool| pool.value.spec.handover);
        let request = Request::CreateClaim(Box::new(CreateClaim {
            pool: wish.pool.clone(),
            name: wish.name.clone(),
            addresses: wish.addresses.clone(),
            release: wish.release.unwrap_or(Release::Never),
            handover: wish.handover.or(usual).unwrap_or_default(),
            app: wish.app.clone(),
            only_while: vec![self.lead.condition()?, stands],
            deadline: self.daemon.clocks.millis() + PATIENCE,
        }));
        let Err(failure) = self.daemon.driver.ask(request).await else {
            return Ok(None);
        };
        self.leads().await?;
        let error = refusal::failure(&failure);
        let text = match error.code == Code::TRY_AGAIN.number() {
            // It is no refusal of the object, but it does not hold yet, and says why.
            true => error.message,
            false => match wish.addresses.is_empty() {
                true => format!("spec.pool: {}", error.message),
                false => format!("spec.addresses: {}", error.message),
            },
        };
        Ok(Some(Outcome::Refused(text)))
    }

    /// Does this node lead still? What the nodes refuse may be refused for that.
    async fn leads(&self) -> Result<(), SinkError> {
        let store = self.daemon.open_store();
        let store = store.map_err(|error| away(&error.message))?;
        let there = store.get(&lead::key()).await;
        self.lead
            .check(there.map_err(|error| away(&error))?.as_ref())
    }

    /// What objects of a kind are to say in their status, as this node knows it.
    pub(super) async fn standings(
        &self,
        kind: AddressKind,
    ) -> BTreeMap<k8s::Name, Map<String, Value>> {
        let shown = move |view: &_| addressing::shown(view, kind);
        // The journal cannot be written for now: nothing is known.
        let all = self.daemon.driver.look(shown).await.unwrap_or_default();
        let status = |(name, mut object): (String, Value)| {
            let namespace = String::new();
            match object["status"].take() {
                Value::Object(status) => Some((k8s::Name { namespace, name }, status)),
                _ => None,
            }
        };
        all.into_iter().filter_map(status).collect()
    }
}
