//! The Lease at the API server: looked at, taken, renewed, given back.

use crate::{
    call::{CallError, call},
    election::{Election, Lease as Seen, Step, Timing},
    report::{LEASE, Report},
};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{Api, Client, api::PostParams};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// Its name.
pub(crate) const NAME: &str = "fairway";

/// Until when this node leads; none: it does not.
pub(crate) type Leads = Option<Instant>;

/// The Lease, and what this node has to do with it.
pub(crate) struct Candidate {
    api: Api<Lease>,
    me: String,
    timing: Timing,
    election: Election,
    /// Of the election's clock.
    beginning: Instant,
    report: Arc<Report>,
    last: Option<Lease>,
}

impl Candidate {
    pub(crate) fn new(
        client: Client,
        namespace: &str,
        (me, timing): (String, Timing),
        report: Arc<Report>,
    ) -> Candidate {
        Candidate {
            api: Api::namespaced(client, namespace),
            election: Election::new(me.clone(), timing),
            me,
            timing,
            beginning: Instant::now(),
            report,
            last: None,
        }
    }

    /// Runs for as long as it is polled, and tells until when this node leads.
    pub(crate) async fn run(&mut self, tell: &watch::Sender<Leads>) {
        loop {
            // A request that does not come back must not keep the next renewal from being in time.
            let round = timeout(self.timing.every, self.round()).await;
            let pause = match round.unwrap_or(Err(CallError::Late)) {
                Ok(pause) => {
                    self.report.fine(LEASE);
                    pause
                }
                Err(error) => {
                    if error.code() != Some(409) {
                        self.report.failed(LEASE, &error);
                    }
                    self.timing.every / 3
                }
            };
            let until = self.election.leads_until();
            tell.send_replace(until.map(|until| self.beginning + until));
            sleep(pause).await;
        }
    }

    async fn round(&mut self) -> Result<Duration, CallError> {
        let there = call(self.api.get_opt(NAME)).await?;
        let seen = there.as_ref().map(seen);
        let step = self.election.look(self.now(), seen.as_ref(), chance());
        let holder = seen.map(|lease| lease.holder).unwrap_or_default();
        let next = match step {
            Step::Wait(pause) => {
                self.report.set_leader(&holder, false);
                return Ok(pause);
            }
            Step::Create => written(None, &self.me, self.timing.lease),
            Step::Take | Step::Renew => written(there, &self.me, self.timing.lease),
        };
        let (sent, params) = (self.now(), PostParams::default());
        let done = match step {
            Step::Create => call(self.api.create(&params, &next)).await?,
            _ => call(self.api.replace(NAME, &params, &next)).await?,
        };
        let version = done.metadata.resource_version.clone();
        self.election.wrote(sent, version.unwrap_or_default());
        self.last = Some(done);
        Ok(self.timing.every)
    }

    /// Gives it back, so that nobody has to wait until it is over.
    pub(crate) async fn resign(&mut self) {
        let leads = self.election.leads(self.now());
        self.election.resign();
        let Some(mut lease) = self.last.take().filter(|_| leads) else {
            return;
        };
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
        }
        let params = PostParams::default();
        // It is over by itself otherwise.
        let _given = timeout(
            Duration::from_secs(1),
            self.api.replace(NAME, &params, &lease),
        )
        .await;
    }

    fn now(&self) -> Duration {
        self.beginning.elapsed()
    }
}

fn seen(lease: &Lease) -> Seen {
    let spec = lease.spec.as_ref();
    let lasts = spec.and_then(|spec| spec.lease_duration_seconds);
    let lasts = lasts.and_then(|seconds| u64::try_from(seconds).ok());
    Seen {
        holder: spec
            .and_then(|spec| spec.holder_identity.clone())
            .unwrap_or_default(),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        // Nobody may keep others out for a year by writing so.
        lasts: Duration::from_secs(lasts.unwrap_or(0).min(300)),
    }
}

/// The lease in the hand of `me`. What it was based on is in its version: whoever was quicker wins.
fn written(there: Option<Lease>, me: &str, lasts: Duration) -> Lease {
    let now = MicroTime(Timestamp::now());
    let before = there.as_ref().and_then(|lease| lease.spec.clone());
    let before = before.unwrap_or_default();
    let same = before.holder_identity.as_deref() == Some(me);
    let transitions = before.lease_transitions.unwrap_or(0);
    let metadata = there.map(|lease| lease.metadata);
    Lease {
        metadata: metadata.unwrap_or_else(|| ObjectMeta {
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        }),
        spec: Some(LeaseSpec {
            holder_identity: Some(me.to_owned()),
            lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
            acquire_time: match before.acquire_time {
                Some(time) if same => Some(time),
                _ => Some(now.clone()),
            },
            renew_time: Some(now),
            lease_transitions: Some(match same {
                true => transitions,
                false => transitions.saturating_add(1),
            }),
            ..LeaseSpec::default()
        }),
    }
}

/// Below 1, another one each time.
pub(crate) fn chance() -> f64 {
    let lots = RandomState::new().build_hasher().finish();
    #[expect(clippy::cast_precision_loss, reason = "a lot need not be exact")]
    let chance = (lots >> 12) as f64 / (1u64 << 52) as f64;
    chance
}
