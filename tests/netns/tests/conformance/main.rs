//! `netctl conformance` on plugins of which it is known what they do: ours, the reference's, and broken ones.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod broken;
mod ours;
mod reference;

use fairway_lab::{Value, bin_dir, serde_json};
use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs the suite on a plugin.
fn netctl(binary: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(bin_dir().join("netctl"));
    command.arg("conformance").arg(binary).args(args);
    command.stdin(Stdio::null()).output().unwrap()
}

/// The report on a plugin.
fn report(binary: &Path, args: &[&str]) -> Value {
    let output = netctl(binary, &[args, &["-o", "json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Result<Value, _> = serde_json::from_slice(&output.stdout);
    assert!(report.is_ok(), "{said}");
    let report = report.unwrap();
    let conforms = report["conforms"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!conforms)));
    report["plugins"][0].clone()
}

/// The checks that did not hold, or could not be made.
fn failed(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let failed = findings
        .filter(|finding| ["failed", "error"].contains(&finding["state"].as_str().unwrap()));
    failed
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect()
}

/// What was found, for messages.
fn told(report: &Value) -> String {
    let findings = report["findings"].as_array().unwrap().iter();
    let told = findings.filter(|finding| finding["state"] != "passed");
    let told = told.map(|finding| {
        format!(
            "{} {} {}: {}",
            finding["id"], finding["version"], finding["state"], finding["found"]
        )
    });
    told.collect::<Vec<_>>().join("\n")
}
