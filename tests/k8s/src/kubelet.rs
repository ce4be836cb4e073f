//! A kubelet on a node: of the same build as the API server, with a runtime that the test gives it.
//!
//! It is to run on a private host: its pods' processes and cgroups are the host's. What it writes elsewhere, at paths that
//! nobody can change, is hidden in the node's own mounts; and the kernel settings of the whole machine that it would change
//! look to it as if they were so already.

use crate::{Bed, Error, Result, User, node::Node};
use fairway_lab::{Cmd, Guarded, json};
use nix::sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long it may take to be gone.
const END: Duration = Duration::from_secs(60);

/// Where it tells what it counts, on the node's loopback.
const METRICS: &str = "http://127.0.0.1:10255/metrics/probes";

/// Folders that it, or the runtime for it, writes to.
const HIDDEN: [&str; 2] = ["/var/lib", "/var/log"];

/// What it wants of the machine.
const KERNEL: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// See the module's head. It dies with the node's namespace at the latest.
#[derive(Debug)]
pub struct Kubelet {
    command: Cmd,
    process: Option<Guarded>,
    past: String,
}

impl Kubelet {
    /// One that does not run yet, for a runtime's socket. `cgroup` (with its slash) is what its pods are below, and whoever
    /// gives it takes it away.
    ///
    /// # Errors
    /// Without root, or where the program has not been built.
    pub fn new(bed: &Bed, node: &Node, socket: &Path, cgroup: &str) -> Result<Self> {
        hide(node)?;
        grow(cgroup)?;
        let folder = node.folder().join("kubelet");
        fs::create_dir(&folder).map_err(file(&folder))?;
        let settings = folder.join("settings");
        fs::write(&settings, configuration(cgroup)).map_err(file(&settings))?;
        let path = |name: &str| folder.join(name).display().to_string();
        let mut command = node.command(bed.programs.kubelet()?);
        for (flag, value) in [
            ("config", settings.display().to_string()),
            (
                "kubeconfig",
                bed.kubeconfig(User::Admin).display().to_string(),
            ),
            ("hostname-override", node.name.clone()),
            ("node-ip", node.address().to_owned()),
            (
                "register-with-taints",
                "fairway.network/not-ready=:NoSchedule".to_owned(),
            ),
            ("container-runtime", "remote".to_owned()),
            (
                "container-runtime-endpoint",
                format!("unix://{}", socket.display()),
            ),
            ("root-dir", path("root")),
            ("cert-dir", path("certificates")),
            ("volume-plugin-dir", path("volumes")),
        ] {
            command = command.arg(format!("--{flag}={value}"));
        }
        Ok(Self {
            command,
            process: None,
            past: String::new(),
        })
    }

    /// Starts it, and no more: what it does is seen at the API server.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&mut self) -> Result {
        self.process = Some(self.command.spawn()?);
        Ok(())
    }

    /// SIGKILL; gone when this returns.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn kill(&mut self) -> Result {
        let mut process = self
            .process
            .take()
            .ok_or(Error::Daemon("that is killed does not run"))?;
        process.signal(Signal::SIGKILL)?;
        process.wait(END)?;
        self.past.push_str(&process.log());
        Ok(())
    }

    /// All that it said, over all its lives.
    pub fn log(&self) -> String {
        let now = self.process.as_ref().map(Guarded::log).unwrap_or_default();
        format!("{}{now}", self.past)
    }

    /// How many probes of that kind (`Liveness`) and result (`successful`) of a pod there were since its last start.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn probes(&self, node: &Node, pod: &str, kind: &str, result: &str) -> Result<u64> {
        let line = ["--silent", "--show-error", "--max-time", "10", METRICS];
        let text = node.command("curl").args(line).run()?;
        let has = |line: &&str| {
            line.starts_with("prober_probe_total{")
                && [("pod", pod), ("probe_type", kind), ("result", result)]
                    .iter()
                    .all(|(key, value)| line.contains(&format!("{key}=\"{value}\"")))
        };
        let count = |line: &str| line.rsplit(' ').next()?.parse::<u64>().ok();
        Ok(text.lines().filter(has).filter_map(count).sum())
    }
}

fn hide(node: &Node) -> Result {
    for folder in HIDDEN {
        let tmpfs = ["-t", "tmpfs", "-o", "mode=755", "tmpfs", folder];
        node.command("mount").args(tmpfs).run()?;
    }
    for (name, value) in KERNEL {
        let seeming = node.folder().join(name.replace('/', "."));
        fs::write(&seeming, format!("{value}\n")).map_err(file(&seeming))?;
        let mount = node.command("mount").arg("--bind").arg(&seeming);
        mount.arg(format!("/proc/sys/{name}")).run()?;
    }
    Ok(())
}

/// The cgroup is to be there, in each hierarchy that there is; in the only one, with what limits containers.
fn grow(cgroup: &str) -> Result {
    let top = PathBuf::from("/sys/fs/cgroup");
    let mut tops: Vec<_> = match top.join("cgroup.controllers").exists() {
        true => {
            for controller in ["cpu", "cpuset", "memory", "hugetlb", "pids"] {
                // As runtimes do; what the machine does not have the kubelet does not want.
                let _ = fs::write(top.join("cgroup.subtree_control"), format!("+{controller}"));
            }
            vec![top]
        }
        false => {
            let entries = fs::read_dir(&top).map_err(file(&top))?;
            entries.flatten().map(|entry| entry.path()).collect()
        }
    };
    tops.retain(|top| top.join("cgroup.procs").exists());
    for top in tops {
        let path = top.join(cgroup.trim_start_matches('/'));
        fs::create_dir_all(&path).map_err(file(&path))?;
    }
    Ok(())
}

/// Its settings; JSON is YAML. All is looked at often, and nobody is thrown out because the machine is full.
fn configuration(cgroup: &str) -> String {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "readOnlyPort": 10255,
        "healthzPort": 0,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "enforceNodeAllocatable": [],
        "failSwapOn": false,
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "1s",
        "syncFrequency": "1s",
        "protectKernelDefaults": true,
        "featureGates": {"IPv6DualStack": true},
    })
    .to_string()
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}
