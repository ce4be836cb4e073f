//! DEL.

use super::add::added;
use crate::{
    Check, Level, Profile, Release,
    call::{Call, beforehand},
    check::{Outcome, ensure, skipped},
    kernel,
    stage::{Container, Stage, State},
};

const MAKERS: &[Profile] = &[Profile::Interface];

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "del.after-add",
        Level::Must,
        "section 2, DEL",
        "DEL after an ADD succeeds and says nothing",
        after_add,
    )
    .each(),
    Check::new(
        "del.interface",
        Level::Must,
        "section 2, DEL: delete the interface that CNI_IFNAME names",
        "after DEL the container's interface is gone",
        interface,
    )
    .of(MAKERS),
    Check::new(
        "del.twice",
        Level::Must,
        "section 2, DEL: multiple calls for the same container and interface succeed",
        "a second DEL succeeds",
        twice,
    ),
    Check::new(
        "del.never-added",
        Level::Must,
        "section 2, DEL: success where the interface or the modifications are missing",
        "DEL of what was never added succeeds",
        never_added,
    ),
    Check::new(
        "del.without-netns",
        Level::Must,
        "section 2, DEL: CNI_NETNS is optional",
        "DEL without CNI_NETNS succeeds",
        without_netns,
    ),
    Check::new(
        "del.without-netns-cleans",
        Level::Should,
        "0.4.0, Parameters, DEL: as many resources as possible, such as addresses; section 2, DEL",
        "and leaves nothing on the node, and no address taken",
        without_netns_cleans,
    ),
    Check::new(
        "del.lost-netns",
        Level::Must,
        "section 2, DEL: also where the namespace no longer exists",
        "DEL succeeds where CNI_NETNS leads nowhere any more, and leaves nothing",
        lost_netns,
    ),
    Check::new(
        "del.without-prev-result",
        Level::Should,
        "section 2, DEL: no error where prevResult is empty",
        "DEL without prevResult succeeds, and leaves nothing",
        without_prev_result,
    ),
    Check::new(
        "del.delegates",
        Level::Must,
        "section 4, Delegated plugin execution procedure",
        "DEL tells the IPAM plugin",
        delegates,
    )
    .of(MAKERS),
];

fn after_add(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    stage
        .call("DEL", &container, release, &result)
        .run()?
        .silent()
}

fn interface(stage: &Stage, release: Release) -> Outcome {
    if stage.subject.kind == "loopback" {
        return skipped("lo stays as long as its container");
    }
    let (container, result, _) = added(stage, release)?;
    beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    ensure(
        kernel::link(&container.ns, &container.ifname)?.is_none(),
        || format!("the container still has its interface {}", container.ifname),
    )
}

fn twice(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    beforehand(
        stage.del(&container, release, &result),
        "the first one does not",
    )?;
    stage.del(&container, release, &result)
}

fn never_added(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    stage.bare_call("DEL", &container, release).run()?.ok()
}

fn without_netns(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    let call = stage
        .call("DEL", &container, release, &result)
        .without("CNI_NETNS");
    call.run()?.ok()
}

/// A DEL without this or that: what is on the node, and the address, must go all the same.
fn cleans<'a>(
    stage: &'a Stage,
    release: Release,
    after: &str,
    change: impl FnOnce(Call<'a>) -> Call<'a>,
) -> Outcome {
    let (_container, before) = ended(stage, release, after, change)?;
    if is_kept(stage) {
        return skipped(KEPT);
    }
    before.unchanged(stage, after)
}

/// The same where the plugin is not told of the namespace: what stands there alone goes with it.
fn cleans_outside<'a>(
    stage: &'a Stage,
    release: Release,
    after: &str,
    change: impl FnOnce(Call<'a>) -> Call<'a>,
) -> Outcome {
    let (container, before) = ended(stage, release, after, change)?;
    if is_kept(stage) {
        return skipped(KEPT);
    }
    container.lose()?;
    before.unchanged(stage, after)
}

fn ended<'a>(
    stage: &'a Stage,
    release: Release,
    after: &str,
    change: impl FnOnce(Call<'a>) -> Call<'a>,
) -> Outcome<(Container, State)> {
    beforehand(stage.settled(release), "DEL does not work")?;
    let container = stage.container()?;
    let before = stage.state()?;
    let result = stage.add(&container, release)?;
    let call = change(stage.call("DEL", &container, release, &result));
    call.run()?.ok()?;
    released(stage, &container, after)?;
    Ok((container, before))
}

/// Nothing of it may go with its namespace.
const KEPT: &str = "the device is in the container, and comes back when that goes";

fn is_kept(stage: &Stage) -> bool {
    stage.subject.kind == "host-device"
}

/// The stand-in has nothing of the container any more.
pub(super) fn released(stage: &Stage, container: &Container, after: &str) -> Outcome {
    let left = stage.given(container);
    ensure(left.is_empty(), || {
        format!(
            "after {after} the IPAM plugin still has {} address of the container",
            left.len()
        )
    })
}

fn without_netns_cleans(stage: &Stage, release: Release) -> Outcome {
    cleans_outside(stage, release, "a DEL without CNI_NETNS", |call| {
        call.without("CNI_NETNS")
    })
}

fn lost_netns(stage: &Stage, release: Release) -> Outcome {
    let nowhere = stage.nowhere().display().to_string();
    cleans_outside(stage, release, "a DEL with a lost namespace", |call| {
        call.env("CNI_NETNS", &nowhere)
    })
}

fn without_prev_result(stage: &Stage, release: Release) -> Outcome {
    cleans(stage, release, "a DEL without prevResult", |call| {
        call.unset("prevResult")
    })
}

fn delegates(stage: &Stage, release: Release) -> Outcome {
    if !stage.has_stand_in() {
        return skipped("its addresses do not come from the suite's IPAM plugin");
    }
    let (container, result, _) = added(stage, release)?;
    beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    ensure(stage.asked("DEL", Some(&container)) > 0, || {
        "the IPAM plugin was not told".to_owned()
    })?;
    released(stage, &container, "DEL")
}
