//! Calls that cannot be carried out: whether that is noticed, and how it is told.

use crate::{
    Check, Level, Profile, Release,
    call::{Call, Refusal},
    check::{Outcome, ensure},
    stage::Stage,
};
use serde_json::json;

const PARAMETERS: &str = "section 2, Parameters";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "error.form",
        Level::Should,
        "section 2, Errors; section 5, Error",
        "an error is one JSON object on standard output with code and msg, and an exit status that is not 0",
        form,
    ),
    Check::new(
        "error.unknown-version",
        Level::Must,
        "section 5, Error, code 1",
        "a cniVersion that the plugin does not support is refused with code 1",
        unknown_version,
    ),
    Check::new(
        "error.unknown-version-named",
        Level::Should,
        "section 5, Error: the message characterizes the error",
        "and the message names that version",
        unknown_version_named,
    ),
    Check::new(
        "error.unknown-command",
        Level::Must,
        "section 5, Error, code 4",
        "a CNI_COMMAND that is none is refused with code 4",
        unknown_command,
    ),
    Check::new(
        "error.missing-variables",
        Level::Must,
        "section 2, ADD and DEL, required environment parameters; section 5, Error, code 4",
        "a variable that is required and missing is refused with code 4",
        missing_variables,
    ),
    Check::new(
        "error.missing-variables-named",
        Level::Must,
        "section 5, Error, code 4: the message must contain the names of invalid variables",
        "and the message names that variable",
        missing_variables_named,
    ),
    Check::new(
        "error.container-id",
        Level::Must,
        PARAMETERS,
        "a CNI_CONTAINERID with other characters than letters, digits, '_', '.' and '-' is refused",
        container_id,
    ),
    Check::new(
        "error.ifname",
        Level::Must,
        "0.4.0, Parameters, ADD: Linux's rules for names of interfaces",
        "a CNI_IFNAME that no interface can have is refused",
        ifname,
    ),
    Check::new(
        "error.netns",
        Level::Must,
        "section 2, Errors: a plugin that could not do it does not exit with 0",
        "an ADD into a namespace that is not there, or is none, is refused",
        netns,
    )
    // The others need not look at it.
    .of(&[Profile::Interface]),
    Check::new(
        "error.bad-json",
        Level::Must,
        "section 5, Error, code 6",
        "a configuration that is no JSON is refused with code 6",
        bad_json,
    ),
    Check::new(
        "error.network-name",
        Level::Should,
        "section 1, Configuration format, name; section 5, Error, code 7",
        "a network's name with other characters than letters, digits, '_', '.' and '-' is refused with code 7",
        network_name,
    ),
];

/// One of each kind of wrong call, by what is wrong with it.
fn all<'a>(stage: &'a Stage, release: Release) -> Outcome<Vec<(&'static str, Call<'a>)>> {
    let container = stage.container()?;
    let add = || stage.add_call(&container, release);
    Ok(vec![
        (
            "an unknown version",
            add()?.set("cniVersion", json!("99.0.0")),
        ),
        ("an unknown command", add()?.env("CNI_COMMAND", "FETCH")),
        ("no CNI_IFNAME", add()?.without("CNI_IFNAME")),
        ("no JSON", add()?.stdin("{\"cniVersion\": \"")),
        ("no namespace", add()?.env("CNI_NETNS", "/nowhere/netns")),
    ])
}

fn form(stage: &Stage, release: Release) -> Outcome {
    for (what, call) in all(stage, release)? {
        // loopback and some others may do without a namespace; whether that is right, another check asks.
        let answer = call.run()?;
        if answer.has_failed() || what != "no namespace" {
            answer.error(what)?;
        }
    }
    Ok(())
}

fn version_refusal(stage: &Stage, release: Release) -> Outcome<Refusal> {
    let container = stage.container()?;
    let call = stage
        .add_call(&container, release)?
        .set("cniVersion", json!("99.0.0"));
    call.run()?.error("cniVersion 99.0.0")
}

fn unknown_version(stage: &Stage, release: Release) -> Outcome {
    version_refusal(stage, release)?.is(1, "cniVersion 99.0.0")
}

fn unknown_version_named(stage: &Stage, release: Release) -> Outcome {
    let refusal = crate::call::beforehand(version_refusal(stage, release), "it is not refused")?;
    ensure(refusal.text.contains("99.0.0"), || {
        format!("cniVersion 99.0.0: {}", refusal.text)
    })
}

fn unknown_command(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    for command in ["FETCH", "add"] {
        let what = format!("CNI_COMMAND {command}");
        let call = stage
            .add_call(&container, release)?
            .env("CNI_COMMAND", command);
        call.run()?.error(&what)?.is(4, &what)?;
    }
    Ok(())
}

/// (verb, variable) that is required.
const REQUIRED: [(&str, &str); 5] = [
    ("ADD", "CNI_CONTAINERID"),
    ("ADD", "CNI_NETNS"),
    ("ADD", "CNI_IFNAME"),
    ("DEL", "CNI_CONTAINERID"),
    ("DEL", "CNI_IFNAME"),
];

fn each_missing(
    stage: &Stage,
    release: Release,
    judge: impl Fn(Refusal, &str, &str) -> Outcome,
) -> Outcome {
    let container = stage.container()?;
    for (verb, variable) in REQUIRED {
        let call = match verb {
            "ADD" => stage.add_call(&container, release)?,
            _ => stage.bare_call(verb, &container, release),
        };
        let what = format!("{verb} without {variable}");
        judge(call.without(variable).run()?.error(&what)?, variable, &what)?;
    }
    Ok(())
}

fn missing_variables(stage: &Stage, release: Release) -> Outcome {
    each_missing(stage, release, |refusal, _, what| refusal.is(4, what))
}

fn missing_variables_named(stage: &Stage, release: Release) -> Outcome {
    // Another code is told by the check before.
    each_missing(stage, release, |refusal, variable, what| {
        ensure(refusal.code != 4 || refusal.text.contains(variable), || {
            format!("{what}: {}", refusal.text)
        })
    })
}

fn container_id(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    for id in ["../x", "a b", "-a", "a/b"] {
        let what = format!("CNI_CONTAINERID {id:?}");
        let call = stage
            .add_call(&container, release)?
            .env("CNI_CONTAINERID", id);
        call.run()?.refused(&what)?;
    }
    Ok(())
}

fn ifname(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    for name in ["a234567890123456", ".", "a/b", "a:b", "a b"] {
        let what = format!("CNI_IFNAME {name:?}");
        let call = stage.add_call(&container, release)?.env("CNI_IFNAME", name);
        call.run()?.refused(&what)?;
    }
    Ok(())
}

fn netns(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    for path in ["/nowhere/netns", "/proc/self/status"] {
        let what = format!("CNI_NETNS {path}");
        let call = stage.add_call(&container, release)?.env("CNI_NETNS", path);
        call.run()?.refused(&what)?;
    }
    Ok(())
}

fn bad_json(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    for text in ["{\"cniVersion\": \"", "", "[]"] {
        let what = format!("{text:?} on standard input");
        let call = stage.add_call(&container, release)?.stdin(text);
        call.run()?.error(&what)?.is(6, &what)?;
    }
    Ok(())
}

fn network_name(stage: &Stage, release: Release) -> Outcome {
    let container = stage.container()?;
    for name in ["../x", "a b", ""] {
        let what = format!("name {name:?}");
        let call = stage
            .add_call(&container, release)?
            .set("name", json!(name));
        call.run()?.error(&what)?.is(7, &what)?;
    }
    Ok(())
}
