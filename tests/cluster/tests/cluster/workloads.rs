//! Addresses that follow their workloads: StatefulSets and Deployments, restarted again and again.

use crate::support::{by_hand, create, dual, eventually, in_state, in_step, pod, sticky};
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{ClaimCreate, ClaimList, ClaimRemove, SetSize};
use fairway_tests_cluster::controllers::{Deployment, Kubelets, Pod};
use fairway_tests_cluster::{Bed, Dice, Plan, joined, on};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

fn kubelets(bed: &Bed) -> Kubelets {
    Kubelets::new(bed.daemons.iter().map(|daemon| daemon.door()).collect())
}

#[test]
fn a_statefulset_of_five_keeps_its_five_addresses_over_a_hundred_restarts() -> Result<()> {
    on(&Plan::nodes(3), |bed| {
        create(bed, dual("p", 2, 25, 1))?;
        let (kubelets, seed) = (kubelets(bed), Dice::seed());
        let facts = sticky("prod", "", "on-scale-down");
        let restart = |number: u64| -> Result<Pod> {
            let mut dice = Dice::new(seed + number);
            let name = format!("db-{number}");
            let mut pod = kubelets.create(&name, dice.below(3), &facts)?;
            let first = pod.addresses();
            for round in 0..100 {
                pod = kubelets.move_pod(&pod, &facts, dice.percent(30), &mut dice)?;
                let now = pod.addresses();
                ensure!(
                    now == first,
                    "{name} had {first:?}, after restart {round} {now:?}"
                );
                ensure!(!pod.given.temporary, "{name}: temporary");
            }
            Ok(pod)
        };
        let pods: Vec<Pod> = thread::scope(|scope| {
            let restart = &restart;
            let all: Vec<_> = (0..5).map(|n| scope.spawn(move || restart(n))).collect();
            all.into_iter().map(joined).collect::<Result<_>>()
        })?;
        let all: BTreeSet<IpAddr> = pods.iter().flat_map(Pod::addresses).collect();
        ensure!(all.len() == 10, "{all:?}");
        let rows = in_step(bed)?;
        ensure!(in_state(&rows, "live").len() == 10, "{rows:#?}");
        ensure!(in_state(&rows, "claimed").is_empty(), "{rows:#?}");
        scaled_down(bed, &kubelets, &pods)
    })
}

/// Scaled down to three: the claims of the last two go, once their pods have gone.
fn scaled_down(bed: &Bed, kubelets: &Kubelets, pods: &[Pod]) -> Result<()> {
    let claims = || bed.door(2).claims(ClaimList::default());
    for pod in &pods[3..] {
        kubelets.delete(pod)?;
    }
    let app = claims()?.iter().find_map(|claim| claim.app.clone());
    let app = app.context("claims of a StatefulSet say whose they are")?;
    // Not before the store has heard that their pods have gone.
    let gone = eventually("the claims can go", || {
        Ok(bed.door(2).claim_remove(ClaimRemove {
            app: Some(app.clone()),
            replicas: Some(3),
            ..ClaimRemove::default()
        })?)
    })?;
    let mut names: Vec<_> = gone.iter().map(|claim| claim.name.as_str()).collect();
    names.sort_unstable();
    ensure!(names == ["prod/db-3", "prod/db-4"], "{names:?}");
    eventually("two claims are gone, three are held", || {
        let held = claims()?
            .iter()
            .filter(|claim| claim.holder.is_some())
            .count();
        let all = claims()?.len();
        ensure!((held, all) == (3, 3), "{:#?}", claims()?);
        Ok(())
    })
}

fn deployment(handover: &str, surge: usize, unavailable: usize) -> Deployment {
    let mut facts = sticky("web", "", "on-app-delete");
    facts.owner = Some(by_hand("Deployment/front".to_owned()));
    facts.handover = Some(by_hand(handover.to_owned()));
    Deployment {
        replicas: 3,
        surge,
        unavailable,
        grace: Duration::from_millis(700),
        facts,
        pods: Vec::new(),
        revision: 0,
    }
}

/// Five updates; gives every address that its pods ever had.
fn updates(bed: &Bed, mut deployment: Deployment) -> Result<BTreeSet<IpAddr>> {
    let seed = Dice::seed();
    let (kubelets, mut dice) = (kubelets(bed), Dice::new(seed));
    let mut seen = BTreeSet::new();
    for update in 0..6 {
        deployment
            .roll(&kubelets, &mut dice)
            .with_context(|| format!("update {update}"))?;
        let now: Vec<_> = deployment.pods.iter().flat_map(Pod::addresses).collect();
        ensure!(
            now.iter().collect::<BTreeSet<_>>().len() == 6,
            "{:#?}",
            deployment.pods
        );
        seen.extend(now);
    }
    for pod in &deployment.pods {
        kubelets.delete(pod)?;
    }
    let rows = in_step(bed)?;
    ensure!(in_state(&rows, "live").is_empty(), "{rows:#?}");
    Ok(seen)
}

fn rolling(handover: &'static str) -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        create(bed, dual("p", 3, 25, 1))?;
        updates(bed, deployment(handover, 1, 0)).context("surge 1")?;
        updates(bed, deployment(handover, 2, 0)).context("surge 2")?;
        updates(bed, deployment(handover, 0, 1)).context("no surge")?;
        Ok(())
    })
}

#[test]
fn a_rolling_update_ends_where_newcomers_wait() -> Result<()> {
    rolling("wait")
}

#[test]
fn a_rolling_update_ends_where_newcomers_get_something_for_the_time_being() -> Result<()> {
    rolling("temporary")
}

#[test]
fn a_rolling_update_ends_where_newcomers_are_refused() -> Result<()> {
    rolling("strict")
}

#[test]
fn a_set_of_a_given_size_keeps_to_its_members() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        create(bed, dual("p", 4, 25, 1))?;
        let set = ClaimCreate {
            name: "web/Deployment/front".into(),
            pool: "p".into(),
            addresses: Vec::new(),
            release: Some("never".into()),
            handover: Some("wait".into()),
            app: None,
            set: Some(SetSize {
                size: Some(3),
                surge: Some(1),
            }),
        };
        bed.door(1).claim_create(set)?;
        let seen = updates(bed, deployment("wait", 1, 0))?;
        ensure!(
            seen.len() <= 8,
            "four members of two families, and yet {seen:?}"
        );
        Ok(())
    })
}

#[test]
fn one_claim_has_one_holder_in_every_mode() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        create(bed, dual("p", 5, 25, 1))?;
        let (one, two) = (bed.door(1), bed.door(2));
        let facts = |handover: &str| {
            let mut facts = pod("prod", "x-1");
            facts.claim = Some(by_hand("mine".to_owned()));
            facts.release = Some(by_hand("never".to_owned()));
            facts.handover = Some(by_hand(handover.to_owned()));
            facts
        };
        let who = fairway_tests_cluster::attachment;
        let first = one.add(&who("a"), facts("wait"))?;
        let text =
            crate::support::refused(two.add(&who("b"), facts("strict")), 102, &["mine", "n1"])?;
        ensure!(text.contains('a'), "{text}");
        let other = two.add(&who("c"), facts("temporary"))?;
        ensure!(
            other.temporary && other.addresses != first.addresses,
            "{other:?}"
        );
        crate::support::refused(two.add(&who("d"), facts("wait")), 11, &["mine"])?;
        // It goes while the next one waits.
        thread::scope(|scope| {
            let waiting = scope.spawn(|| two.add(&who("e"), facts("wait")));
            let never = fairway_tests_cluster::Stop::default();
            never.pause(Duration::from_millis(500));
            one.del(&who("a"))?;
            let next = joined(waiting)?;
            ensure!(next.addresses == first.addresses, "{next:?}");
            Ok(())
        })?;
        one.check(&who("a"), &crate::support::ips(&first))
            .expect_err("it has gone");
        in_step(bed).map(drop)
    })
}
