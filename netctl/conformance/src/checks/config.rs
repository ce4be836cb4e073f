//! What a plugin need not know.

use crate::{
    Check, Level, Release,
    call::{Call, beforehand},
    check::{Outcome, ensure},
    stage::Stage,
};
use serde_json::json;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "config.args",
        Level::Should,
        "0.4.0, Network Configuration: what is in args and not understood should be ignored",
        "args for somebody else are ignored",
        args,
    ),
    Check::new(
        "config.unknown-keys",
        Level::Should,
        "section 1, Other keys: a plugin may refuse them, and runtimes pass all of them on",
        "keys that it does not know are ignored",
        unknown_keys,
    ),
    Check::new(
        "config.cni-args",
        Level::Must,
        "section 2, Parameters, CNI_ARGS; containerd and CRI-O set IgnoreUnknown with the pod's name",
        "CNI_ARGS that it does not know are ignored where IgnoreUnknown is set",
        cni_args,
    ),
    Check::new(
        "config.no-cni-args",
        Level::Must,
        "section 2, ADD: CNI_ARGS and CNI_PATH are optional; Mesos sets no CNI_ARGS",
        "without CNI_ARGS, and with an empty one, ADD works",
        no_cni_args,
    ),
];

fn works(stage: &Stage, release: Release, change: impl FnOnce(Call<'_>) -> Call<'_>) -> Outcome {
    // Without the change it must work, or nothing is known.
    let plain = stage.container()?;
    let result = stage.add(&plain, release)?;
    beforehand(stage.del(&plain, release, &result), "DEL does not work")?;
    let container = stage.container()?;
    let call = change(stage.add_call(&container, release)?);
    let answer = call.run()?;
    ensure(!answer.has_failed(), || {
        format!("ADD is refused: {}", answer.told())
    })?;
    let result = answer.result()?;
    stage.del(&container, release, &result)
}

fn args(stage: &Stage, release: Release) -> Outcome {
    let args = json!({"org.example": {"anything": [1, {"x": null}]}, "cni": {"x-unknown": "y"}});
    works(stage, release, |call| call.set("args", args))
}

fn unknown_keys(stage: &Stage, release: Release) -> Outcome {
    works(stage, release, |call| {
        call.set("x-unknown", json!({"a": 1}))
            .set("cni.dev/x-unknown", json!("b"))
    })
}

fn cni_args(stage: &Stage, release: Release) -> Outcome {
    works(stage, release, |call| {
        let args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=c";
        call.env("CNI_ARGS", args)
    })
}

fn no_cni_args(stage: &Stage, release: Release) -> Outcome {
    works(stage, release, |call| call.without("CNI_ARGS"))?;
    works(stage, release, |call| call.env("CNI_ARGS", ""))
}
