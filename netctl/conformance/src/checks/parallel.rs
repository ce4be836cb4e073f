//! Many containers at once.

use super::attached;
use crate::{
    Check, Level, Profile, Release,
    check::{Because, Outcome, ensure, wrong},
    form::Form,
    profile, shape,
    stage::{Container, Stage},
};
use serde_json::Value;
use std::{collections::BTreeMap, thread};

const AT_ONCE: usize = 32;
const CONCURRENT: &str = "section 3, Lifecycle & Ordering: plugins are executed concurrently across different containers";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "parallel.add",
        Level::Must,
        CONCURRENT,
        "32 ADDs at once succeed, each container has what its result says, and no two have the same",
        add,
    ),
    Check::new(
        "parallel.add-del",
        Level::Must,
        CONCURRENT,
        "ADDs and DELs at once succeed; what came is there, and what went has left nothing",
        add_del,
    ),
];

/// Does it for all at once; the first that is wrong is told.
fn at_once<T: Sync>(all: &[T], each: impl Fn(&T) -> Outcome + Sync) -> Outcome {
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|one| scope.spawn(|| each(one))).collect();
        let joined = threads.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Because::Bed("a thread of the suite panicked".to_owned())))
        });
        joined.collect()
    });
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    match outcomes.into_iter().find(Result::is_err) {
        Some(Err(Because::Wrong(first))) => wrong(format!(
            "{failed} of {} failed, such as: {first}",
            all.len()
        )),
        Some(other) => other,
        None => Ok(()),
    }
}

fn containers(stage: &Stage) -> Outcome<Vec<Container>> {
    (0..AT_ONCE).map(|_| stage.container()).collect()
}

/// ADDs all at once; containers with their results.
fn attach(
    stage: &Stage,
    release: Release,
    containers: Vec<Container>,
) -> Outcome<Vec<(Container, Value)>> {
    let results = std::sync::Mutex::new(Vec::new());
    at_once(&containers, |container| {
        let result = stage.add(container, release)?;
        let mut results = results
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        results.push((container.clone(), result));
        Ok(())
    })?;
    Ok(results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn detach(stage: &Stage, release: Release, attached: &[(Container, Value)]) -> Outcome {
    at_once(attached, |(container, result)| {
        stage.del(container, release, result)
    })
}

fn form(stage: &Stage, release: Release, result: &Value) -> Outcome<Form> {
    let faults = shape::faults(result, release, stage.subject.profile);
    match faults.first() {
        Some(fault) => Err(Because::Skipped(format!(
            "the result cannot be read: {fault}"
        ))),
        None => Form::of(result, release),
    }
}

fn add(stage: &Stage, release: Release) -> Outcome {
    // One alone, so that what follows is about many.
    stage.settled(release)?;
    let attached = attach(stage, release, containers(stage)?)?;
    let judged = judge(stage, release, &attached);
    let gone = detach(stage, release, &attached);
    judged.and(gone)
}

fn judge(stage: &Stage, release: Release, attached: &[(Container, Value)]) -> Outcome {
    let mut whose: BTreeMap<String, &str> = BTreeMap::new();
    for (container, result) in attached {
        let form = form(stage, release, result)?;
        attached::all(stage, container, &form)?;
        if stage.subject.profile == Profile::Chained || !profile::is_unique(&stage.subject.kind) {
            continue;
        }
        let loopback = stage.subject.kind == "loopback";
        let addresses = form.ips.iter().map(|ip| ip.address.ip().to_string());
        for address in addresses.filter(|_| !loopback) {
            if let Some(other) = whose.insert(address.clone(), &container.id) {
                return wrong(format!("{} and {other} both have {address}", container.id));
            }
        }
    }
    Ok(())
}

fn add_del(stage: &Stage, release: Release) -> Outcome {
    stage.settled(release)?;
    let (old, new) = (containers(stage)?, containers(stage)?);
    let before = stage.state()?;
    let old = attach(stage, release, old)?;
    let (gone, came) = thread::scope(|scope| {
        let gone = scope.spawn(|| detach(stage, release, &old));
        let came = attach(stage, release, new);
        let gone = gone
            .join()
            .unwrap_or_else(|_| wrong("a thread of the suite panicked"));
        (gone, came)
    });
    let came = came?;
    gone?;
    judge(stage, release, &came)?;
    detach(stage, release, &came)?;
    for (container, _) in &old {
        super::del::released(stage, container, "DEL")?;
    }
    ensure(came.len() == AT_ONCE, || "an ADD was lost".to_owned())?;
    match stage.subject.kind.as_str() {
        // Devices that have been away come in another order; whether one is as it was, another check asks.
        "host-device" => Ok(()),
        _ => before.unchanged(stage, "ADDs and DELs at once"),
    }
}
