//! One maker's plugins on a node of their own, called as a runtime calls them.
//!
//! The process is started by a thread that is in the node's namespace already, with files for
//! stdin and stdout: nothing is measured but the plugin, from its start to its end. Both sides
//! go the same way.

use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Lab, Ns, Value, json, plugin_dir, reference_dir, serde_json};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Without these there is nothing to measure.
pub(crate) const NEEDED: [&str; 2] = ["bridge", "host-local"];

/// The reference's first, then ours.
pub(crate) fn both() -> Result<[Side; 2]> {
    Ok([Side::new(reference_dir())?, Side::new(plugin_dir())?])
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) lab: Lab,
    dir: PathBuf,
    /// Variables besides the usual ones.
    pub(crate) env: Vec<(&'static str, OsString)>,
}

/// What one call took and gave.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) wall: Duration,
    /// User and system, of the process and of those that it waited for.
    pub(crate) cpu: Duration,
    pub(crate) result: Value,
}

impl Call {
    pub(crate) fn wall_ms(&self) -> f64 {
        self.wall.as_secs_f64() * 1e3
    }

    pub(crate) fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3
    }
}

impl Side {
    pub(crate) fn new(dir: PathBuf) -> Result<Self> {
        ensure!(
            NEEDED.iter().all(|kind| dir.join(kind).is_file()),
            "no plugins in {}: install containernetworking-plugins, run `cargo xtask dist`",
            dir.display()
        );
        let lab = Lab::new()?;
        let env = Vec::new();
        Ok(Self { lab, dir, env })
    }

    /// bridge as the gateway, with host-local on one IPv4 range; keys of `more` on top.
    pub(crate) fn config(&self, more: &Value) -> Value {
        let mut config = json!({
            "cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0",
            "isGateway": true,
            "ipam": {"type": "host-local", "subnet": "10.64.0.0/14", "dataDir": self.data()},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        config
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.lab.scratch().join("networks")
    }

    /// A command for one call, with the config as stdin and `out` as stdout.
    pub(crate) fn command(
        &self,
        verb: &str,
        config: &Value,
        container: (&str, &Ns),
        out: Stdio,
    ) -> Result<Command> {
        let (id, netns) = container;
        let stdin = self.lab.scratch().join(format!("{id}.conf"));
        fs::write(&stdin, config.to_string())?;
        let kind = config["type"].as_str().unwrap_or_default();
        let mut command = Command::new(self.dir.join(kind));
        command.env_clear().envs([
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", id),
            ("CNI_IFNAME", "eth0"),
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ]);
        command
            .env("CNI_NETNS", netns.path())
            .env("CNI_PATH", &self.dir)
            .envs(self.env.iter().map(|(key, value)| (key, value)));
        // Some of the reference's keep a log there.
        let stdin = File::open(stdin)?;
        command.stdin(stdin).stdout(out).stderr(Stdio::null());
        Ok(command)
    }

    /// Makes a call on the calling thread, which is in the node's namespace.
    pub(crate) fn call_here(
        &self,
        verb: &str,
        config: &Value,
        container: (&str, &Ns),
    ) -> Result<Call> {
        let out = self.lab.scratch().join(format!("{}.out", container.0));
        let mut command = self.command(verb, config, container, File::create(&out)?.into())?;
        let (used, begin) = (children()?, Instant::now());
        let status = command.spawn()?.wait()?;
        let (wall, cpu) = (begin.elapsed(), children()?.saturating_sub(used));
        answer(verb, &out, status.success()).map(|result| Call { wall, cpu, result })
    }

    /// As [`Side::call_here`], from any thread.
    pub(crate) fn call(&self, verb: &str, config: &Value, container: (&str, &Ns)) -> Result<Call> {
        let node = self.lab.node();
        node.inside(|| self.call_here(verb, config, container))?
    }
}

fn answer(verb: &str, out: &Path, success: bool) -> Result<Value> {
    let text = fs::read_to_string(out)?;
    ensure!(success, "{verb} failed: {text}");
    match text.trim() {
        "" => Ok(Value::Null),
        text => serde_json::from_str(text).with_context(|| format!("{verb} printed {text}")),
    }
}

/// CPU time of all children so far that have been waited for.
fn children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let used = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(
        used.num_microseconds().unsigned_abs(),
    ))
}
