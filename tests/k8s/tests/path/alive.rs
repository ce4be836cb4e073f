//! A node with a real kubelet: its runtime gets network and pods from nobody but the installer, the daemon and the kubelet.

use crate::kubelet::Running;
use crate::stage::SPACE;
use anyhow::{Context as _, Result, bail, ensure};
use fairway_lab::{Guarded, Value, bin_dir, json, plugin_dir, serde_json};
use fairway_tests_interop::cmd::eventually;
use fairway_tests_interop::containerd::{Containerd, Setup};
use fairway_tests_interop::host::Host;
use fairway_tests_interop::podman::{PAUSE, SERVE};
use fairway_tests_k8s::node::{Node, apply};
use fairway_tests_k8s::{Bed, Kubelet, User};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A pod takes two seconds from its object to its first probe; but what a kubelet has missed it does a minute later, and
/// after a failure it waits longer each time.
pub(crate) const SOON: Duration = Duration::from_secs(180);

/// The manifest that those apply who have no Helm.
const MANIFEST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../deploy/kubernetes/fairway.yaml"
);

/// See the module's head.
pub(crate) struct Alive<'h> {
    // In the order in which they are to go.
    pub(crate) kubelet: Kubelet,
    installer: Option<Guarded>,
    containerd: Containerd<'h>,
    pub(crate) node: Node,
    pub(crate) bed: &'h Bed,
    host: &'h Host,
    /// Where the runtime looks.
    plugins: PathBuf,
    configurations: PathBuf,
}

impl<'h> Alive<'h> {
    /// The kubelet runs with its runtime; of Fairway nothing is there yet.
    pub(crate) fn new(host: &'h Host, bed: &'h Bed, name: &str) -> Result<Self> {
        let node = Node::bare(bed, name)?;
        // It is the kubelet who is to tell the API server of it.
        bed.kubectl(User::Admin, &format!("delete node {name}"))?;
        node.configure(bed, &bed.kubeconfig(User::Daemon), "")?;
        let mut setup = Setup {
            name: name.to_owned(),
            enter: node.enter().map(Into::into).to_vec(),
            env: node
                .env()
                .map(|(key, value)| (key.into(), value.into()))
                .to_vec(),
            image: PAUSE,
            late: true,
            ..Setup::default()
        };
        let plugins = setup.folder(host).join("bin");
        let configurations = setup.folder(host).join("net.d");
        fs::create_dir_all(&plugins)?;
        fs::create_dir_all(&configurations)?;
        setup.plugins = Some(plugins.clone());
        let socket = setup.socket(host);
        let mut kubelet = Kubelet::new(bed, &node, &socket, &host.cgroup_parent())?;
        let containerd = Containerd::with(host, setup)?;
        kubelet.start()?;
        Ok(Self {
            kubelet,
            installer: None,
            containerd,
            node,
            bed,
            host,
            plugins,
            configurations,
        })
    }

    /// What the DaemonSet's containers `plugins` and `install` do, with the configuration that is shipped.
    pub(crate) fn install(&mut self) -> Result<()> {
        let conflist = self.node.folder().join("conflist.json");
        fs::write(&conflist, shipped(self.bed)?)?;
        let installer = |verb: &str| {
            let command = self.node.command(bin_dir().join("fairway-install"));
            let command = command.arg(verb).arg("--to").arg(&self.plugins);
            let command = command.arg("--from").arg(plugin_dir().join("fairway-cni"));
            let env = self.node.env().into_iter();
            env.fold(command, |command, (key, value)| command.env(key, value))
        };
        installer("plugins").run()?;
        let keep = installer("keep").arg("--conflist").arg(&conflist);
        let keep = keep.arg("--conflists").arg(&self.configurations);
        self.installer = Some(keep.spawn()?);
        Ok(())
    }

    /// The kubelet has a pod to run, whose one container answers on port 80. `more` is more of the pod's object.
    pub(crate) fn pod(&self, name: &str, app: &str, notes: &Value, more: &Value) -> Result<()> {
        let mut container =
            json!({"name": "c", "image": PAUSE, "imagePullPolicy": "Never", "command": SERVE});
        if let (Some(all), Some(more)) = (container.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        let object = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": SPACE, "labels": {"app": app}, "annotations": notes},
            "spec": {"nodeName": self.node.name, "dnsPolicy": "Default", "terminationGracePeriodSeconds": 1,
                     "containers": [container]}});
        Ok(apply(self.bed, &object.to_string())?)
    }

    /// The pod, once it is ready in the kubelet's words, at its container's first start.
    pub(crate) fn ready(&self, name: &str) -> Result<Running> {
        eventually(SOON, || {
            let line = format!("get pod {name} -n {SPACE}");
            let pod = self.bed.json(User::Admin, &line)?;
            self.running(name, &pod["status"])
                .with_context(|| format!("{name}: {}", pod["status"]))
        })
        .with_context(|| self.events())
    }

    fn running(&self, name: &str, status: &Value) -> Result<Running> {
        let container = &status["containerStatuses"][0];
        ensure!(container["ready"] == true, "not ready");
        ensure!(container["restartCount"] == 0, "restarted");
        let id = container["containerID"].as_str().unwrap_or_default();
        let id = id.strip_prefix("containerd://").context("no container")?;
        let told = status["podIPs"].as_array().context("no address")?;
        let told = told.iter().filter_map(|one| one["ip"].as_str());
        let addresses: Vec<_> = told.map(str::to_owned).collect();
        let pid = self.containerd.pid(id)?;
        let there = Running::addresses_of(self.host, pid)?;
        ensure!(there == addresses, "it has {there:?}");
        ensure!(status["podIP"] == *addresses[0], "podIP is the first");
        Ok(Running {
            name: name.to_owned(),
            id: id.to_owned(),
            addresses,
            pid,
        })
    }

    fn events(&self) -> String {
        let answer = self
            .bed
            .ask(User::Admin, &format!("get events -n {SPACE}"), "");
        answer.map(|answer| answer.text).unwrap_or_default()
    }

    /// Deleted, for the kubelet to end them.
    pub(crate) fn delete(&self, names: &[&str]) -> Result<()> {
        let line = format!("delete pod {} -n {SPACE} --wait=false", names.join(" "));
        self.bed.kubectl(User::Admin, &line)?;
        Ok(())
    }

    /// The pod's web server is reached from another pod.
    pub(crate) fn fetches(&self, from: &Running, to: &Running) -> Result<bool> {
        from.fetches(self.host, to)
    }

    /// What all here said.
    pub(crate) fn log(&self) -> String {
        let installer = self.installer.as_ref().map(Guarded::log);
        format!(
            "the daemon said:\n{}\nthe installer said:\n{}\nthe kubelet said:\n{}",
            self.node.log(),
            installer.unwrap_or_default(),
            last(&self.kubelet.log(), 150),
        )
    }
}

/// The configuration of the manifest.
fn shipped(bed: &Bed) -> Result<String> {
    let line = format!("create --dry-run=client -o json -f {MANIFEST}");
    let text = bed.kubectl(User::Admin, &line)?;
    for object in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        if let Some(conflist) = object?["data"]["conflist.json"].as_str() {
            return Ok(conflist.to_owned());
        }
    }
    bail!("no configuration in {MANIFEST}")
}

fn last(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
