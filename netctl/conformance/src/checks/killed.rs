//! An ADD that is killed.

use super::del::released;
use crate::{
    Check, Level, Release,
    call::beforehand,
    check::{Outcome, wrong},
    stage::Stage,
};
use std::time::Duration;

/// After which parts of the time that an ADD takes, in tenths.
const TENTHS: [u32; 7] = [1, 2, 3, 5, 7, 8, 9];

pub(super) const CHECKS: &[Check] = &[Check::new(
    "killed.add",
    Level::Should,
    "section 3, Lifecycle & Ordering: DEL follows also where ADD failed; section 2, DEL: the fullest extent possible",
    "after an ADD that was killed at one point or another, DEL succeeds, leaves nothing, and an ADD works again",
    add,
)];

fn add(stage: &Stage, release: Release) -> Outcome {
    let whole = usual(stage, release)?;
    for tenths in TENTHS {
        let container = stage.container()?;
        let before = stage.state()?;
        let after = whole * tenths / 10;
        stage.add_call(&container, release)?.killed(after)?;
        let when = format!("an ADD that was killed after {after:?}, and DEL");
        let answer = stage.bare_call("DEL", &container, release).run()?;
        if answer.has_failed() {
            return wrong(format!("after {when}: {}", answer.told()));
        }
        released(stage, &container, &when)?;
        before.unchanged(stage, &when)?;
        stage.renew(&container)?;
        let again = stage.add_call(&container, release)?.run()?;
        if again.has_failed() {
            return wrong(format!("after {when} an ADD fails: {}", again.told()));
        }
        stage.del(&container, release, &again.result()?)?;
    }
    Ok(())
}

/// How long an ADD takes here.
fn usual(stage: &Stage, release: Release) -> Outcome<Duration> {
    beforehand(stage.settled(release), "DEL does not work")?;
    let mut walls = Vec::new();
    for _ in 0..3 {
        let container = stage.container()?;
        let answer = stage.add_call(&container, release)?.run()?;
        let result = beforehand(answer.result(), "ADD does not work")?;
        walls.push(answer.wall);
        beforehand(stage.del(&container, release, &result), "DEL does not work")?;
    }
    walls.sort_unstable();
    Ok(walls[walls.len() / 2])
}
