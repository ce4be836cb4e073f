//! One plugin through all checks.

use crate::{
    Check, Finding, Options, PluginReport, Profile, Release, State, SuiteError, catalogue,
    check::Because,
    profile,
    stage::{Stage, Subject},
    stand_in,
};
use nix::unistd::Uid;
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Instant,
};

/// What the suite looks with.
const TOOLS: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("tc", "iproute2"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("find", "findutils"),
];

/// Examines a plugin.
///
/// # Errors
/// Where nothing can be examined.
pub fn examine(options: &Options) -> Result<PluginReport, SuiteError> {
    for id in &options.only {
        if !catalogue().any(|check| check.is(id)) {
            return Err(SuiteError::UnknownCheck { id: id.clone() });
        }
    }
    if !Uid::effective().is_root() {
        return Err(SuiteError::NotRoot);
    }
    for (tool, package) in TOOLS {
        if !is_there(tool) {
            return Err(SuiteError::NoTool { tool, package });
        }
    }
    let begin = Instant::now();
    let stage = Stage::new(subject(options)?, &options.helper)?;
    let versions = versions(&stage);
    let known: Vec<Release> = versions
        .iter()
        .filter_map(|name| Release::named(name))
        .filter(|release| options.releases.is_empty() || options.releases.contains(release))
        .collect();
    let profile = stage.subject.profile;
    let of_profile = |check: &&Check| check.of.contains(&profile);
    let asked_for =
        |check: &&Check| options.only.is_empty() || options.only.iter().any(|id| check.is(id));
    let mut findings = Vec::new();
    for check in catalogue().filter(of_profile).filter(asked_for) {
        findings.extend(
            releases(check, &known, profile)
                .into_iter()
                .map(|release| made(check, &stage, release)),
        );
    }
    let report = PluginReport {
        kind: stage.subject.kind.clone(),
        binary: stage.subject.binary.display().to_string(),
        profile,
        versions,
        conforms: false,
        passed: 0,
        failed: 0,
        remarks: 0,
        skipped: 0,
        millis: millis(begin),
        findings,
    };
    Ok(report.counted())
}

fn subject(options: &Options) -> Result<Subject, SuiteError> {
    let binary = plugin(&options.binary)?;
    let kind = binary
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let profile = match options.profile.or_else(|| profile::of(&kind)) {
        Some(profile) => profile,
        None => return Err(SuiteError::UnknownKind { kind }),
    };
    let mut conf = match &options.conf {
        Some(conf) => conf.clone(),
        None => profile::conf(&kind, profile)?,
    };
    complete(&mut conf, &kind, profile);
    let folder = binary
        .parent()
        .unwrap_or(Path::new("/"))
        .display()
        .to_string();
    Ok(Subject {
        kind,
        profile,
        conf,
        limit: options.limit,
        env: options.env.clone(),
        path: match env::var("CNI_PATH") {
            Ok(path) if !path.is_empty() => format!("{folder}:{path}"),
            _ => folder,
        },
        binary,
    })
}

/// The keys that each configuration has.
fn complete(conf: &mut Map<String, Value>, kind: &str, profile: Profile) {
    conf.entry("name").or_insert(json!("conformance"));
    match profile {
        Profile::Ipam => {
            // An IPAM plugin gets the whole configuration of the one that calls it.
            conf.insert("type".to_owned(), json!("conformance"));
            let ipam = conf.entry("ipam").or_insert(json!({}));
            ipam["type"] = json!(kind);
        }
        Profile::Interface => {
            conf.insert("type".to_owned(), json!(kind));
            if kind != "loopback" {
                let stand_in = json!({"type": stand_in::NAME, "stateDir": "{scratch}/ipam"});
                conf.entry("ipam").or_insert(stand_in);
            }
        }
        Profile::Chained => {
            conf.insert("type".to_owned(), json!(kind));
        }
    }
}

fn plugin(binary: &Path) -> Result<PathBuf, SuiteError> {
    let no = |reason: String| SuiteError::NoPlugin {
        binary: binary.to_owned(),
        reason,
    };
    // The name is the type, so a link stays one.
    let absolute = std::path::absolute(binary).map_err(|error| no(error.to_string()))?;
    let meta = fs::metadata(&absolute).map_err(|error| no(error.to_string()))?;
    match meta.is_file() && meta.permissions().mode() & 0o111 != 0 {
        true => Ok(absolute),
        false => Err(no("is no program".to_owned())),
    }
}

fn is_there(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// What the plugin says it supports, in its own words; none where VERSION does not work.
fn versions(stage: &Stage) -> Vec<String> {
    let call = stage.network_call("VERSION", Release::V1_1_0);
    let answer = call.run().and_then(|answer| answer.result());
    let Ok(answer) = answer else {
        return Vec::new();
    };
    let versions = answer["supportedVersions"].as_array();
    let names = versions.into_iter().flatten().filter_map(Value::as_str);
    names.map(ToOwned::to_owned).collect()
}

/// In which releases a check is made.
fn releases(check: &Check, known: &[Release], profile: Profile) -> Vec<Release> {
    let first = match profile {
        Profile::Chained => check.since.max(Release::V0_3_0),
        Profile::Interface | Profile::Ipam => check.since,
    };
    let mut fit: Vec<_> = known
        .iter()
        .copied()
        .filter(|release| *release >= first)
        .collect();
    fit.sort_unstable();
    fit.dedup();
    match (check.each, fit.last()) {
        (_, None) if known.is_empty() && check.since == Release::V0_1_0 => vec![Release::V1_1_0],
        (false, Some(newest)) => vec![*newest],
        _ => fit,
    }
}

fn made(check: &Check, stage: &Stage, release: Release) -> Finding {
    let begin = Instant::now();
    let (state, found) = match (check.run)(stage, release) {
        Ok(()) => (State::Passed, String::new()),
        Err(Because::Wrong(found)) => (State::Failed, found),
        Err(Because::Skipped(why)) => (State::Skipped, why),
        Err(Because::Bed(error)) => (State::Error, error),
    };
    Finding {
        id: check.id.to_owned(),
        version: release.to_string(),
        level: check.level,
        state,
        asks: check.asks.to_owned(),
        source: check.source.to_owned(),
        found,
        millis: millis(begin),
    }
}

fn millis(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str) -> &'static Check {
        catalogue().find(|check| check.id == id).unwrap()
    }

    #[test]
    fn a_check_is_made_in_the_releases_that_it_is_about() {
        let all = [Release::V0_1_0, Release::V0_4_0, Release::V1_1_0];
        let (each, once, late) = (
            check("add.result"),
            check("del.twice"),
            check("status.ready"),
        );
        assert_eq!(releases(each, &all, Profile::Interface), all);
        assert_eq!(releases(each, &all, Profile::Chained), all[1..]);
        assert_eq!(releases(once, &all, Profile::Interface), [Release::V1_1_0]);
        assert_eq!(releases(late, &all[..2], Profile::Interface), []);
        // One that names no release is still asked.
        assert_eq!(releases(once, &[], Profile::Interface), [Release::V1_1_0]);
    }

    #[test]
    fn configurations_are_completed() {
        let made = |kind: &str, profile, conf: Value| {
            let mut conf = conf.as_object().unwrap().clone();
            complete(&mut conf, kind, profile);
            Value::Object(conf)
        };
        let bridge = made("bridge", Profile::Interface, json!({"mtu": 1400}));
        assert_eq!(
            (&bridge["type"], &bridge["ipam"]["type"]),
            (&json!("bridge"), &json!(stand_in::NAME))
        );
        let own = made(
            "bridge",
            Profile::Interface,
            json!({"ipam": {"type": "acme"}, "name": "n"}),
        );
        assert_eq!(
            (&own["name"], &own["ipam"]["type"]),
            (&json!("n"), &json!("acme"))
        );
        let ipam = made("acme", Profile::Ipam, json!({}));
        assert_eq!(
            (&ipam["type"], &ipam["ipam"]["type"]),
            (&json!("conformance"), &json!("acme"))
        );
    }
}
