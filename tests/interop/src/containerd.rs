//! containerd with its CRI plugin on a private host.
//!
//! It DELs twice: StopPodSandbox with the namespace and `prevResult`,
//! RemovePodSandbox with `CNI_NETNS=""` and without. A failed ADD is followed
//! by a DEL at once.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cmd;
use crate::cri::Cri;
use crate::host::Host;
use crate::podman::{IMAGE, PAUSE, Podman};

/// How long the daemon may take until its pod network is ready.
const START: Duration = Duration::from_secs(60);

/// How a daemon differs from one that runs every pod on the host's one network.
#[derive(Debug)]
pub struct Setup {
    /// What tells several on a host apart; empty for the only one.
    pub name: String,
    /// What leads to where it runs, in front of the program: nothing, or `nsenter` with namespaces of a node on the host.
    pub enter: Vec<OsString>,
    /// What each sandbox's first process is made from.
    pub image: &'static str,
    /// Where the plugins are; the host's unless told.
    pub plugins: Option<PathBuf>,
    /// Handlers that a pod may name, and the folder with the network of each.
    pub handlers: Vec<(String, PathBuf)>,
    /// Variables for it, and so for the plugins.
    pub env: Vec<(OsString, OsString)>,
    /// Its network comes when it runs already, so nobody waits for it.
    pub late: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            name: String::new(),
            enter: Vec::new(),
            image: IMAGE,
            plugins: None,
            handlers: Vec::new(),
            env: Vec::new(),
            late: false,
        }
    }
}

impl Setup {
    /// Its files; the network configuration is to lie in `net.d` below it.
    #[must_use]
    pub fn folder(&self, host: &Host) -> PathBuf {
        host.work().join(&self.name)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self, host: &Host) -> PathBuf {
        self.folder(host).join("containerd.sock")
    }

    /// In the host's folder, where a failed test looks for it.
    fn log(&self, host: &Host) -> PathBuf {
        host.work().join(format!("containerd{}.log", self.name))
    }
}

/// A running daemon. It dies with the host at the latest.
pub struct Containerd<'h> {
    host: &'h Host,
    setup: Setup,
    child: Child,
    cri: Cri,
    /// Numbers the processes that were started in sandboxes.
    execs: AtomicU32,
}

impl<'h> Containerd<'h> {
    /// Starts the daemon, gives it the image, waits until it has read the
    /// network configuration (which is to be written before).
    ///
    /// # Errors
    /// If containerd is not installed or does not come up.
    pub fn new(host: &'h Host) -> Result<Self> {
        Self::with(host, Setup::default())
    }

    /// The same, set up otherwise: several of them may run on a host.
    ///
    /// # Errors
    /// As [`Containerd::new`].
    pub fn with(host: &'h Host, setup: Setup) -> Result<Self> {
        let conf = setup.folder(host).join("containerd.toml");
        fs::write(conf, configuration(host, &setup))?;
        let archive = archive(host, setup.image)?;
        let (child, cri) = spawn(host, &setup)?;
        let containerd = Self {
            host,
            setup,
            child,
            cri,
            execs: AtomicU32::new(0),
        };
        containerd.ctr(&[
            "images",
            "import",
            "--no-unpack",
            &archive.to_string_lossy(),
        ])?;
        cmd::eventually(START, || containerd.cri.has_image(containerd.setup.image))?;
        if !containerd.setup.late {
            cmd::eventually(START, || containerd.cri.network_ready())?;
        }
        Ok(containerd)
    }

    /// The CRI calls.
    #[must_use]
    pub fn cri(&self) -> &Cri {
        &self.cri
    }

    /// Kills the daemon and starts it anew; the sandboxes live on.
    ///
    /// # Errors
    /// If it does not come up again.
    pub fn restart(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        (self.child, self.cri) = spawn(self.host, &self.setup)?;
        cmd::eventually(START, || self.cri.network_ready())?;
        cmd::eventually(START, || self.cri.has_image(self.setup.image))
    }

    /// Runs `ctr` in Kubernetes' containerd namespace.
    ///
    /// # Errors
    /// If it failed; with all that it said.
    pub fn ctr(&self, args: &[&str]) -> Result<String> {
        let socket = self.setup.socket(self.host);
        let mut command = self.host.command("ctr");
        command.arg("--address").arg(socket);
        cmd::run(command.args(["--namespace", "k8s.io"]).args(args))?.ok()
    }

    /// The sandbox's first process, as the host numbers it.
    ///
    /// # Errors
    /// If it is not running.
    pub fn pid(&self, id: &str) -> Result<u64> {
        let table = self.ctr(&["tasks", "ls"])?;
        table
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                (words.next() == Some(id)).then(|| words.next()?.parse().ok())?
            })
            .next()
            .with_context(|| format!("{id} has no task:\n{table}"))
    }

    /// Pings `address` from within the sandbox until it answers.
    ///
    /// # Errors
    /// If it does not.
    pub fn ping(&self, id: &str, address: &str) -> Result<()> {
        cmd::eventually(crate::seen::SOON, || {
            let exec = format!("ping-{}", self.execs.fetch_add(1, Ordering::Relaxed));
            let ping = ["ping", "-c", "1", "-W", "1", address];
            self.ctr(&[&["tasks", "exec", "--exec-id", &exec, id][..], &ping].concat())
        })?;
        Ok(())
    }
}

impl Drop for Containerd<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(host: &Host, setup: &Setup) -> Result<(Child, Cri)> {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(setup.log(host))?;
    let program = OsString::from("containerd");
    let mut words = setup.enter.iter().chain([&program]);
    let mut command = std::process::Command::new(words.next().unwrap_or(&program));
    let child = command
        .args(words)
        .arg("--config")
        .arg(setup.folder(host).join("containerd.toml"))
        .env("TMPDIR", host.work().join("tmp"))
        .envs(setup.env.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("containerd (apt-get install containerd runc)")?;
    let cri = cmd::eventually(START, || Cri::connect(&setup.socket(host)))?;
    Ok((child, cri))
}

/// The sandbox image, in the form that `ctr` imports.
fn archive(host: &Host, image: &str) -> Result<PathBuf> {
    let file = host.work().join("sandbox.tar");
    if file.exists() {
        return Ok(file);
    }
    let podman = Podman::new(host)?;
    if image == PAUSE {
        podman.pause()?;
    }
    podman.ok(&[
        "save",
        "--quiet",
        "--format",
        "docker-archive",
        "--output",
        &file.to_string_lossy(),
        image,
    ])?;
    Ok(file)
}

/// No CAP_SYS_RESOURCE, no AppArmor, no hugetlb: a sandbox must start on a
/// bare build machine too.
fn configuration(host: &Host, setup: &Setup) -> String {
    let plugins = setup.plugins.as_deref();
    let mut text = format!(
        r#"version = 2
root = "{work}/containerd"
state = "{work}/containerd-run"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{work}/net.d"
    max_conf_num = 1
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "runc"
"#,
        work = setup.folder(host).display(),
        socket = setup.socket(host).display(),
        plugins = plugins.unwrap_or(host.plugins().dir()).display(),
        image = setup.image,
    );
    for (name, folder) in &setup.handlers {
        text.push_str(&handler(name, folder));
    }
    text
}

/// One that differs from the usual by its network.
fn handler(name: &str, folder: &Path) -> String {
    format!(
        r#"    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]
      runtime_type = "io.containerd.runc.v2"
      cni_conf_dir = "{folder}"
      cni_max_conf_num = 1
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}.options]
        SystemdCgroup = false
        BinaryName = "runc"
"#,
        folder = folder.display(),
    )
}
