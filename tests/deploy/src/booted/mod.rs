//! A Debian that its own systemd has started, as on a node, in namespaces of its own.
//!
//! What it may change is its own: its files lie in memory, its network is a namespace without a link, its processes end
//! with the test, and kernel settings other than the network's are read-only to it. Its control groups are below one that
//! bears the name of the test's process: the one thing of it that a killed test leaves, empty, and that the next one
//! takes away.

use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Guarded, Ns, Output, poll, tempfile::TempDir};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What makes a root folder of a tar, and hands it to systemd.
const BOOT: &str = include_str!("boot.sh");
/// What takes groups away whose processes have ended.
const SWEEP: &str = include_str!("sweep.sh");
const GROUPS: &str = "fairway-booted-";

/// A second on a machine that has nothing else to do.
const LIMIT: Duration = Duration::from_secs(120);

/// See the module's head.
#[derive(Debug)]
pub struct Booted {
    /// Its network, which is empty but for `lo`.
    pub ns: Ns,
    systemd: Option<Guarded>,
    /// The process id of systemd outside.
    first: i32,
    group: String,
    _folder: TempDir,
}

impl Booted {
    /// Started, with all its units.
    ///
    /// # Errors
    /// Where there is no tar, or systemd does not come up; with its words.
    pub fn debian() -> Result<Self> {
        let ns = Ns::new("booted")?;
        sweep("")?;
        let folder = fairway_lab::tempfile::tempdir()?;
        let group = format!("{GROUPS}{}-{}", std::process::id(), ns.inode());
        let unshare = ns.command("unshare").args([
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--kill-child=KILL",
        ]);
        let boot = unshare
            .args(["sh", "-euc", BOOT, "boot"])
            .arg(folder.path());
        let tar = crate::given("FAIRWAY_CHROOT")?;
        let systemd = boot.arg(tar).arg(&group).spawn()?;
        let mut booted = Self {
            ns,
            systemd: Some(systemd),
            first: 0,
            group,
            _folder: folder,
        };
        let up = poll(LIMIT, "systemd is up", || booted.up());
        up.with_context(|| booted.said())??;
        Ok(booted)
    }

    /// Once it is known how starting went.
    fn up(&mut self) -> Option<Result<()>> {
        let systemd = self.systemd.as_mut()?;
        let outside = systemd.pid();
        if let Some(status) = systemd.ended() {
            return Some(Err(anyhow::anyhow!("{status}: {}", systemd.log())));
        }
        let children = fs::read_to_string(format!("/proc/{outside}/task/{outside}/children"));
        self.first = children.ok()?.split_whitespace().next()?.parse().ok()?;
        let asked = self.output(&["systemctl", "is-system-running"]).ok()?;
        // A unit of Debian's that fails here says nothing of ours.
        ["running", "degraded"]
            .contains(&asked.stdout.trim())
            .then_some(Ok(()))
    }

    /// What systemd has said.
    fn said(&self) -> String {
        self.systemd.as_ref().map(Guarded::log).unwrap_or_default()
    }

    /// A path inside, as seen from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.first)).join(inside.trim_start_matches('/'))
    }

    /// Runs a program in it, whatever its status.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn output(&self, line: &[&str]) -> Result<Output> {
        self.fed(line, "")
    }

    /// As [`Booted::output`], with something to read.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn fed(&self, line: &[&str], input: &str) -> Result<Output> {
        let enter = self.ns.command("nsenter");
        let enter = enter.args(["--target", &self.first.to_string()]);
        let enter = enter.args(["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--wdns=/"]);
        let clean = enter.env_clear().env("LC_ALL", "C");
        let clean = clean.env("DEBIAN_FRONTEND", "noninteractive");
        let clean = clean.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        Ok(clean.args(line).stdin(input).limit(LIMIT).output()?)
    }

    /// Runs a program in it; gives its output.
    ///
    /// # Errors
    /// Where it fails; with its words.
    pub fn run(&self, line: &[&str]) -> Result<String> {
        let output = self.output(line)?;
        let (out, err) = (&output.stdout, &output.stderr);
        ensure!(output.status.success(), "{line:?}: {out} {err}");
        Ok(output.stdout)
    }

    /// Puts a file inside.
    ///
    /// # Errors
    /// Where that is not possible.
    pub fn bring(&self, file: &Path, inside: &str) -> Result<()> {
        fs::copy(file, self.path(inside)).with_context(|| file.display().to_string())?;
        Ok(())
    }

    /// A unit's property, as systemd has it.
    ///
    /// # Errors
    /// Where systemd does not answer.
    pub fn property(&self, unit: &str, name: &str) -> Result<String> {
        let shown = self.run(&["systemctl", "show", "--value", "--property", name, unit])?;
        Ok(shown.trim().to_owned())
    }
}

impl Booted {
    /// Ends it, as dropping it does.
    ///
    /// # Errors
    /// Where something of it stays.
    pub fn end(mut self) -> Result<()> {
        Ok(self.over()?)
    }

    fn over(&mut self) -> fairway_lab::Result {
        drop(self.systemd.take());
        // Its processes are ending; a group goes when the last of them has.
        let what = "its control groups are gone";
        poll(Duration::from_secs(60), what, || sweep(&self.group).is_ok())
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        let _ = self.over();
    }
}

/// Takes away the groups of that name; without one, those of tests that were killed.
fn sweep(name: &str) -> Result<()> {
    let host = Ns::host()?;
    let unshare = host
        .command("unshare")
        .args(["--mount", "sh", "-euc", SWEEP, "sweep"]);
    unshare.args([GROUPS, name]).run()?;
    Ok(())
}
