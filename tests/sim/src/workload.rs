//! The workloads whose containers come and go, here and there and sometimes twice at once.

use crate::{profile::Profile, rng::Rng};
use fairway_ipam::{AppName, ClaimKind, ClaimName, Handover, PoolName, Release, Workload};

/// A workload.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) pool: PoolName,
    pub(crate) workload: Workload,
    /// What its containers say of themselves.
    pub(crate) release: Option<Release>,
    pub(crate) handover: Option<Handover>,
    /// How many containers it has now.
    pub(crate) running: u32,
    /// How many it has at most, those on their way out included.
    pub(crate) most: u32,
}

/// The workloads of a run: StatefulSets' pods, Deployments, names by hand.
pub(crate) fn all(profile: &Profile, rng: &mut Rng) -> Vec<Work> {
    (0..profile.workloads)
        .filter_map(|at| work(at, profile, rng))
        .collect()
}

fn work(at: usize, profile: &Profile, rng: &mut Rng) -> Option<Work> {
    let (pool, _) = rng.pick(&profile.pools)?;
    let pool = PoolName::new(*pool).ok()?;
    let (name, kind, app, ordinal, by_hand) = match at % 5 {
        0 => (
            format!("web/Deployment/front-{at}"),
            ClaimKind::Set,
            Some(format!("Deployment/web/front-{at}")),
            None,
            false,
        ),
        1 => (format!("hand-{at}"), ClaimKind::Single, None, None, true),
        ordinal => {
            let set = at / 5;
            let app = format!("StatefulSet/prod/db-{set}");
            (
                format!("prod/db-{set}-{ordinal}"),
                ClaimKind::Single,
                Some(app),
                Some(ordinal as u32),
                false,
            )
        }
    };
    let release = rng.of([
        None,
        None,
        None,
        Some(Release::Never),
        Some(Release::OnScaleDown),
        Some(Release::After(10)),
        Some(Release::OnDelete),
    ]);
    let handover = rng.of([
        None,
        None,
        Some(Handover::Temporary),
        Some(Handover::Strict),
        Some(Handover::Wait),
    ]);
    let claim = ClaimName::new(name).ok()?;
    let app = app.and_then(|app| AppName::new(app).ok());
    Some(Work {
        pool,
        workload: Workload {
            claim,
            kind,
            app,
            ordinal,
            by_hand,
        },
        release,
        handover,
        running: 0,
        most: if kind == ClaimKind::Set { 5 } else { 2 },
    })
}
