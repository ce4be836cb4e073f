//! `netctl conf check`: CNI configurations, judged before a runtime or a plugin refuses them.
//!
//! There is no schema here: each plugin's own parser says what it does not take, and which keys it asks for
//! ([`fairway_cni::recorder`]); all others nobody reads. So this cannot drift from what plugins do. `folder` is what
//! runtimes see of a folder, `list` and `plugin` judge, `parsed` and `keys` make more of a parser's word than its first
//! error, `place` knows line and column. Nothing is changed, and no plugin is executed.

mod finding;
pub(crate) mod folder;
mod keys;
mod list;
mod near;
mod parsed;
mod path;
mod place;
mod plugin;
mod report;
#[cfg(test)]
mod tests;

use crate::attach;
use clap::{Args, Subcommand};
use finding::{Heard, Level};
use list::{Network, Shape};
use place::Places;
use plugin::Machine;
use report::{File, Report};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfVerb {
    /// Say what runtimes and plugins would not accept of configurations, and what nobody reads; status 1 where there is
    /// an error
    Check(Check),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files (*.conf, *.conflist, *.json), and folders of them
    #[arg(
        value_name = "FILE|FOLDER",
        default_value = "/etc/cni/net.d",
        env = "NETCONFPATH",
        hide_env_values = true
    )]
    paths: Vec<PathBuf>,
    /// Where plugins are, with colons between [default: /opt/cni/bin:/usr/lib/cni:/usr/libexec/cni]
    #[arg(
        long = "plugin-path",
        env = "CNI_PATH",
        value_name = "FOLDERS",
        hide_env_values = true
    )]
    plugins: Option<String>,
    /// Status 1 also where there is a warning
    #[arg(long)]
    strict: bool,
}

impl ConfVerb {
    pub(crate) fn run(&self) -> Report {
        let ConfVerb::Check(check) = self;
        let machine = Machine::at(attach::plugins(check.plugins.as_deref()));
        let mut report = Report::default();
        for path in &check.paths {
            match path.is_dir() {
                true => folder(path, &machine, &mut report),
                false => drop(file(path, &machine, &mut report)),
            }
        }
        let warned = check.strict && report.count(Level::Warning) > 0;
        report.ok = report.count(Level::Error) == 0 && !warned;
        report
    }
}

/// As runtimes read it.
fn folder(path: &Path, machine: &Machine, report: &mut Report) {
    let shown = path.display().to_string();
    let mut heard = Heard::default();
    let listing = match folder::list(path) {
        Ok(listing) => listing,
        Err(error) => {
            heard.error("", error.to_string());
            return report.put(&shown, heard, None);
        }
    };
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (index, one) in listing.files.iter().enumerate() {
        let own = one.display().to_string();
        let before = report.findings.len();
        let network = file(one, machine, report);
        let mut heard = Heard::default();
        if let Some(network) = &network {
            match names.get(&network.name) {
                Some(first) => heard.error(
                    "name",
                    format!(
                        "{:?} is that of {first} as well: addresses, DEL and GC go by it",
                        network.name
                    ),
                ),
                None => drop(names.insert(network.name.clone(), own.clone())),
            }
        }
        // What a plugin refuses, a runtime loads nonetheless.
        let nameless = report.findings.iter().skip(before);
        let mut nameless = nameless.filter(|one| one.level == Level::Error && one.field == "name");
        if index == 0 && (network.is_none() || nameless.next().is_some()) {
            let text =
                "is the first file: while a runtime cannot load it, containerd has no network";
            heard.note("", text);
        }
        report.put(&own, heard, None);
    }
    match listing.files.as_slice() {
        [] => heard.warn(
            "",
            "no *.conf, *.conflist or *.json: no runtime attaches by it",
        ),
        [first, _, ..] => {
            let first = first.file_name().unwrap_or_default().to_string_lossy();
            heard.note("", format!("{first} is the first: containerd uses no other unless max_conf_num says so, and it is the default elsewhere"));
        }
        [_] => {}
    }
    for other in &listing.ignored {
        let name = other.file_name().unwrap_or_default().to_string_lossy();
        heard.note("", format!("{name}: no runtime reads it"));
    }
    report.put(&shown, heard, None);
}

fn file(path: &Path, machine: &Machine, report: &mut Report) -> Option<Network> {
    let shown = path.display().to_string();
    let shape = match path.extension().and_then(|kind| kind.to_str()) {
        Some("conflist") => Shape::List,
        Some("conf" | "json") => Shape::Single,
        _ => Shape::Either,
    };
    let network = match folder::read(path) {
        Ok(bytes) => judge(&bytes, &shown, shape, machine, report),
        Err(reason) => {
            let mut heard = Heard::default();
            heard.error("", reason);
            report.put(&shown, heard, None);
            None
        }
    };
    report.files.push(File {
        file: shown,
        network: network.as_ref().map(|network| network.name.clone()),
        version: network.as_ref().map(|network| network.version.clone()),
        plugins: network
            .as_ref()
            .map(|network| network.kinds.clone())
            .unwrap_or_default(),
    });
    network
}

/// A document.
fn judge(
    bytes: &[u8],
    file: &str,
    shape: Shape,
    machine: &Machine,
    report: &mut Report,
) -> Option<Network> {
    let mut heard = Heard::default();
    let parsed = serde_json::from_slice::<Value>(bytes);
    let (value, text) = match (parsed, std::str::from_utf8(bytes)) {
        (Ok(value), Ok(text)) => (value, text),
        (Err(error), _) => {
            report.broken(file, &error);
            return None;
        }
        (Ok(_), Err(error)) => {
            heard.error("", error.to_string());
            report.put(file, heard, None);
            return None;
        }
    };
    let places = Places::of(text);
    for twice in &places.twice {
        heard.warn(
            twice.clone(),
            "stands twice in its object: which of them counts depends on who reads it",
        );
    }
    let network = match &value {
        Value::Object(raw) => list::judge(raw, "", shape, machine, &mut heard),
        _ => {
            heard.error("", "is no JSON object");
            None
        }
    };
    report.put(file, heard, Some(&places));
    network
}
