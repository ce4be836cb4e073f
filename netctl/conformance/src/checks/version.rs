//! VERSION.

use crate::{
    Check, Level, Release,
    call::beforehand,
    check::{Outcome, ensure, wrong},
    stage::Stage,
};
use serde_json::Value;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "version.form",
        Level::Must,
        "section 5, VERSION Success",
        "VERSION answers cniVersion and a list of supportedVersions, as one JSON object",
        form,
    ),
    Check::new(
        "version.placeholders",
        Level::Must,
        "section 2, VERSION: only CNI_COMMAND is required; libcni fills the others with \"dummy\"",
        "VERSION does not mind what the other variables hold",
        placeholders,
    ),
    Check::new(
        "version.nothing-else",
        Level::Must,
        "0.2.0 to 0.4.0, Parameters: VERSION has none",
        "VERSION needs no other variable and no configuration",
        nothing_else,
    ),
    Check::new(
        "version.echo",
        Level::Should,
        "section 5, VERSION Success",
        "VERSION's cniVersion is the one that was asked with",
        echo,
    ),
    Check::new(
        "version.released",
        Level::Must,
        "Version",
        "what VERSION lists are versions, and a released one is among them",
        released,
    ),
];

fn answer(stage: &Stage, release: Release) -> Outcome<Value> {
    let answer = stage.network_call("VERSION", release).run()?.result()?;
    judged(answer)
}

fn judged(answer: Value) -> Outcome<Value> {
    ensure(answer["cniVersion"].is_string(), || {
        format!("cniVersion is {}, and no string", answer["cniVersion"])
    })?;
    let list = answer["supportedVersions"].as_array();
    let sound = list.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string));
    ensure(sound, || {
        format!(
            "supportedVersions is {}, and no list of strings",
            answer["supportedVersions"]
        )
    })?;
    Ok(answer)
}

fn form(stage: &Stage, release: Release) -> Outcome {
    answer(stage, release).map(drop)
}

/// As libcni calls, and Podman.
fn placeholders(stage: &Stage, release: Release) -> Outcome {
    let call = stage.network_call("VERSION", release);
    let call = call
        .env("CNI_CONTAINERID", "dummy")
        .env("CNI_NETNS", "dummy");
    let call = call.env("CNI_IFNAME", "dummy").env("CNI_PATH", "dummy");
    let call = call.stdin(format!("{{\"cniVersion\":\"{release}\"}}"));
    judged(call.run()?.result()?).map(drop)
}

fn nothing_else(stage: &Stage, release: Release) -> Outcome {
    let call = stage
        .network_call("VERSION", release)
        .without("CNI_PATH")
        .stdin("");
    judged(call.run()?.result()?).map(drop)
}

fn echo(stage: &Stage, release: Release) -> Outcome {
    // One that is not the plugin's newest tells an echo from a constant.
    let asked = if release == Release::V0_3_0 {
        Release::V1_0_0
    } else {
        Release::V0_3_0
    };
    let answer = beforehand(answer(stage, asked), "VERSION does not work")?;
    ensure(answer["cniVersion"] == asked.name(), || {
        format!("asked with {asked}, answered {}", answer["cniVersion"])
    })
}

fn released(stage: &Stage, release: Release) -> Outcome {
    let answer = beforehand(answer(stage, release), "VERSION does not work")?;
    let list = answer["supportedVersions"].as_array();
    let names: Vec<_> = list
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if let Some(name) = names.iter().find(|name| !is_version(name)) {
        return wrong(format!(
            "supportedVersions holds {name:?}, and that is no version"
        ));
    }
    ensure(
        names.iter().any(|name| Release::named(name).is_some()),
        || format!("none of {} is a released version", names.join(", ")),
    )
}

/// MAJOR.MINOR.PATCH, with or without what is before a release.
fn is_version(name: &str) -> bool {
    let core = name.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = core.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn versions() {
        assert!(is_version("1.1.0") && is_version("1.2.0-rc1"));
        assert!(!is_version("1.1") && !is_version("x.1.0") && !is_version(""));
    }
}
