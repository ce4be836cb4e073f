//! `ipam.audit`: store, this node's journal and this node's kernel, held against each other.
//!
//! All three move while they are looked at. So everything is looked at twice, longer apart than the agent
//! takes to tell the store what it did, and only what stands both times is told. Of other nodes it is what
//! they publish that is looked at; each answers for its own journal and kernel.

use super::{
    Daemon,
    change::{Stop, must_be_known},
    refusal,
    words::read_some,
};
use crate::{
    convert::body,
    server::Replies,
    sweep::{observe, sightings},
};
use fairway_api::{ErrorBody, Progress, admin};
use fairway_cni::Code;
use fairway_ipam::{
    AttachmentId, Lease, PoolName, Request, Sighting, View,
    audit::{Fix, NodeFacts, Report, check},
};
use fairway_kv::Committed;
use std::{collections::BTreeSet, future::Future, time::Duration};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// Between two looks: the agent tells the store within 200 ms, and etcd may take its time.
const BETWEEN: Duration = Duration::from_millis(700);
/// How often whoever asked is told that it goes on.
const TELL: Duration = Duration::from_secs(2);

/// What is known of this node besides the store.
struct Own {
    before: u64,
    leases: Vec<Lease>,
    sightings: Vec<Sighting>,
    gone: BTreeSet<AttachmentId>,
}

impl Daemon {
    pub(super) async fn ipam_audit(
        &self,
        audit: admin::IpamAudit,
        replies: &mut Replies,
    ) -> Result<admin::Audit, Stop> {
        let pool: Option<PoolName> = read_some("pool", audit.pool.as_ref())?;
        let pool = pool.as_ref();
        must_be_known(&self.fresh().await?, pool)?;
        let first = telling(
            "looks at store, journal and kernel",
            0,
            replies,
            self.report(pool),
        );
        let first = first.await??;
        let mut report = first.clone();
        if !first.findings.is_empty() {
            sleep(BETWEEN).await;
            let second = telling("looks again", 1, replies, self.report(pool)).await??;
            report = second.confirmed(&first);
        }
        let mut fixed = BTreeSet::new();
        if audit.fix && !report.fixes().is_empty() {
            let fixes = report.fixes();
            let total = Some(fixes.len() as u64);
            for (done, (fix, findings)) in (0..).zip(fixes) {
                let what = "repairs".to_owned();
                replies.progress(Progress { what, done, total }).await?;
                if self.repair(fix).await? {
                    fixed.extend(findings);
                }
            }
            sleep(BETWEEN).await;
            let after =
                telling("looks at what came of it", 2, replies, self.report(pool)).await??;
            // The equations as they are now; what stood before and stands no more breaks none.
            report.pools = after.confirmed(&report).pools;
        }
        let finding = |(index, finding): (usize, fairway_ipam::audit::Finding)| admin::Finding {
            kind: finding.kind.to_string(),
            pool: finding.pool.map(Into::into),
            ip: finding.ip,
            text: finding.text,
            breaks: finding.kind.breaks(),
            fixed: fixed.contains(&index),
            remedy: finding.remedy,
        };
        let balance = |balance: &fairway_ipam::audit::Balance| admin::Balance {
            pool: balance.pool.to_string(),
            allocated: balance.allocated,
            live: balance.live,
            claimed: balance.claimed,
            cooling: balance.cooling,
            holds: balance.holds,
        };
        Ok(admin::Audit {
            pools: report.pools.iter().map(balance).collect(),
            nodes: report.nodes.iter().map(ToString::to_string).collect(),
            findings: report
                .findings
                .into_iter()
                .enumerate()
                .map(finding)
                .collect(),
        })
    }

    async fn report(&self, pool: Option<&PoolName>) -> Result<Report, ErrorBody> {
        let own = self.own().await?;
        let view: View = self.fresh().await?;
        let facts = NodeFacts {
            node: &self.config.node,
            journal: &self.journal,
            before: own.before,
            leases: &own.leases,
            sightings: &own.sightings,
            gone: &own.gone,
        };
        Ok(check(&view, pool, &[facts]))
    }

    async fn own(&self) -> Result<Own, ErrorBody> {
        let failed = |error| refusal::failure(&error);
        let before = self.driver.sequence().await.map_err(failed)?;
        let suspects = self.driver.leases().await.map_err(failed)?;
        let look = move || -> fairway_netlink::Result<_> {
            let seen = observe(&suspects)?;
            let gone = suspects.iter().filter(|lease| seen.is_gone(lease));
            let gone = gone.map(|lease| lease.attachment.clone());
            Ok((sightings()?, gone.collect()))
        };
        let looked = tokio::task::spawn_blocking(look).await;
        let looked = looked.map_err(|error| body(Code::INTERNAL, error))?;
        let (sightings, gone) = looked.map_err(|error| body(Code::KERNEL, error))?;
        Ok(Own {
            before,
            leases: self.driver.leases().await.map_err(failed)?,
            sightings,
            gone,
        })
    }

    async fn repair(&self, fix: Fix) -> Result<bool, ErrorBody> {
        match fix {
            Fix::Txn(txn) => match self.open_store()?.commit(&txn).await {
                Ok(committed) => Ok(matches!(committed, Committed::Yes { .. })),
                Err(error) => Err(super::change::store_error(&error)),
            },
            Fix::Gone(attachment, seq) => {
                let freed = self.driver.ask(Request::Gone(attachment, seq)).await;
                freed
                    .map(|_| true)
                    .map_err(|error| refusal::failure(&error))
            }
        }
    }
}

/// Does something that is mostly done at once, and tells where it is not.
pub(super) async fn telling_late<T>(
    what: &str,
    replies: &mut Replies,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    let mut work = std::pin::pin!(work);
    match timeout(TELL, &mut work).await {
        Ok(done) => Ok(done),
        Err(_) => telling(what, 0, replies, work).await,
    }
}

/// Does something, and tells now and then that it goes on.
async fn telling<T>(
    what: &str,
    done: u64,
    replies: &mut Replies,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    let mut work = std::pin::pin!(work);
    let mut ticks = interval(TELL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return Ok(result),
            _ = ticks.tick() => {
                let (what, total) = (what.to_owned(), None);
                replies.progress(Progress { what, done, total }).await?;
            }
        }
    }
}
