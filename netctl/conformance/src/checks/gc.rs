//! GC.

use super::{add::added, attached};
use crate::{
    Check, Level, Profile, Release,
    call::{Call, beforehand},
    check::{Outcome, ensure, skipped},
    stage::{Container, Stage},
};
use serde_json::json;

const GC: &str = "section 2, GC";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "gc.succeeds",
        Level::Must,
        GC,
        "GC succeeds and says nothing, with valid attachments and with none",
        succeeds,
    )
    .since(Release::V1_1_0),
    Check::new(
        "gc.valid-kept",
        Level::Must,
        "section 2, GC: what belongs to the listed attachments is not stale",
        "GC leaves valid attachments as they are",
        valid_kept,
    )
    .since(Release::V1_1_0),
    Check::new(
        "gc.stale-removed",
        Level::Should,
        "section 2, GC: as many stale resources as possible, such as addresses and rules",
        "GC takes away what attachments that are not listed have left on the node",
        stale_removed,
    )
    .since(Release::V1_1_0),
    Check::new(
        "gc.delegates",
        Level::Must,
        "section 2, GC: forwarded to delegated plugins",
        "GC tells the IPAM plugin",
        delegates,
    )
    .of(&[Profile::Interface])
    .since(Release::V1_1_0),
];

/// A GC about to be made; the resident is always valid.
fn call<'a>(stage: &'a Stage, release: Release, valid: &[&Container]) -> Call<'a> {
    let valid = valid.iter().copied().chain(stage.resident());
    let attachment =
        |container: &Container| json!({"containerID": container.id, "ifname": container.ifname});
    let call = stage.network_call("GC", release);
    call.set("cni.dev/valid-attachments", valid.map(attachment).collect())
}

fn collect(stage: &Stage, release: Release, valid: &[&Container]) -> Outcome {
    call(stage, release, valid).run()?.silent()
}

fn succeeds(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    collect(stage, release, &[&container])?;
    let _ = stage.del(&container, release, &result);
    collect(stage, release, &[])
}

fn valid_kept(stage: &Stage, release: Release) -> Outcome {
    let (container, result, form) = added(stage, release)?;
    let before = stage.state()?;
    beforehand(collect(stage, release, &[&container]), "GC does not work")?;
    attached::all(stage, &container, &form)?;
    ensure(
        !stage.has_stand_in() || !stage.given(&container).is_empty(),
        || "GC took a valid attachment's address".to_owned(),
    )?;
    before.unchanged(stage, "GC")?;
    let check = stage.call("CHECK", &container, release, &result).run()?;
    ensure(!check.has_failed(), || {
        format!(
            "after GC CHECK of a valid attachment fails: {}",
            check.told()
        )
    })?;
    stage.del(&container, release, &result)
}

fn stale_removed(stage: &Stage, release: Release) -> Outcome {
    beforehand(stage.settled(release), "DEL does not work")?;
    let (valid, result, _) = added(stage, release)?;
    let stale = stage.container()?;
    let before = stage.state()?;
    let _ = stage.add(&stale, release)?;
    beforehand(collect(stage, release, &[&valid]), "GC does not work")?;
    super::del::released(stage, &stale, "GC")?;
    let outcome = match stage.subject.kind.as_str() {
        "host-device" => skipped("the device is in the container, and comes back when that goes"),
        _ => stale.lose().and_then(|()| before.unchanged(stage, "GC")),
    };
    let _ = stage.del(&valid, release, &result);
    outcome
}

fn delegates(stage: &Stage, release: Release) -> Outcome {
    if !stage.has_stand_in() {
        return skipped("its addresses do not come from the suite's IPAM plugin");
    }
    let asked = stage.asked("GC", None);
    beforehand(collect(stage, release, &[]), "GC does not work")?;
    ensure(stage.asked("GC", None) > asked, || {
        "the IPAM plugin was not told".to_owned()
    })?;
    let answer = stage.refusing("GC", || call(stage, release, &[]).run())?;
    answer.refused("the IPAM plugin's GC fails")
}
