//! What a kubelet does, as far as a pod's network is concerned: one node, its daemon, and containerd beside it.

use anyhow::{Context as _, Result, ensure};
use fairway_lab::json;
use fairway_tests_interop::containerd::{Containerd, Setup};
use fairway_tests_interop::cri::pod;
use fairway_tests_interop::host::Host;
use fairway_tests_interop::seen;
use fairway_tests_k8s::node::Node;
use fairway_tests_k8s::{Bed, User};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Seconds for which who is not to be reached is listened to.
const SILENCE: &str = "1";
/// And for which one is waited for who is, on a machine that has other things to do.
const PATIENCE: &str = "20";

/// A node with all that runs on it.
pub(crate) struct Kubelet<'h> {
    pub(crate) node: Node,
    // It goes before the namespaces that it is in.
    containerd: Containerd<'h>,
    host: &'h Host,
}

/// A pod that runs.
#[derive(Debug, PartialEq)]
pub(crate) struct Running {
    pub(crate) name: String,
    /// The sandbox's.
    pub(crate) id: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) pid: u64,
}

impl<'h> Kubelet<'h> {
    /// The node's daemon serves, and containerd has a configuration that attaches pods to a network.
    pub(crate) fn new(host: &'h Host, bed: &Bed, name: &str, network: &str) -> Result<Self> {
        let mut node = Node::bare(bed, name)?;
        node.configure(bed, &bed.kubeconfig(User::Daemon), "")?;
        node.start()?;
        let env = node.env();
        let setup = Setup {
            name: name.to_owned(),
            enter: node.enter().map(Into::into).to_vec(),
            env: env.map(|(key, value)| (key.into(), value.into())).to_vec(),
            ..Setup::default()
        };
        let configurations = setup.folder(host).join("net.d");
        fs::create_dir_all(&configurations)?;
        let list = json!({"cniVersion": "1.0.0", "name": network, "plugins": [
            {"type": "vxlan", "network": network, "policy": true, "ipam": {"type": "fairway"},
             "capabilities": {"io.kubernetes.cri.pod-annotations": true}}]});
        fs::write(configurations.join("10-pods.conflist"), list.to_string())?;
        let containerd = Containerd::with(host, setup)?;
        Ok(Self {
            node,
            containerd,
            host,
        })
    }

    /// Starts a pod of that name, with the annotations that its object has.
    pub(crate) fn run(&self, bed: &Bed, (namespace, name): (&str, &str)) -> Result<Running> {
        let line = format!("get pod {name} -n {namespace}");
        let object = bed.json(User::Admin, &line)?;
        let texts = object["metadata"]["annotations"].as_object();
        let text = |(key, value): (&String, &fairway_lab::Value)| {
            Some((key.clone(), value.as_str()?.to_owned()))
        };
        let annotations = texts.into_iter().flatten().filter_map(text).collect();
        self.start((namespace, name), annotations)
    }

    /// As [`Kubelet::run`], whatever the API server says.
    pub(crate) fn start(
        &self,
        (namespace, name): (&str, &str),
        annotations: HashMap<String, String>,
    ) -> Result<Running> {
        let mut config = pod(name, &self.host.cgroup_parent());
        if let Some(metadata) = &mut config.metadata {
            metadata.namespace = namespace.to_owned();
        }
        config.annotations = annotations;
        let id = self.containerd.cri().run(config)?;
        let pid = self.containerd.pid(&id)?;
        let status = self.containerd.cri().status(&id)?;
        ensure!(status.ready, "{status:?}");
        // What the runtime was told is what the pod has.
        let there = Running::addresses_of(self.host, pid)?;
        ensure!(there == status.addresses, "{there:?}, but {status:?}");
        Ok(Running {
            name: name.to_owned(),
            id,
            addresses: there,
            pid,
        })
    }

    /// Ends it: DEL with its namespace, and another one without.
    pub(crate) fn end(&self, pod: &Running) -> Result<()> {
        self.containerd.cri().stop(&pod.id)?;
        self.containerd.cri().remove(&pod.id)
    }

    /// The pod's web server is reached from another, by all its addresses or by none; else which.
    pub(crate) fn fetches(&self, from: &Running, to: &Running) -> Result<bool> {
        from.fetches(self.host, to)
    }

    /// It has to be, by all of them.
    pub(crate) fn reaches(&self, from: &Running, to: &Running) -> Result<()> {
        for address in &to.addresses {
            let fetched = from.fetched(self.host, address, PATIENCE);
            ensure!(fetched, "{} gets nothing from {address}", from.name);
        }
        Ok(())
    }

    /// It answers to echo requests, at all its addresses or at none; `wanted` says how long is waited for that.
    pub(crate) fn pings(&self, from: &Running, to: &Running, wanted: bool) -> Result<bool> {
        let seconds = if wanted { PATIENCE } else { SILENCE };
        let ping = ["ping", "-n", "-q", "-c", "1", "-W", seconds];
        all_or_none(to, |address| {
            from.succeeds(self.host, &[&ping[..], &[address]].concat())
        })
    }

    /// As [`nothing`].
    pub(crate) fn has_nothing(&self) -> Result<()> {
        nothing(&self.node)
    }
}

/// Nothing of any pod is on the node: links, namespaces, addresses, endpoints.
pub(crate) fn nothing(node: &Node) -> Result<()> {
    let links = node.ns.json("ip -j link show type veth")?;
    let links = links.as_array().context("links")?;
    let names: Vec<_> = links.iter().map(|link| &link["ifname"]).collect();
    ensure!(names.iter().all(|name| **name == "uplink"), "{names:?}");
    let namespaces = node.command("ls").arg("/run/netns").run()?;
    ensure!(namespaces.trim().is_empty(), "{namespaces}");
    let endpoints = node.endpoints();
    ensure!(endpoints.is_empty(), "{endpoints:?}");
    Ok(())
}

impl Running {
    /// What a process has on the pod's link.
    pub(crate) fn addresses_of(host: &Host, pid: u64) -> Result<Vec<String>> {
        let mut there = seen::addresses(host, pid)?;
        for one in &mut there {
            one.truncate(one.find('/').unwrap_or(one.len()));
        }
        Ok(there)
    }

    /// Its process is there.
    pub(crate) fn runs(&self) -> bool {
        Path::new("/proc").join(self.pid.to_string()).exists()
    }

    /// As [`Kubelet::fetches`].
    pub(crate) fn fetches(&self, host: &Host, to: &Running) -> Result<bool> {
        all_or_none(to, |address| self.fetched(host, address, SILENCE))
    }

    fn fetched(&self, host: &Host, address: &str, seconds: &str) -> bool {
        let url = match address.contains(':') {
            true => format!("http://[{address}]/"),
            false => format!("http://{address}/"),
        };
        self.succeeds(host, &["curl", "--silent", "--max-time", seconds, &url])
    }

    fn succeeds(&self, host: &Host, words: &[&str]) -> bool {
        let net = format!("--net=/proc/{}/ns/net", self.pid);
        host.sh(&[&["nsenter", &net][..], words].concat()).is_ok()
    }
}

fn all_or_none(to: &Running, reached: impl Fn(&String) -> bool) -> Result<bool> {
    let found: Vec<bool> = to.addresses.iter().map(reached).collect();
    let all = found.iter().all(|reached| *reached);
    let none = !found.iter().any(|reached| *reached);
    ensure!(all != none, "{} at {:?}: {found:?}", to.name, to.addresses);
    Ok(all)
}
