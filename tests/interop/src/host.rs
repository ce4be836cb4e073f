//! A host of one's own for one test, or for a benchmark.
//!
//! A container engine writes to fixed paths (`/run/containerd`,
//! `/var/lib/cni/results`, `/dev/shm/libpod_lock`, the xtables lock), leaves daemons behind and
//! programs the network of whatever namespace it stands in. So each test
//! starts its own executable once more in a new PID, mount and network
//! namespace, with an empty `/run`, `/dev/shm` and `/var/lib`, and runs its body there.
//! When that process ends, in whatever way, the kernel kills all in the PID
//! namespace and drops the mounts and the links with the last of them; the
//! janitor takes the cgroups.

use std::any::type_name;
use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::cmd;
use crate::janitor::{self, Janitor};
use crate::plugins::Plugins;

/// Names the cgroup of the host, and says that this process is on it.
const INSIDE: &str = "FAIRWAY_INTEROP_HOST";

/// How long one test may take as a whole.
const LIMIT: Duration = Duration::from_secs(300);

/// PID 1 of the host: reaps what the engines leave to it (a zombie counts
/// as alive for Podman), and hands on the status of the test.
const INIT: &str = r#""$@" & wait $!"#;

/// Where the test's files are: a tmpfs that dies with the host.
const WORK: &str = "/run/fairway";

/// The host that a test's body runs on.
#[derive(Debug)]
pub struct Host {
    cgroup: String,
    plugins: Plugins,
}

/// Runs `body` on a host of its own. To be called once in a `#[test]`, with a
/// closure written there: the closure's type names the test to start again.
///
/// # Errors
/// Whatever `body` returned or how it died, with all its output; or that
/// something stayed behind.
pub fn on_private_host<F>(body: F) -> Result<()>
where
    F: FnOnce(&Host) -> Result<()>,
{
    on_private_host_within(LIMIT, body)
}

/// As [`on_private_host`], for a test that takes longer than most.
///
/// # Errors
/// As there.
pub fn on_private_host_within<F>(limit: Duration, body: F) -> Result<()>
where
    F: FnOnce(&Host) -> Result<()>,
{
    if env::var_os(INSIDE).is_some() {
        return inside(body);
    }
    let test = test_name::<F>()?;
    let done = start_again(&[test, "--exact", "--nocapture"], limit, Stdio::piped())?;
    ensure!(done.status.success(), "{done}");
    Ok(())
}

/// Runs `body` on the host that this process was started on, by [`start_again`].
///
/// # Errors
/// Whatever `body` returned, with what the daemons complained of on stderr; or that there is no such host.
pub fn inside<T>(body: impl FnOnce(&Host) -> Result<T>) -> Result<T> {
    let cgroup = env::var_os(INSIDE).context("not on a private host")?;
    let host = Host::enter(cgroup.to_string_lossy().into_owned())?;
    body(&host).map_err(|why| host.with_logs(why))
}

/// The path of the test function that wrote the closure `F`.
fn test_name<F>() -> Result<&'static str> {
    type_name::<F>()
        .split_once("::")
        .and_then(|(_, path)| path.split_once("::{{closure}}"))
        .map(|(path, _)| path)
        .with_context(|| format!("{} is not a closure in a test", type_name::<F>()))
}

/// Brings a new host up, runs this program there once more with these arguments, for so long at most, and sweeps.
///
/// # Errors
/// Where it cannot be started, or something stays behind; not if the program failed.
pub fn start_again(args: &[&str], limit: Duration, stderr: Stdio) -> Result<cmd::Done> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    ensure!(
        is_root()?,
        "a private host is made of namespaces: run it as root"
    );
    let cgroup = format!(
        "fairway-interop-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let janitor = Janitor::start(&cgroup)?;
    // Each link of this chain dies with the one before it: the test process,
    // the time limit, unshare, the host's PID 1.
    let output = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "timeout", "--signal=KILL"])
        .arg(limit.as_secs().to_string())
        .args(["setpriv", "--pdeathsig", "KILL", "unshare"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["--mount", "--net", "sh", "-c", INIT, "init"])
        .arg(env::current_exe()?)
        .args(args)
        .env(INSIDE, &cgroup)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stderr(stderr)
        .output()
        .context("setpriv")?;
    janitor.finish()?;
    Ok(cmd::Done {
        line: format!("{}, on its private host", args.join(" ")),
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The directories that are left of the cgroup `name`.
#[must_use]
pub fn cgroups_left(name: &str) -> Vec<PathBuf> {
    janitor::trees(name)
}

fn is_root() -> Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(status
        .lines()
        .filter_map(|line| line.strip_prefix("Uid:"))
        .any(|ids| ids.split_whitespace().nth(1) == Some("0")))
}

impl Host {
    /// Makes this process's fresh namespaces a host. The plugins are copied
    /// before `/var/lib` is hidden: a CI's checkout may be in there.
    fn enter(cgroup: String) -> Result<Self> {
        ensure!(
            fs::read_to_string("/proc/1/cmdline")?.contains(INIT),
            "{INSIDE} is set, but this is not a private host: nothing was mounted"
        );
        mount_tmpfs("/run")?;
        // Podman's locks: two that make them at once on a machine that has none get in each other's way.
        mount_tmpfs("/dev/shm")?;
        fs::create_dir_all(WORK)?;
        let work = Path::new(WORK);
        let plugins = Plugins::install(&work.join("cni"), work)?;
        mount_tmpfs("/var/lib")?;
        for dir in ["tmp", "net.d", "ipam"] {
            fs::create_dir(work.join(dir))?;
        }
        let host = Self { cgroup, plugins };
        cmd::run(host.command("ip").args(["link", "set", "lo", "up"]))?.ok()?;
        Ok(host)
    }

    /// The folder for this test's files, gone with the host.
    #[must_use]
    pub fn work(&self) -> &Path {
        Path::new(WORK)
    }

    /// The plugins that the engines here are given.
    #[must_use]
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// The parent cgroup (with its slash) for every container here.
    #[must_use]
    pub fn cgroup_parent(&self) -> String {
        format!("/{}", self.cgroup)
    }

    /// A command on this host, with a time limit and files of its own only.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = cmd::limited(program);
        command
            .env("HOME", self.work())
            .env("TMPDIR", self.work().join("tmp"));
        command
    }

    /// Runs a command line on this host and returns its stdout.
    ///
    /// # Errors
    /// If it failed; with all that it said.
    pub fn sh(&self, words: &[&str]) -> Result<String> {
        let [program, args @ ..] = words else {
            bail!("no program")
        };
        cmd::run(self.command(program).args(args))?.ok()
    }

    /// `why` with what the daemons complained of in their logs, which die with the host.
    fn with_logs(&self, why: anyhow::Error) -> anyhow::Error {
        let mut logs = String::new();
        for entry in self.work().read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "log")
                && let Ok(text) = fs::read_to_string(&path)
            {
                let mut lines: Vec<_> = text.lines().collect();
                lines.retain(|line| !line.contains("level=info"));
                let tail = &lines[lines.len().saturating_sub(20)..];
                logs.push_str(&format!("--- {}\n{}\n", path.display(), tail.join("\n")));
            }
        }
        let _ = std::io::stderr().write_all(logs.as_bytes());
        why
    }
}

fn mount_tmpfs(target: &str) -> Result<()> {
    cmd::run(cmd::limited("mount").args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", target]))?
        .ok()?;
    Ok(())
}
