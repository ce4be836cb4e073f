//! Podman on a private host, with the CNI back end and folders of its own.
//!
//! Podman 4.3 asks each plugin for VERSION, then ADDs, and DELs with
//! `prevResult`; it never CHECKs. What the user reads of a failed ADD is one
//! line on stderr, behind `Error: `.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cmd::{self, Done};
use crate::conf::Network;
use crate::host::Host;

/// The image that all containers here are made from.
pub const IMAGE: &str = "localhost/box:1";

/// An image whose containers are only there, for a sandbox that serves nobody.
pub const PAUSE: &str = "localhost/pause:1";

/// What the web server in a container answers.
pub const GREETING: &str = "hello from the box";

/// A command for containers that shall only be there.
pub const IDLE: &[&str] = &["sleep", "600"];

/// A command for containers that shall answer on port 80.
pub const SERVE: &[&str] = &["httpd", "-f", "-p", "80", "-h", "/www"];

/// The busybox applets that the image has.
const APPLETS: &[&str] = &["sh", "sleep", "ping", "httpd", "ip"];

/// Podman, its configuration and the image.
pub struct Podman<'h> {
    host: &'h Host,
    conf: PathBuf,
}

impl<'h> Podman<'h> {
    /// Writes the configuration and, if it is the host's first, the image.
    ///
    /// # Errors
    /// If Podman or busybox-static is not installed, or refuses.
    pub fn new(host: &'h Host) -> Result<Self> {
        let conf = host.work().join("containers.conf");
        fs::write(&conf, configuration(host))?;
        let podman = Self { host, conf };
        let tar = host.work().join("image.tar");
        if tar.exists() {
            return Ok(podman);
        }
        image(host, &tar)?;
        podman.import(&tar, IMAGE, SERVE)?;
        Ok(podman)
    }

    /// Makes [`PAUSE`], too.
    ///
    /// # Errors
    /// If Podman refuses.
    pub fn pause(&self) -> Result<()> {
        let tar = self.host.work().join("image.tar");
        self.import(&tar, PAUSE, &["sleep", "infinity"])
    }

    fn import(&self, tar: &Path, name: &str, command: &[&str]) -> Result<()> {
        self.ok(&[
            "import",
            "--quiet",
            "--change",
            "ENV PATH=/bin",
            "--change",
            &format!("CMD {}", serde_json::to_string(command)?),
            &tar.to_string_lossy(),
            name,
        ])?;
        Ok(())
    }

    /// Runs Podman to its end.
    ///
    /// # Errors
    /// If it could not be started.
    pub fn run(&self, args: &[&str]) -> Result<Done> {
        cmd::run(self.command().args(args))
    }

    /// Runs Podman and returns its stdout.
    ///
    /// # Errors
    /// If it failed; with all that it said.
    pub fn ok(&self, args: &[&str]) -> Result<String> {
        self.run(args)?.ok()
    }

    /// `podman run --detach` of a container `name` on `network`.
    ///
    /// # Errors
    /// If Podman could not be started; not if the container could not.
    pub fn start(
        &self,
        name: &str,
        network: &Network,
        options: &[&str],
        command: &[&str],
    ) -> Result<Done> {
        let parent = self.host.cgroup_parent();
        let mut args = vec![
            "run",
            "--detach",
            "--name",
            name,
            "--network",
            network.name(),
        ];
        args.extend(["--cgroup-parent", &parent]);
        args.extend(options);
        args.push(IMAGE);
        args.extend(command);
        self.run(&args)
    }

    /// What `podman inspect` says of a container.
    ///
    /// # Errors
    /// If there is no such container.
    pub fn inspect(&self, name: &str) -> Result<Value> {
        let mut all: Value = serde_json::from_str(&self.ok(&["inspect", name])?)?;
        Ok(all[0].take())
    }

    /// The container's first process, as the host numbers it.
    ///
    /// # Errors
    /// If it is not running.
    pub fn pid(&self, name: &str) -> Result<u64> {
        let pid = self.inspect(name)?["State"]["Pid"].as_u64();
        pid.filter(|pid| *pid > 0)
            .with_context(|| format!("{name} is not running"))
    }

    /// The container's address (v4) on `network`, as Podman knows it.
    ///
    /// # Errors
    /// If it has none.
    pub fn address(&self, name: &str, network: &Network) -> Result<String> {
        self.network_field(name, network, "IPAddress")
    }

    /// A field of the container's network settings, for instance `MacAddress`.
    ///
    /// # Errors
    /// If it is absent or empty.
    pub fn network_field(&self, name: &str, network: &Network, key: &str) -> Result<String> {
        let info = self.inspect(name)?;
        let value = info["NetworkSettings"]["Networks"][network.name()][key].as_str();
        value
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
            .with_context(|| format!("{name} has no {key}: {}", info["NetworkSettings"]))
    }

    /// Pings `address` from within the container until it answers.
    ///
    /// # Errors
    /// If it does not.
    pub fn ping(&self, name: &str, address: &str) -> Result<()> {
        cmd::eventually(crate::seen::SOON, || {
            self.ok(&["exec", name, "ping", "-c", "1", "-W", "1", address])
        })?;
        Ok(())
    }

    fn command(&self) -> Command {
        let work = self.host.work();
        let mut command = self.host.command("podman");
        command
            .env("CONTAINERS_CONF", &self.conf)
            .args(["--storage-driver", "overlay"])
            .arg("--root")
            .arg(work.join("podman"))
            .arg("--runroot")
            .arg(work.join("podman-run"))
            .arg("--tmpdir")
            .arg(work.join("podman-tmp"));
        command
    }
}

/// crun refuses a hybrid cgroup tree, and a host that lacks CAP_SYS_RESOURCE
/// cannot raise the default limits: hence runc and limits of our own.
fn configuration(host: &Host) -> String {
    format!(
        r#"[network]
network_backend = "cni"
network_config_dir = "{work}/net.d"
cni_plugin_dirs = ["{plugins}"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
"#,
        work = host.work().display(),
        plugins = host.plugins().dir().display()
    )
}

/// A root file system of one static busybox, as a tar file.
fn image(host: &Host, tar: &Path) -> Result<()> {
    let root = host.work().join("image");
    let bin = root.join("bin");
    fs::create_dir_all(&bin)?;
    fs::create_dir(root.join("www"))?;
    fs::write(root.join("www/index.html"), GREETING)?;
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .iter()
        .find(|path| Path::new(path).exists())
        .context("no busybox (apt-get install busybox-static)")?;
    let program = fs::read(busybox)?;
    let loader = b"/ld-linux";
    ensure!(
        !program.windows(loader.len()).any(|at| at == loader),
        "{busybox} needs libraries (apt-get install busybox-static)"
    );
    fs::copy(busybox, bin.join("busybox"))?;
    for applet in APPLETS {
        std::os::unix::fs::symlink("busybox", bin.join(applet))?;
    }
    let (root, file) = (root.to_string_lossy(), tar.to_string_lossy());
    host.sh(&["tar", "-C", &root, "-cf", &file, "."])?;
    Ok(())
}
