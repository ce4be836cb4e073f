//! STATUS.

use crate::{
    Check, Level, Profile, Release,
    check::{Outcome, ensure, skipped},
    stage::Stage,
};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "status.ready",
        Level::Must,
        "section 2, STATUS",
        "STATUS of a plugin whose ADDs work succeeds and says nothing",
        ready,
    )
    .since(Release::V1_1_0),
    Check::new(
        "status.delegates",
        Level::Must,
        "section 2, STATUS: a delegated plugin is asked, and its error returned",
        "STATUS asks the IPAM plugin, and fails where that does",
        delegates,
    )
    .of(&[Profile::Interface])
    .since(Release::V1_1_0),
];

fn ready(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    let result = stage.add(&container, release)?;
    let answer = stage.network_call("STATUS", release).run()?;
    let _ = stage.del(&container, release, &result);
    answer.silent()
}

fn delegates(stage: &Stage, release: Release) -> Outcome {
    if !stage.has_stand_in() {
        return skipped("its addresses do not come from the suite's IPAM plugin");
    }
    let asked = stage.asked("STATUS", None);
    let answer = stage.refusing("STATUS", || stage.network_call("STATUS", release).run())?;
    ensure(stage.asked("STATUS", None) > asked, || {
        "the IPAM plugin was not asked".to_owned()
    })?;
    answer.refused("the IPAM plugin's STATUS fails")
}
