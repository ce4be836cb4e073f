//! What `doctor` finds in this machine's folders: plugins, the runtimes' configurations, what was attached by hand.
//!
//! netctl looks itself, since it runs where an administrator is: the daemon may be in a container that does not see
//! these folders. Nothing is changed. Of files that only root can read it says so, and that is no failure.

use crate::{conf::folder, watch};
use fairway_api::admin::Check;
use fairway_cni::conflist::ConfList;
use fairway_multi::attach;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Plugins that nobody else's are called, and those that replace others' of the same names.
const OURS: [&str; 8] = [
    "fairway",
    "vxlan",
    "multi",
    "bridge",
    "ptp",
    "host-local",
    "bandwidth",
    "portmap",
];
/// A plugin that is called with nothing to do says what it is and ends.
const SAYS_WITHIN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(5);

/// Where to look.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// As in `CNI_PATH`.
    pub(crate) plugins: Vec<PathBuf>,
    pub(crate) configurations: PathBuf,
    /// What `attach` keeps.
    pub(crate) attached: PathBuf,
}

/// All of it; `daemon` is the version that plugins should have.
pub(crate) fn look(places: &Places, daemon: &str) -> Vec<Check> {
    let mut checks = vec![plugins(&places.plugins, daemon)];
    checks.extend(configurations(&places.configurations, &places.plugins));
    checks.extend(attached(&places.attached));
    checks
}

fn check(name: &str, state: &str, text: String, remedy: Option<&str>) -> Check {
    Check {
        name: name.to_owned(),
        state: state.to_owned(),
        text,
        remedy: remedy.map(str::to_owned),
    }
}

/// Of which versions they are.
fn plugins(folders: &[PathBuf], daemon: &str) -> Check {
    const NAME: &str = "plugins";
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Links to one file are one plugin binary.
    let mut known: BTreeMap<(u64, u64), Option<String>> = BTreeMap::new();
    let there = folders.iter().filter(|folder| folder.is_dir());
    let there: Vec<&PathBuf> = there.collect();
    for kind in OURS {
        let Some(file) = folder::find(folders, kind) else {
            continue;
        };
        let Ok(meta) = fs::metadata(&file) else {
            continue;
        };
        let one = known.entry((meta.dev(), meta.ino()));
        if let Some(version) = one.or_insert_with(|| version(&file)) {
            let kinds = versions.entry(version.clone()).or_default();
            kinds.insert(kind.to_owned());
        }
    }
    let list = |kinds: &BTreeSet<String>| kinds.iter().cloned().collect::<Vec<_>>().join(", ");
    let shown = |folders: &[&PathBuf]| {
        let folders = folders.iter().map(|folder| folder.display().to_string());
        folders.collect::<Vec<_>>().join(", ")
    };
    let copy =
        Some("copy those that came with the daemon there: fairway-cni, and a link for each type");
    let others = versions.iter().filter(|(version, _)| *version != daemon);
    let others: Vec<String> = others
        .map(|(version, kinds)| format!("{} of version {version}", list(kinds)))
        .collect();
    match (versions.is_empty(), others.is_empty()) {
        (true, _) => {
            let all: Vec<&PathBuf> = folders.iter().collect();
            let text = format!("none of Fairway's is in {}", shown(&all));
            check(
                NAME,
                "warning",
                text,
                Some("say where they are: --plugin-path or CNI_PATH"),
            )
        }
        (false, true) => {
            let text = format!("in {}, of the daemon's version {daemon}", shown(&there));
            check(NAME, "ok", text, None)
        }
        (false, false) => {
            let text = format!("{}, the daemon of {daemon}", others.join("; "));
            check(NAME, "warning", text, copy)
        }
    }
}

/// The version of a plugin of ours; none of another's, or where it does not say.
fn version(file: &Path) -> Option<String> {
    let mut child = Command::new(file)
        .env_remove("CNI_COMMAND")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let until = Instant::now() + SAYS_WITHIN;
    while let Ok(None) = child.try_wait() {
        if Instant::now() > until {
            drop(child.kill());
            drop(child.wait());
            return None;
        }
        watch::pause(LOOK);
    }
    let mut said = String::new();
    let stderr = child.stderr.take()?;
    stderr.take(4096).read_to_string(&mut said).ok()?;
    version_said(&said)
}

/// `CNI bridge plugin 0.1.0 (Fairway)`.
fn version_said(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "(Fairway)")?;
    Some((*words.get(at.checked_sub(1)?)?).to_owned())
}

/// Each file as runtimes read it, and whether its plugins are there.
fn configurations(place: &Path, plugins: &[PathBuf]) -> Vec<Check> {
    const NAME: &str = "configurations";
    let files = match folder::list(place) {
        Ok(listing) => listing.files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let text = format!("{}: {error}", place.display());
            return vec![check(NAME, "warning", text, None)];
        }
    };
    if files.is_empty() {
        let text = format!("none in {}: no runtime attaches by it", place.display());
        return vec![check(NAME, "ok", text, None)];
    }
    let (mut checks, mut well) = (Vec::new(), Vec::new());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        let shown = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let list = match read(&file) {
            Ok(list) => list,
            Err(reason) => {
                let text = format!("{}: {reason}", file.display());
                let remedy = Some(
                    "netctl conf check says what no plugin would accept; others pass the file over, containerd has no network while it is the first",
                );
                checks.push(check(NAME, "failed", text, remedy));
                continue;
            }
        };
        let kinds = kinds(&list);
        let missing: Vec<&String> = kinds
            .iter()
            .filter(|kind| folder::find(plugins, kind).is_none())
            .collect();
        for kind in &missing {
            let text =
                format!("{shown}: plugin {kind:?} is in no folder of plugins: each ADD fails");
            let remedy = Some("install it, or say where plugins are: --plugin-path or CNI_PATH");
            checks.push(check(NAME, "failed", text, remedy));
        }
        let name = list.name.as_str().to_owned();
        if let Some(other) = names.insert(name.clone(), shown.clone()) {
            let text = format!("{shown} and {other} are both network {name:?}");
            let remedy = Some("give each network a name of its own: addresses and DELs go by it");
            checks.push(check(NAME, "warning", text, remedy));
        }
        if missing.is_empty() {
            well.push(format!("{shown} is network {name} by {}", kinds.join(", ")));
        }
    }
    if !well.is_empty() {
        checks.insert(0, check(NAME, "ok", well.join("; "), None));
    }
    checks
}

fn read(file: &Path) -> Result<ConfList, String> {
    let bytes = folder::read(file)?;
    ConfList::parse(&bytes).map_err(|error| error.to_string())
}

/// Types, IPAM among them, each once.
fn kinds(list: &ConfList) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for (index, kind) in list.types().enumerate() {
        let conf = list.plugin(index, &serde_json::Map::new(), None);
        let ipam = conf
            .as_ref()
            .and_then(|conf| conf.ipam_type().ok().flatten());
        for kind in std::iter::once(kind).chain(ipam) {
            if !kinds.iter().any(|known| known == kind) {
                kinds.push(kind.to_owned());
            }
        }
    }
    kinds
}

/// What was attached by hand, and is gone or was not finished.
fn attached(root: &Path) -> Vec<Check> {
    const NAME: &str = "attached";
    if !root.exists() {
        return Vec::new();
    }
    let kept = match attach::records(root) {
        Ok(found) => found,
        Err(error) => return vec![check(NAME, "warning", error.to_string(), None)],
    };
    let mut checks: Vec<Check> = kept
        .unread
        .into_iter()
        .map(|line| {
            check(
                NAME,
                "warning",
                line,
                Some("look at the file; without it, remove it"),
            )
        })
        .collect();
    let mut well = 0;
    for (_, record) in &kept.records {
        let at = &record.attachment;
        let what = format!(
            "{} at {} of network {}",
            at.container_id, at.ifname, record.network
        );
        let remedy = format!(
            "netctl detach {} {} --container {}",
            record.netns, record.network, at.container_id
        );
        let ended = record.results.len() == record.wires.len();
        match (attach::is_there(record), ended) {
            (Ok(true), true) => well += 1,
            (Ok(true), false) => {
                let text = format!("{what}: an attach did not come to its end");
                checks.push(check(NAME, "warning", text, Some(&remedy)));
            }
            (Ok(false), _) => {
                let text = format!("{what}: the container is gone, and still has addresses");
                checks.push(check(NAME, "warning", text, Some(&remedy)));
            }
            (Err(error), _) => checks.push(check(NAME, "warning", error.to_string(), None)),
        }
    }
    if checks.is_empty() {
        checks.push(check(
            NAME,
            "ok",
            format!("{well} by hand, all there"),
            None,
        ));
    }
    checks
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
