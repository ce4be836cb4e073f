//! The plugin folder that the engines are given, and the recorder in it.
//!
//! It is a copy in the private host, so nothing else can have been run; the
//! recorder is the proof from the other side: an IPAM delegate that notes
//! which executable called it, and how.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cmd;

/// Name of the recording IPAM delegate.
pub const RECORDER: &str = "recorder";

/// The folder of plugins on a private host.
#[derive(Debug)]
pub struct Plugins {
    dir: PathBuf,
    calls: PathBuf,
}

/// One call that the recorder saw.
#[derive(Debug, Clone)]
pub struct Call {
    /// `CNI_COMMAND`
    pub command: String,
    /// `CNI_CONTAINERID`
    pub container: String,
    /// `CNI_NETNS`; `None` where it was not set at all.
    pub netns: Option<String>,
    /// The executable that made the call.
    pub caller: PathBuf,
    /// What came on stdin.
    pub stdin: Value,
}

impl Plugins {
    /// Copies the plugins under test to `dir`, links and all, since the type
    /// may be the name of a link.
    pub(crate) fn install(dir: &Path, work: &Path) -> Result<Self> {
        let ours = fairway_lab::plugin_dir();
        ensure!(
            ours.join("bridge").exists(),
            "no plugins in {}: build them (cargo xtask dist) or set FAIRWAY_CNI_DIR",
            ours.display()
        );
        fs::create_dir(dir)?;
        cmd::run(cmd::limited("cp").arg("-a").arg(ours.join(".")).arg(dir))?.ok()?;
        let plugins = Self {
            dir: dir.to_owned(),
            calls: work.join("calls"),
        };
        plugins.write_recorder()?;
        Ok(plugins)
    }

    /// The folder itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Is `path` the one binary that all our types are links to?
    ///
    /// # Errors
    /// If either does not exist.
    pub fn is_ours(&self, path: &Path) -> Result<bool> {
        let ours = self.dir.join("fairway-cni");
        let (a, b) = (
            fs::metadata(&ours).with_context(|| ours.display().to_string())?,
            fs::metadata(path).with_context(|| path.display().to_string())?,
        );
        Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
    }

    /// A shell script, since the point is a process of another executable: a
    /// tab-separated line per call, then host-local answers.
    fn write_recorder(&self) -> Result<()> {
        let path = self.dir.join(RECORDER);
        let script = format!(
            r#"#!/bin/sh
stdin=$(tr -d '\n\t')
printf '%s\t%s\t%s\t%s\t%s\n' "$CNI_COMMAND" "$CNI_CONTAINERID" "${{CNI_NETNS-unset}}" \
    "$(readlink /proc/$PPID/exe)" "$stdin" >>{calls}
printf '%s' "$stdin" | {dir}/host-local
"#,
            calls = self.calls.display(),
            dir = self.dir.display()
        );
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// What the recorder has seen so far, in order.
    ///
    /// # Errors
    /// If it has seen nothing, or a line of it cannot be read.
    pub fn calls(&self) -> Result<Vec<Call>> {
        let lines = fs::read_to_string(&self.calls).context("the recorder was never called")?;
        lines
            .lines()
            .map(|line| {
                let parts: Vec<_> = line.splitn(5, '\t').collect();
                let [command, container, netns, caller, stdin] = parts[..] else {
                    anyhow::bail!("recorder's line {line:?}");
                };
                Ok(Call {
                    command: command.to_owned(),
                    container: container.to_owned(),
                    netns: (netns != "unset").then(|| netns.to_owned()),
                    caller: caller.into(),
                    stdin: serde_json::from_str(stdin).with_context(|| line.to_owned())?,
                })
            })
            .collect()
    }
}
