//! Nothing stays behind.

use super::{add::added, del::released};
use crate::{
    Check, Level, Profile, Release,
    call::beforehand,
    check::{Outcome, ensure, skipped},
    kernel,
    stage::Stage,
};

const MAKERS: &[Profile] = &[Profile::Interface];
const DELEGATE: &str = "section 4, Delegated plugin execution procedure: a delegate that fails is told DEL before the error is returned";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "clean.del",
        Level::Must,
        "section 2, DEL: delete the interface, undo any modifications",
        "after DEL links, addresses, routes, rules, settings and files are as they were before the ADD",
        del,
    ),
    Check::new(
        "clean.ipam-fails",
        Level::Must,
        DELEGATE,
        "where the IPAM plugin fails, ADD fails, and leaves nothing in the container and on the node",
        ipam_fails,
    )
    .of(MAKERS),
    Check::new(
        "clean.ipam-told",
        Level::Should,
        DELEGATE,
        "where the IPAM plugin fails at ADD, it is told DEL",
        ipam_told,
    )
    .of(MAKERS),
    Check::new(
        "clean.late-failure",
        Level::Must,
        "section 2, ADD and Errors; section 4",
        "an ADD that fails because the interface exists leaves nothing, and no address taken",
        late_failure,
    )
    .of(MAKERS),
    Check::new(
        "clean.refused-netns",
        Level::Must,
        "section 2, Errors",
        "an ADD into a namespace that is not there leaves nothing, and no address taken",
        refused_netns,
    )
    .of(MAKERS),
];

fn del(stage: &Stage, release: Release) -> Outcome {
    beforehand(stage.settled(release), "DEL does not work")?;
    let container = stage.container()?;
    let before = stage.state()?;
    let result = stage.add(&container, release)?;
    beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    released(stage, &container, "DEL")?;
    before.unchanged(stage, "DEL")
}

fn needs_stand_in(stage: &Stage) -> Outcome {
    match stage.has_stand_in() {
        true => Ok(()),
        false => skipped("its addresses do not come from the suite's IPAM plugin"),
    }
}

fn ipam_fails(stage: &Stage, release: Release) -> Outcome {
    needs_stand_in(stage)?;
    beforehand(stage.settled(release), "DEL does not work")?;
    let container = stage.container()?;
    let before = stage.state()?;
    let answer = stage.refusing("ADD", || stage.add_call(&container, release)?.run())?;
    answer.refused("the IPAM plugin fails")?;
    let left = kernel::link(&container.ns, &container.ifname)?;
    ensure(left.is_none(), || {
        format!("interface {} is left in the container", container.ifname)
    })?;
    released(stage, &container, "an ADD that failed")?;
    before.unchanged(stage, "an ADD that failed")
}

fn ipam_told(stage: &Stage, release: Release) -> Outcome {
    needs_stand_in(stage)?;
    // An ADD that works tells that this is about the failure alone.
    let (first, result, _) = added(stage, release)?;
    beforehand(stage.del(&first, release, &result), "DEL does not work")?;
    let container = stage.container()?;
    let answer = stage.refusing("ADD", || stage.add_call(&container, release)?.run())?;
    if !answer.has_failed() {
        return skipped("ADD does not fail");
    }
    ensure(stage.asked("DEL", Some(&container)) > 0, || {
        "the IPAM plugin, whose ADD failed, was not told DEL".to_owned()
    })
}

fn late_failure(stage: &Stage, release: Release) -> Outcome {
    if stage.subject.kind == "loopback" {
        return skipped("lo is there from the start");
    }
    beforehand(stage.settled(release), "DEL does not work")?;
    let container = stage.container()?;
    container.occupy()?;
    let before = stage.state()?;
    let answer = stage.add_call(&container, release)?.run()?;
    if !answer.has_failed() {
        return skipped("ADD does not fail");
    }
    released(stage, &container, "an ADD that failed")?;
    before.unchanged(stage, "an ADD that failed")
}

fn refused_netns(stage: &Stage, release: Release) -> Outcome {
    beforehand(stage.settled(release), "DEL does not work")?;
    let container = stage.container()?;
    let before = stage.state()?;
    let call = stage
        .add_call(&container, release)?
        .env("CNI_NETNS", "/nowhere/netns");
    if !call.run()?.has_failed() {
        return skipped("ADD does not fail");
    }
    released(stage, &container, "an ADD that failed")?;
    before.unchanged(stage, "an ADD that failed")
}
