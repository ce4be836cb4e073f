//! Containers that say who they are.

use crate::overlay::stage::Pod;
use anyhow::Result;
use fairway_lab::{Cni, Ns, Value, json};
use fairway_tests_cluster::Bed;

/// What the runtime tells of a container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) pod: &'a str,
    pub(crate) labels: &'a [(&'a str, &'a str)],
}

impl Workload<'_> {
    /// As Kubernetes' runtimes tell who it is, and others its labels.
    pub(crate) fn tell(self, cni: Cni) -> Cni {
        let label = |(key, value): &(&str, &str)| json!({"key": key, "value": value});
        let labels: Vec<_> = self.labels.iter().map(label).collect();
        let mut config = cni.conf().clone();
        config["args"] = json!({"cni": {"labels": labels}});
        let Workload { namespace, pod, .. } = self;
        cni.config(config).args(format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={pod}"
        ))
    }
}

/// A container of a network; its id is `NAMESPACE-POD`.
pub(crate) fn add(bed: &Bed, node: usize, network: &str, who: Workload<'_>) -> Result<Pod> {
    let name = format!("{}-{}", who.namespace, who.pod);
    Pod::with(bed, node, &name, network, |cni| who.tell(cni))
}

/// A container of which no more is known than its namespace and name.
pub(crate) fn plain(bed: &Bed, node: usize, namespace: &str, pod: &str) -> Result<Pod> {
    let labels = &[];
    let who = Workload {
        namespace,
        pod,
        labels,
    };
    add(bed, node, "net", who)
}

/// What a plugin needs that asks no daemon for addresses: a type, a name, and what makes the addresses.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    /// All but the addresses.
    pub(crate) config: Value,
    /// They are of 10.`net`.0.0/24 and fd00:`net`::/64.
    pub(crate) net: u8,
    /// Do default routes lead there?
    pub(crate) default: bool,
}

impl Local {
    /// The plugin, for an interface of a namespace.
    pub(crate) fn cni(&self, bed: &Bed, ns: &Ns, ifname: &str, who: Workload<'_>) -> Cni {
        let Local { net, default, .. } = self;
        let mut config = self.config.clone();
        let kind = config["type"].as_str().unwrap_or_default().to_owned();
        let folder = bed.lab.scratch().join("host-local");
        let range = |subnet: String| json!([{ "subnet": subnet }]);
        let ranges = [
            range(format!("10.{net}.0.0/24")),
            range(format!("fd00:{net}::/64")),
        ];
        let routes = match default {
            true => json!([{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]),
            false => json!([]),
        };
        config["cniVersion"] = "1.1.0".into();
        config["ipam"] =
            json!({"type": "host-local", "dataDir": folder, "ranges": ranges, "routes": routes});
        let name = format!("{}-{}", who.namespace, who.pod);
        let cni = bed.node(1).cni(&kind).container(name).netns(ns);
        who.tell(cni.ifname(ifname).config(config))
    }

    /// A container on the first node.
    pub(crate) fn add(&self, bed: &Bed, who: Workload<'_>) -> Result<Pod> {
        let ns = bed.lab.container()?;
        let cni = self.cni(bed, &ns, "eth0", who);
        Pod::of(&format!("{}-{}", who.namespace, who.pod), ns, cni)
    }
}
