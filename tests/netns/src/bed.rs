//! A node, its plugins' configurations, and the folder of addresses.

use crate::{FakeDaemon, Member, ensure};
use fairway_lab::{Cni, Lab, Ns, Result, Value, json, plugin_dir};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A node to attach containers to.
#[derive(Debug)]
pub struct Bed {
    daemon: Mutex<Option<FakeDaemon>>,
    lab: Lab,
}

/// Which addresses a container gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// 10.1.0.0/24.
    V4,
    /// fd00:1::/64.
    V6,
    /// Both.
    Dual,
}

impl Families {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Dual];

    /// With an IPv4 address?
    pub fn v4(self) -> bool {
        self != Self::V6
    }

    /// With an IPv6 address?
    pub fn v6(self) -> bool {
        self != Self::V4
    }

    /// `ipam.ranges`.
    pub fn ranges(self) -> Value {
        let v4 = self.v4().then(|| json!([{"subnet": "10.1.0.0/24"}]));
        let v6 = self.v6().then(|| json!([{"subnet": "fd00:1::/64"}]));
        v4.into_iter().chain(v6).collect()
    }
}

impl Bed {
    /// A node on which new links have their IPv6 addresses at once (no duplicate address detection),
    /// since it would cost each test two seconds.
    ///
    /// # Errors
    /// Without root.
    pub fn new() -> Result<Self> {
        let bed = Self::as_it_is()?;
        bed.node().set_sysctl("ipv6/conf/default/accept_dad", "0")?;
        Ok(bed)
    }

    /// A node with the kernel's defaults.
    ///
    /// # Errors
    /// Without root, and where the plugins have not been built.
    pub fn as_it_is() -> Result<Self> {
        let dir = plugin_dir();
        let hint = format!(
            "plugins in {}: `cargo xtask dist` builds them",
            dir.display()
        );
        ensure(dir.join("bridge").exists(), hint)?;
        Ok(Self {
            daemon: Mutex::default(),
            lab: Lab::new()?,
        })
    }

    /// The node.
    pub fn node(&self) -> &Ns {
        self.lab.node()
    }

    /// The lab beneath.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// A folder that goes with the test.
    pub fn scratch(&self) -> &Path {
        self.lab.scratch()
    }

    /// `ipam.dataDir`.
    pub fn data(&self) -> PathBuf {
        self.scratch().join("networks")
    }

    /// Where the plugins look for the daemon.
    pub fn socket(&self) -> PathBuf {
        self.scratch().join("fairwayd.sock")
    }

    /// Where they leave records for one that is not there.
    pub fn records(&self) -> PathBuf {
        self.scratch().join("state")
    }

    /// Starts what stands for the daemon, unless it runs.
    ///
    /// # Errors
    /// Where its socket cannot be made.
    pub fn start_daemon(&self) -> Result {
        let mut daemon = self.lock();
        if daemon.is_none() {
            *daemon = Some(FakeDaemon::start(&self.socket(), self.node())?);
        }
        Ok(())
    }

    /// Asks or tells the daemon something; nothing comes of it where none has been started.
    pub fn daemon<T: Default>(&self, f: impl FnOnce(&mut FakeDaemon) -> T) -> T {
        self.lock().as_mut().map(f).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<FakeDaemon>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// host-local with these addresses.
    pub fn ipam(&self, families: Families) -> Value {
        json!({"type": "host-local", "dataDir": self.data(), "ranges": families.ranges()})
    }

    /// A configuration of version 1.1.0, name `net`, bridge `br0` and dual-stack host-local, or (`vxlan`)
    /// network `apps` and the daemon's addresses; `extra`
    /// overwrites keys, and a `null` in it takes one away.
    pub fn conf(&self, kind: &str, extra: Value) -> Value {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": kind});
        if kind == "bridge" {
            conf["bridge"] = json!("br0");
        }
        if kind == "vxlan" {
            conf["network"] = json!("apps");
            conf["ipam"] = json!({"type": "fairway"});
        } else if kind != "loopback" {
            conf["ipam"] = self.ipam(Families::Dual);
        }
        merge(conf, extra)
    }

    /// `multi`: the network `net`, a bridge, for `eth0`, and `far`, which is ptp, for who asks; `networks` is the
    /// annotation. Both are dual-stack and set default routes.
    pub fn multi(&self, networks: &str) -> Value {
        let far = json!({"type": "host-local", "dataDir": self.data(),
            "ranges": [[{"subnet": "10.2.0.0/24"}], [{"subnet": "fd00:2::/64"}]],
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]});
        let delegates = [
            self.conf("bridge", json!({"isDefaultGateway": true})),
            json!({"cniVersion": "1.1.0", "name": "far", "plugins": [
                {"type": "ptp", "ipam": far, "capabilities": {"ips": true}},
                {"type": "bandwidth", "capabilities": {"bandwidth": true}},
            ]}),
        ];
        json!({
            "cniVersion": "1.1.0", "name": "multi", "type": "multi",
            "delegates": delegates, "defaultNetworks": [],
            "confDir": self.scratch().join("net.d"), "stateDir": self.remembered(),
            "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
        })
    }

    /// Where `multi` keeps what containers have.
    pub fn remembered(&self) -> PathBuf {
        self.scratch().join("multi")
    }

    /// Of which containers it keeps something, sorted.
    pub fn records_of_multi(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.remembered().join("multi"));
        let names = entries.into_iter().flatten().flatten();
        let mut names: Vec<_> = names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A fresh namespace as a runtime hands it to a plugin.
    ///
    /// # Errors
    /// Without root.
    pub fn container(&self) -> Result<Ns> {
        self.lab.container()
    }

    /// The plugin that the configuration names, ours, for that container.
    pub fn cni(&self, id: &str, ns: &Ns, conf: &Value) -> Cni {
        self.cni_in(&plugin_dir(), id, ns, conf)
    }

    /// The same with the plugins of another folder.
    pub fn cni_in(&self, dir: &Path, id: &str, ns: &Ns, conf: &Value) -> Cni {
        let kind = conf["type"].as_str().unwrap_or_default();
        let cni = Cni::new(self.node(), dir, kind);
        let cni = cni.container(id).netns(ns).config(conf.clone());
        let asked = self.lock().is_some();
        match kind {
            // Mesos passes no more than the rest gets: a variable that nobody reads is not set.
            "vxlan" | "bridge" | "ptp" | "bandwidth" | "macvlan" | "tap" | "host-device"
            | "multi"
                if asked || kind == "vxlan" =>
            {
                cni.env("FAIRWAY_SOCKET", self.socket().display().to_string())
                    .env("FAIRWAY_STATE_DIR", self.records().display().to_string())
            }
            _ => cni,
        }
    }

    /// Attaches a fresh container: ADD must succeed.
    ///
    /// # Errors
    /// Where it does not.
    pub fn add(&self, id: &str, conf: &Value) -> Result<Member> {
        let ns = self.container()?;
        let cni = self.cni(id, &ns, conf);
        Member::add(ns, cni)
    }

    /// A machine behind the node: 192.0.2.2 and fd00:9::2 there, 192.0.2.1 and fd00:9::1 on the node's
    /// `up0`. It has no route to any container, so only what is masqueraded gets an answer.
    ///
    /// # Errors
    /// Where the wire cannot be laid.
    pub fn outside(&self) -> Result<Ns> {
        let outside = self.lab.machine("outside")?;
        self.lab.wire(self.node(), "up0", &outside, "eth0")?;
        for (ns, link, end) in [(self.node(), "up0", 1), (&outside, "eth0", 2)] {
            ns.addr(link, &format!("192.0.2.{end}/24"))?;
            ns.addr(link, &format!("fd00:9::{end}/64"))?;
        }
        Ok(outside)
    }

    /// The addresses that have a file, or that the daemon has given out, sorted; other than that, a network's folder may hold only the lock,
    /// the notes of what was given out last, and the one name under which such a note is prepared (a kill
    /// leaves it for the next ADD to overwrite).
    pub fn held(&self, network: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.data().join(network));
        let names = entries.into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let given = self.daemon(|daemon| daemon.held());
        let mut names: Vec<_> = names
            .chain(given)
            .filter(|name| !["lock", ".fairway-new"].contains(&name.as_str()))
            .filter(|name| !name.starts_with("last_reserved_ip."))
            .collect();
        names.sort();
        names
    }
}

fn merge(mut conf: Value, extra: Value) -> Value {
    if let (Value::Object(conf), Value::Object(extra)) = (&mut conf, extra) {
        for (key, value) in extra {
            match value {
                Value::Null => conf.remove(&key),
                value => conf.insert(key, value),
            };
        }
    }
    conf
}
