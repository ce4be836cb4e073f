//! ADD: that it works, and what it answers.

use crate::{
    Check, Level, Profile, Release,
    call::beforehand,
    check::{Outcome, ensure, skipped, wrong},
    form::Form,
    profile, shape,
    stage::{Container, Stage},
};
use serde_json::Value;

const MAKERS: &[Profile] = &[Profile::Interface];
const GIVERS: &[Profile] = &[Profile::Interface, Profile::Ipam];

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "add.result",
        Level::Must,
        "section 2, ADD; section 5: results are JSON on standard output, and logs go elsewhere",
        "ADD succeeds, and standard output holds one JSON object and nothing else",
        result,
    )
    .each(),
    Check::new(
        "add.shape",
        Level::Must,
        "section 5, ADD Success; before 1.0.0: Result",
        "the result has the form of the release that was asked for",
        shape,
    )
    .each(),
    Check::new(
        "add.exists",
        Level::Must,
        "section 2, ADD: an interface of the requested name that exists already is an error",
        "ADD is refused where the container has an interface of that name",
        exists,
    )
    .of(MAKERS),
    Check::new(
        "add.twice",
        Level::Should,
        "section 2, ADD; section 3, Lifecycle: an ADD is followed by a DEL before the next",
        "a second ADD for the same container and interface is refused",
        twice,
    )
    .of(GIVERS),
    Check::new(
        "add.twice-harmless",
        Level::Must,
        "section 2, ADD: a refused call has no part in what is there",
        "and what the first one made stays as it is",
        twice_harmless,
    )
    .of(MAKERS),
    Check::new(
        "add.again",
        Level::Must,
        "section 3, Lifecycle & Ordering",
        "after a DEL, an ADD for the same container and interface works",
        again,
    ),
    Check::new(
        "add.second-interface",
        Level::Should,
        "section 2, ADD: a runtime may call it more than once with different interface names",
        "an ADD with another interface name for the same container works",
        second_interface,
    )
    .of(GIVERS),
];

/// A fresh container with its result, judged by form.
pub(super) fn added(stage: &Stage, release: Release) -> Outcome<(Container, Value, Form)> {
    let container = stage.container()?;
    let result = stage.add(&container, release)?;
    let faults = shape::faults(&result, release, stage.subject.profile);
    if let Some(fault) = faults.first() {
        return skipped(format!("the result cannot be read: {fault}"));
    }
    let form = Form::of(&result, release)?;
    Ok((container, result, form))
}

fn result(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    let answer = stage.add_call(&container, release)?.run()?;
    let result = answer.result()?;
    // What comes of that is for others to ask.
    let _ = stage.del(&container, release, &result);
    Ok(())
}

fn shape(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    let result = stage.add(&container, release)?;
    let faults = shape::faults(&result, release, stage.subject.profile);
    let gone = stage.del(&container, release, &result);
    ensure(faults.is_empty(), || {
        format!("{}: {result}", faults.join("; "))
    })?;
    beforehand(gone, "DEL does not work")
}

fn exists(stage: &Stage, release: Release) -> Outcome {
    if stage.subject.kind == "loopback" {
        return skipped("lo is there from the start");
    }
    let container = stage.container()?;
    let ifname = &container.ifname;
    container.occupy()?;
    let answer = stage.add_call(&container, release)?.run()?;
    answer.refused(&format!("the container has an interface {ifname} already"))?;
    ensure(
        crate::kernel::link(&container.ns, ifname)?.is_some(),
        || format!("the interface {ifname} that was there is gone"),
    )
}

fn twice(stage: &Stage, release: Release) -> Outcome {
    if stage.subject.kind == "loopback" || !profile::is_unique(&stage.subject.kind) {
        return skipped("whoever asks gets the same");
    }
    let (container, result, _) = added(stage, release)?;
    let second = stage.add_call(&container, release)?.run()?;
    let refused = second.refused("the second ADD");
    beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    refused
}

fn twice_harmless(stage: &Stage, release: Release) -> Outcome {
    if stage.subject.kind == "loopback" {
        return skipped("whoever asks gets the same");
    }
    let (container, result, form) = added(stage, release)?;
    let before = stage.given(&container);
    let second = stage.add_call(&container, release)?.run()?;
    if !second.has_failed() {
        return skipped("the second ADD is not refused");
    }
    let still = super::attached::all(stage, &container, &form);
    if let Err(crate::check::Because::Wrong(what)) = still {
        return wrong(format!("after a second ADD that was refused: {what}"));
    }
    still?;
    let after = stage.given(&container);
    ensure(before.iter().all(|number| after.contains(number)), || {
        "after a second ADD that was refused the IPAM plugin has taken the first one's address back"
            .to_owned()
    })?;
    stage.del(&container, release, &result)
}

fn again(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    stage.renew(&container)?;
    let second = stage.add_call(&container, release)?.run()?.result()?;
    stage.del(&container, release, &second)
}

fn second_interface(stage: &Stage, release: Release) -> Outcome {
    if stage.subject.kind == "loopback" {
        return skipped("a container has one lo");
    }
    if ["host-device", "vlan"].contains(&stage.subject.kind.as_str()) {
        return skipped("a container is given one device, or one VLAN");
    }
    let (container, first, form) = added(stage, release)?;
    let other = container.with_ifname("eth1");
    let call = stage.add_call(&other, release)?;
    // A plugin that wants something of its own for each gets it by the container's number, which is the same.
    let second = call.run()?.result()?;
    super::attached::all(stage, &container, &form)?;
    stage.del(&other, release, &second)?;
    super::attached::all(stage, &container, &form)?;
    stage.del(&container, release, &first)
}
