//! CHECK.

use super::add::added;
use crate::{
    Check, Level, Profile, Release,
    check::{Outcome, ensure, skipped},
    stage::Stage,
};

const MAKERS: &[Profile] = &[Profile::Interface];

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "check.after-add",
        Level::Must,
        "section 2, CHECK: called right after an ADD, it answers nothing",
        "CHECK after an ADD succeeds and says nothing",
        after_add,
    )
    .since(Release::V0_4_0)
    .each(),
    Check::new(
        "check.interface-gone",
        Level::Should,
        "section 2, CHECK: an interface of prevResult that is missing",
        "CHECK fails where the container's interface is gone",
        interface_gone,
    )
    .of(MAKERS)
    .since(Release::V0_4_0)
    .each(),
    Check::new(
        "check.address-gone",
        Level::Should,
        "section 2, CHECK: an address of prevResult that is missing",
        "CHECK fails where an address is gone",
        address_gone,
    )
    .of(MAKERS)
    .since(Release::V0_4_0)
    .each(),
    Check::new(
        "check.route-gone",
        Level::Should,
        "section 2, CHECK: a route of prevResult that is missing",
        "CHECK fails where a route is gone",
        route_gone,
    )
    .of(MAKERS)
    .since(Release::V0_4_0)
    .each(),
    Check::new(
        "check.without-prev-result",
        Level::Should,
        "section 2, CHECK: the plugin must consult prevResult",
        "CHECK without prevResult is refused",
        without_prev_result,
    )
    .since(Release::V0_4_0),
    Check::new(
        "check.released",
        Level::Should,
        "section 2, CHECK: reservations that are missing",
        "CHECK fails where the address was given back",
        released,
    )
    .of(&[Profile::Ipam])
    .since(Release::V0_4_0),
    Check::new(
        "check.delegates",
        Level::Must,
        "section 4, Delegated plugin execution procedure",
        "CHECK asks the IPAM plugin, and fails where that does",
        delegates,
    )
    .of(MAKERS)
    .since(Release::V0_4_0),
];

fn after_add(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    let answer = stage.call("CHECK", &container, release, &result).run()?;
    let _ = stage.del(&container, release, &result);
    answer.silent()
}

/// CHECK must hold, then `script` runs in the container, and CHECK must not.
fn broken_by(stage: &Stage, release: Release, what: &str, script: &str) -> Outcome {
    if stage.subject.kind == "loopback" && what != "the address is gone" {
        return skipped("lo is there as long as its container, and leads nowhere");
    }
    let (container, result, form) = added(stage, release)?;
    if form.ips.is_empty() && what != "the interface is gone" {
        return skipped("the result tells of no address");
    }
    let before = stage.call("CHECK", &container, release, &result).run()?;
    crate::call::beforehand(before.ok(), "CHECK after an ADD fails")?;
    container
        .ns
        .sh(&script.replace("IFNAME", &container.ifname))?;
    let after = stage.call("CHECK", &container, release, &result).run()?;
    let _ = stage.del(&container, release, &result);
    after.refused(what)
}

fn interface_gone(stage: &Stage, release: Release) -> Outcome {
    broken_by(
        stage,
        release,
        "the interface is gone",
        "ip link del IFNAME",
    )
}

fn address_gone(stage: &Stage, release: Release) -> Outcome {
    broken_by(
        stage,
        release,
        "the address is gone",
        "ip -4 addr flush dev IFNAME",
    )
}

fn route_gone(stage: &Stage, release: Release) -> Outcome {
    broken_by(
        stage,
        release,
        "the default routes are gone",
        "ip -4 route del default; ip -6 route del default",
    )
}

fn without_prev_result(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    let answer = stage.bare_call("CHECK", &container, release).run()?;
    let _ = stage.del(&container, release, &result);
    answer.refused("there is no prevResult")
}

fn released(stage: &Stage, release: Release) -> Outcome {
    if !crate::profile::is_unique(&stage.subject.kind) {
        return skipped("it keeps nothing");
    }
    let (container, result, _) = added(stage, release)?;
    crate::call::beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    let answer = stage.call("CHECK", &container, release, &result).run()?;
    answer.refused("the address was given back by DEL")
}

fn delegates(stage: &Stage, release: Release) -> Outcome {
    if !stage.has_stand_in() {
        return skipped("its addresses do not come from the suite's IPAM plugin");
    }
    let (container, result, _) = added(stage, release)?;
    let asked = stage.asked("CHECK", Some(&container));
    let check = || stage.call("CHECK", &container, release, &result).run();
    let answer = stage.refusing("CHECK", check)?;
    ensure(stage.asked("CHECK", Some(&container)) > asked, || {
        "the IPAM plugin was not asked".to_owned()
    })?;
    let _ = stage.del(&container, release, &result);
    answer.refused("the IPAM plugin's CHECK fails")
}
