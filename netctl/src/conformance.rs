//! `netctl conformance`: any vendor's plugins, held against the specification.
//!
//! What is asked and how, the suite knows; here are its options and how its report looks.

use crate::{
    args::Seconds,
    document::{Answer, Document},
    error::NetctlError,
    sheet::{Cell, Sheet, Tone},
    verbs::lines,
};
use clap::Args;
use fairway_conformance::{
    Finding, Level, Listed, Options, PluginReport, Profile, Release, Report, State, SuiteError,
    catalogue, examine, junit,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The options.
#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// The plugins' files; a file's name is the plugin's type
    #[arg(required_unless_present = "list", value_name = "BINARY")]
    binaries: Vec<PathBuf>,
    /// What they are: interface, ipam or chained [default: as their types are known]
    #[arg(long = "as", value_name = "PROFILE")]
    profile: Option<Profile>,
    /// Keys of their configuration, a JSON object; {n} stands for a container's number, {scratch} for a folder
    #[arg(long, value_name = "FILE")]
    conf: Option<PathBuf>,
    /// Only these checks, or groups of them; may be given more than once
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Only in this version of the specification; may be given more than once
    #[arg(long = "cni-version", value_name = "VERSION")]
    releases: Vec<Release>,
    /// A variable for the plugins; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// How long one call may take
    #[arg(long, default_value = "30s", value_name = "TIME")]
    timeout: Seconds,
    /// Write a report for CI systems as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Show what held and what does not apply, too
    #[arg(long)]
    all: bool,
    /// Show the checks and where they come from, and examine nothing
    #[arg(long)]
    list: bool,
}

fn variable(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("not NAME=VALUE"),
    }
}

/// Why plugins were not examined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConformanceError {
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error("--conf {}", .file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("--conf {}: not a JSON object{}", .file.display(), .reason)]
    Conf { file: PathBuf, reason: String },
    #[error("--junit {}", .file.display())]
    Junit { file: PathBuf, source: io::Error },
    #[error("the stand-in for an IPAM plugin is netctl itself, which is not found")]
    Helper(#[source] io::Error),
}

impl Conformance {
    /// Examines all of them, or lists the checks.
    pub(crate) fn run(&self) -> Result<Box<dyn Document>, NetctlError> {
        if self.list {
            return Ok(Box::new(Catalogue(catalogue().map(Listed::from).collect())));
        }
        Ok(Box::new(self.examined().map_err(Box::new)?))
    }

    fn examined(&self) -> Result<Shown, ConformanceError> {
        let conf = self.conf.as_deref().map(object).transpose()?;
        let helper = env::current_exe().map_err(ConformanceError::Helper)?;
        let mut plugins = Vec::new();
        for binary in &self.binaries {
            plugins.push(examine(&Options {
                binary: binary.clone(),
                profile: self.profile,
                conf: conf.clone(),
                limit: Duration::from_secs(self.timeout.0),
                env: self.env.clone(),
                only: self.only.clone(),
                releases: self.releases.clone(),
                helper: helper.clone(),
            })?);
        }
        let report = Report::of(plugins);
        if let Some(file) = &self.junit {
            let failed = |source| ConformanceError::Junit {
                file: file.clone(),
                source,
            };
            let written =
                fs::File::create(file).and_then(|to| junit(&report, io::BufWriter::new(to)));
            written.map_err(failed)?;
        }
        Ok(Shown {
            report,
            all: self.all,
        })
    }
}

fn object(file: &Path) -> Result<Map<String, Value>, ConformanceError> {
    let bytes = fs::read(file).map_err(|source| ConformanceError::Read {
        file: file.to_owned(),
        source,
    })?;
    let bad = |reason: String| ConformanceError::Conf {
        file: file.to_owned(),
        reason,
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(conf)) => Ok(conf),
        Ok(_) => Err(bad(String::new())),
        Err(error) => Err(bad(format!(": {error}"))),
    }
}

/// A report, and how much of it people are shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Shown {
    report: Report,
    #[serde(skip)]
    all: bool,
}

impl Answer for Shown {
    fn sheet(&self) -> Sheet {
        let mut sheets = self
            .report
            .plugins
            .iter()
            .map(|plugin| sheet(plugin, self.all));
        let first = sheets.next().unwrap_or_default();
        sheets.fold(first, |mut all, sheet| {
            all.then(sheet);
            all
        })
    }

    /// 1 where a plugin does not do all that it must.
    fn status(&self) -> u8 {
        u8::from(!self.report.conforms)
    }
}

fn sheet(plugin: &PluginReport, all: bool) -> Sheet {
    let mut sheet = Sheet::new(&["CHECK", "VERSION", "LEVEL", "STATE", "FOUND?"], "");
    let versions = plugin.versions.join(" ");
    sheet.lead(format!(
        "{} ({}, {versions})",
        plugin.binary, plugin.profile
    ));
    let told = |finding: &&Finding| all || finding.is_failure() || finding.is_remark();
    for finding in plugin.findings.iter().filter(told) {
        let (state, tone) = match finding.state {
            State::Passed => ("passed", Tone::Good),
            State::Skipped => ("skipped", Tone::Plain),
            State::Error => ("error", Tone::Bad),
            State::Failed if finding.level == Level::Must => ("failed", Tone::Bad),
            State::Failed => ("failed", Tone::Mind),
        };
        let found = match finding.state {
            State::Passed | State::Skipped => finding.found.clone(),
            State::Failed | State::Error => {
                format!(
                    "{}\nasked: {} ({})",
                    finding.found, finding.asks, finding.source
                )
            }
        };
        sheet.row([
            Cell::from(&finding.id),
            Cell::from(&finding.version),
            Cell::from(finding.level),
            Cell::from(state).tone(tone),
            Cell::from(found),
        ]);
    }
    let verdict = if plugin.conforms {
        "conforms"
    } else {
        "does not conform"
    };
    sheet.note(format!(
        "{} {verdict}: {} passed, {} failed, {} of what it should do, {} skipped",
        plugin.kind, plugin.passed, plugin.failed, plugin.remarks, plugin.skipped
    ));
    sheet
}

/// `--list`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Catalogue(Vec<Listed>);

impl Answer for Catalogue {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&["CHECK", "LEVEL", "OF", "ASKS", "SOURCE"], "");
        for row in &self.0 {
            sheet.row([
                Cell::from(&row.id),
                Cell::from(row.level),
                lines(&row.of),
                Cell::from(&row.asks),
                Cell::from(&row.source),
            ]);
        }
        sheet
    }
}
