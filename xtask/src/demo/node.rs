//! A machine of the demo: a namespace with a daemon, and on some a member of the store.
//!
//! Processes die with the handle, with the namespace, and with this process, whichever goes first.

use crate::dist::Dist;
use anyhow::{Result, anyhow, bail};
use fairway_lab::{Cni, Guarded, Mounts, Ns, Value, json, poll};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A busy machine takes its time.
const SOON: Duration = Duration::from_secs(60);

/// See the module's head.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) ns: Ns,
    /// Its address on the wire, if there is one.
    pub(super) ip: String,
    dir: PathBuf,
    mounts: Mounts,
    dist: Dist,
    daemon: Option<Guarded>,
    member: Option<Guarded>,
}

/// A container that has, or had, addresses of the daemon.
pub(super) struct Pod {
    /// Its container's name for the runtime.
    pub(super) id: String,
    /// The pod's.
    pub(super) name: String,
    /// None once it is gone.
    pub(super) ns: Option<Ns>,
    pub(super) cni: Cni,
    pub(super) result: Value,
    /// IPv4 first.
    pub(super) addresses: Vec<String>,
}

impl Node {
    /// Its folder is made below `dir`.
    pub(super) fn new(ns: Ns, name: &str, dir: &Path, dist: &Dist) -> Result<Self> {
        for forward in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            ns.set_sysctl(forward, "1")?;
        }
        let dir = dir.join(name);
        std::fs::create_dir(&dir)?;
        Ok(Self {
            name: name.to_owned(),
            ns,
            ip: String::new(),
            dir,
            mounts: Mounts::new()?,
            dist: dist.clone(),
            daemon: None,
            member: None,
        })
    }

    /// Starts a member of an etcd cluster of these (name, address).
    pub(super) fn start_member(&mut self, cluster: &[(String, String)]) -> Result<()> {
        let client = format!("http://{}:2379", self.ip);
        let peer = format!("http://{}:2380", self.ip);
        let all = cluster.iter();
        let all: Vec<_> = all.map(|(n, ip)| format!("{n}=http://{ip}:2380")).collect();
        let mut command = self.ns.command("etcd").env_clear();
        let data = self.dir.join("etcd").display().to_string();
        for (flag, value) in [
            ("name", &self.name),
            ("data-dir", &data),
            ("listen-client-urls", &client),
            ("advertise-client-urls", &client),
            ("listen-peer-urls", &peer),
            ("initial-advertise-peer-urls", &peer),
            ("initial-cluster", &all.join(",")),
            ("log-level", &"warn".to_owned()),
        ] {
            command = command.arg(format!("--{flag}={value}"));
        }
        self.member = Some(command.spawn()?);
        Ok(())
    }

    /// Starts the daemon, or starts it again, and waits until it has its store.
    pub(super) fn start_daemon(&mut self, store: &str) -> Result<String> {
        let program = self.dist.bin.join("fairwayd");
        let command = self.ns.command("nsenter").arg(self.mounts.flag());
        let command = command.arg(program).args(["--node", &self.name]);
        let command = command.args(["--store", store, "--socket", &self.socket()]);
        let daemon = command.env("FAIRWAY_STATE_DIR", &self.dir).spawn()?;
        let daemon = self.daemon.insert(daemon);
        let mut ended = false;
        let netctl = self.dist.bin.join("netctl");
        let socket = self.dir.join("sock").display().to_string();
        let ask = self.ns.command(netctl).args(["--socket", &socket]);
        let ask = ask.args(["-o", "json", "status"]);
        let up = poll(SOON, "", || {
            ended = daemon.ended().is_some();
            ended || ask.json().is_ok_and(|info| info["connected"] == true)
        });
        match up {
            Ok(()) if !ended => Ok(format!("{} answers, its store is {store}", self.name)),
            _ => Err(anyhow!("{} does not start:\n{}", self.name, daemon.log())),
        }
    }

    /// SIGKILL to the daemon alone.
    pub(super) fn kill_daemon(&mut self) {
        self.daemon = None;
    }

    /// As when the plug is pulled: whatever runs there is gone at once, the wire is silent.
    pub(super) fn power_off(&mut self) -> Result<()> {
        self.daemon = None;
        self.member = None;
        self.ns.run("ip link set dev uplink down")?;
        Ok(())
    }

    fn socket(&self) -> String {
        self.dir.join("sock").display().to_string()
    }

    /// Writes a file; gives its path.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<String> {
        let path = self.dir.join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Runs netctl against this node's daemon; gives what it printed.
    pub(super) fn netctl(&self, line: &str) -> Result<String> {
        let program = self.dist.bin.join("netctl");
        let command = self.ns.command(program).args(["--socket", &self.socket()]);
        Ok(command.args(line.split(' ')).limit(SOON).run()?)
    }

    /// A fresh container gets a network of this type (ADD).
    pub(super) fn add(&self, kind: &str, id: &str, pod: &str) -> Result<(Pod, Duration)> {
        let ns = Ns::new(id)?;
        let mut config = match kind {
            "vxlan" => json!({
                "cniVersion": "1.1.0", "name": NETWORK, "type": kind, "network": NETWORK,
                "ipam": {"type": "fairway"},
            }),
            _ => json!({
                "cniVersion": "1.1.0", "name": "demo", "type": kind,
                // ptp knows no bridge, and reads over it.
                "bridge": BRIDGE, "isGateway": true,
                "ipam": {"type": "fairway", "pool": "demo"},
            }),
        };
        if [STICKY, MOVES].contains(&pod) {
            config["ipam"]["release"] = json!("on-app-delete");
        }
        let args = format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME={pod};\
             fairway.network/labels=container={id}"
        );
        let cni = Cni::new(&self.ns, &self.dist.cni, kind)
            .container(id)
            .netns(&ns)
            .config(config)
            .args(args)
            .env("FAIRWAY_SOCKET", self.socket())
            .env("FAIRWAY_STATE_DIR", self.dir.display().to_string());
        let outcome = cni.add()?;
        let result = outcome.ok()?;
        let ips = result["ips"].as_array().into_iter().flatten();
        let ips = ips.filter_map(|ip| ip["address"].as_str()?.split('/').next());
        let addresses: Vec<_> = ips.map(str::to_owned).collect();
        if addresses.len() != 2 {
            bail!("wanted one address of each family, got {addresses:?}");
        }
        let pod = Pod {
            id: id.to_owned(),
            name: pod.to_owned(),
            ns: Some(ns),
            cni,
            result,
            addresses,
        };
        Ok((pod, outcome.wall))
    }
}

/// The pod of a StatefulSet, which keeps its addresses.
pub(super) const STICKY: &str = "db-0";
/// Its claim.
pub(super) const CLAIM: &str = "shop/db-0";
/// The pod of a StatefulSet in the network of many nodes.
pub(super) const MOVES: &str = "cache-0";
/// The network of many nodes.
pub(super) const NETWORK: &str = "apps";
/// The bridge of containers with addresses of the daemon.
pub(super) const BRIDGE: &str = "fairway1";

impl Pod {
    /// Its namespace goes, as when its processes are killed; the runtime then says DEL.
    pub(super) fn killed(&mut self) -> Result<Duration> {
        self.ns = None;
        let outcome = self.cni.clone().netns_path(None).del(None)?;
        outcome.ok()?;
        Ok(outcome.wall)
    }

    /// DEL while it still runs.
    pub(super) fn leaves(&mut self) -> Result<Duration> {
        let outcome = self.cni.del(Some(&self.result))?;
        outcome.ok()?;
        self.ns = None;
        Ok(outcome.wall)
    }

    /// Its namespace, as long as it runs.
    pub(super) fn space(&self) -> Result<&Ns> {
        let gone = || anyhow!("{} is gone", self.id);
        self.ns.as_ref().ok_or_else(gone)
    }
}
