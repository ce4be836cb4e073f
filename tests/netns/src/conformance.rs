//! `netctl conformance` on a plugin, and what it found: also for the suite of virtual machines, whose kernel has the
//! links that other plugins are about.

use crate::{Result, Value, ensure, plugin_dir, reference_dir};
use fairway_lab::{Error, bin_dir, serde_json};
use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Groups whose findings are the same each time: those that take chance (`parallel`, `killed`) are none.
const STEADY: [&str; 9] = [
    "version", "error", "add", "attached", "chained", "config", "check", "del", "clean",
];
/// Groups and checks that depend on what links the plugin makes. Of those that look at the whole node, which is what takes
/// so long, there are two.
const OF_LINKS: [&str; 10] = [
    "attached",
    "chained",
    "check",
    "del.after-add",
    "del.interface",
    "del.twice",
    "del.lost-netns",
    "del.delegates",
    "clean.del",
    "clean.ipam-fails",
];

/// How much of the suite is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All.
    Whole,
    /// All but what takes chance.
    Steady,
    /// What depends on the links that are made, in this version of the specification: for an emulated CPU, which takes
    /// minutes for that.
    OfLinks(&'static str),
}

impl Part {
    fn args(self) -> Vec<&'static str> {
        let groups: &[_] = match self {
            Part::Whole => &[],
            Part::Steady => &STEADY,
            Part::OfLinks(_) => &OF_LINKS,
        };
        let mut args: Vec<_> = groups.iter().flat_map(|group| ["--only", *group]).collect();
        if let Part::OfLinks(version) = self {
            args.extend(["--cni-version", version]);
        }
        args
    }
}

/// Runs the suite on a plugin.
///
/// # Errors
/// Where there is no `netctl`.
pub fn netctl(binary: &Path, args: &[&str]) -> Result<Output> {
    let program = bin_dir().join("netctl");
    let mut command = Command::new(&program);
    command.arg("conformance").arg(binary).args(args);
    let started = command.stdin(Stdio::null()).output();
    started.map_err(|source| Error::Start {
        command: program.display().to_string(),
        source,
    })
}

/// The report on a plugin; the exit status must be as it says.
///
/// # Errors
/// Where there is none.
pub fn report(binary: &Path, args: &[&str]) -> Result<Value> {
    let output = netctl(binary, &[args, &["-o", "json"]].concat())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|source| Error::Json {
        what: format!("the report on {}", binary.display()),
        source,
        text: said.into_owned(),
    })?;
    let conforms = report["conforms"] == true;
    let status = output.status;
    ensure(
        status.code() == Some(i32::from(!conforms)),
        format!("the status that the report tells of, not {status}"),
    )?;
    Ok(report["plugins"][0].clone())
}

fn findings(report: &Value) -> impl Iterator<Item = &Value> {
    report["findings"].as_array().into_iter().flatten()
}

/// The checks that did not hold, or could not be made.
pub fn failed(report: &Value) -> BTreeSet<String> {
    let failed = findings(report)
        .filter(|finding| ["failed", "error"].iter().any(|no| finding["state"] == *no));
    let ids = failed.filter_map(|finding| finding["id"].as_str());
    ids.map(ToOwned::to_owned).collect()
}

/// What was found, for messages.
pub fn told(report: &Value) -> String {
    let told = findings(report).filter(|finding| finding["state"] != "passed");
    let told = told.map(|finding| {
        format!(
            "{} {} {}: {}",
            finding["id"], finding["version"], finding["state"], finding["found"]
        )
    });
    told.collect::<Vec<_>>().join("\n")
}

/// Ours of that type does all that it must, and of what it should all but these.
///
/// # Errors
/// With what was found.
pub fn conforms(kind: &str, part: Part, but: &[&str]) -> Result {
    let report = report(&plugin_dir().join(kind), &part.args())?;
    let conforms = report["conforms"] == true && failed(&report) == set(but);
    ensure(conforms, format!("{kind} but {but:?}:\n{}", told(&report)))
}

/// In the reference's of that type exactly these are found.
///
/// # Errors
/// With what was found.
pub fn finds(kind: &str, part: Part, wanted: &[&str]) -> Result {
    let report = report(&reference_dir().join(kind), &part.args())?;
    let as_wanted = failed(&report) == set(wanted);
    ensure(as_wanted, format!("{kind}: {wanted:?}:\n{}", told(&report)))
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}
