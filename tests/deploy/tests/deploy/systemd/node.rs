//! A node that has booted, with our packages on it and containers.

use anyhow::{Result, ensure};
use fairway_lab::{Value, json, poll, serde_json};
use fairway_tests_deploy::{Booted, packages};
use std::fs;
use std::ops::Deref;
use std::time::Duration;

pub(crate) const UNIT: &str = "fairwayd";

/// What the daemon may take to come back, on a machine that builds something meanwhile.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Node(Booted);

impl Deref for Node {
    type Target = Booted;

    fn deref(&self) -> &Booted {
        &self.0
    }
}

impl Node {
    /// Booted, with a link to other machines; the packages lie there.
    pub(crate) fn new() -> Result<Self> {
        let node = Self(Booted::debian()?);
        for line in [
            "ip link add eth0 type veth peer name wire",
            "ip link set eth0 up",
            "ip link set wire up",
            "ip address add 192.0.2.1/24 dev eth0",
        ] {
            node.ns.run(line)?;
        }
        let [plugins, daemon] = packages("deb")?;
        node.bring(&plugins, "/tmp/plugins.deb")?;
        node.bring(&daemon, "/tmp/daemon.deb")?;
        Ok(node)
    }

    /// With the packages installed. There, the daemon answers at once: nothing waits for it here.
    pub(crate) fn installed() -> Result<Self> {
        let node = Self::new()?;
        node.install()?;
        node.netctl("pool ls")?;
        Ok(node)
    }

    /// Nothing of it stays.
    pub(crate) fn end(self) -> Result<()> {
        self.0.end()
    }

    pub(crate) fn install(&self) -> Result<()> {
        self.dpkg(&[
            "--force-confold",
            "--install",
            "/tmp/plugins.deb",
            "/tmp/daemon.deb",
        ])
    }

    /// Without syncing each file, and without the packages whose files the tar has.
    pub(crate) fn dpkg(&self, args: &[&str]) -> Result<()> {
        let mut line = vec!["dpkg", "--force-unsafe-io", "--force-depends"];
        line.extend(args);
        self.run(&line).map(drop)
    }

    pub(crate) fn netctl(&self, line: &str) -> Result<String> {
        let words: Vec<_> = ["netctl"].into_iter().chain(line.split(' ')).collect();
        self.run(&words)
    }

    /// What is on the node's screen: the unit as it stands, and the daemon's last words.
    pub(crate) fn screen(&self) -> String {
        let output = self.output(&["systemctl", "status", "--no-pager", "--lines=40", UNIT]);
        output.map(|output| output.stdout).unwrap_or_default()
    }

    pub(crate) fn state(&self) -> Result<String> {
        self.property(UNIT, "ActiveState")
    }

    /// The daemon's process, while there is one.
    pub(crate) fn process(&self) -> Result<u32> {
        Ok(self.property(UNIT, "MainPID")?.parse()?)
    }

    /// Waits until another process than this one is there, and has said that it answers.
    pub(crate) fn renewed(&self, old: u32) -> Result<()> {
        let other = || Some((self.process().ok()?, self.state().ok()?));
        let up = poll(SOON, "another daemon is active", || {
            other().is_some_and(|(now, state)| now != 0 && now != old && state == "active")
        });
        ensure!(up.is_ok(), "{old}: {}", self.screen());
        self.netctl("pool ls").map(drop)
    }

    /// A plugin, called as a runtime does it: by its name, in the folder where Debian's runtimes look.
    pub(crate) fn cni(&self, verb: &str, id: &str, conf: &Value) -> Result<Value> {
        let kind = conf["type"].as_str().unwrap_or_default();
        let args = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME={id}");
        let line = [
            "env".to_owned(),
            format!("CNI_COMMAND={verb}"),
            format!("CNI_CONTAINERID={id}"),
            format!("CNI_NETNS=/run/netns/{id}"),
            "CNI_IFNAME=eth0".to_owned(),
            format!("CNI_ARGS={args}"),
            "CNI_PATH=/usr/lib/cni".to_owned(),
            format!("/usr/lib/cni/{kind}"),
        ];
        let line: Vec<_> = line.iter().map(String::as_str).collect();
        let output = self.fed(&line, &conf.to_string())?;
        ensure!(
            output.status.success(),
            "{verb} {id}: {} {}",
            output.stdout,
            self.screen()
        );
        Ok(serde_json::from_str(&output.stdout).unwrap_or_default())
    }

    /// Makes a container and attaches it; gives what ADD says.
    pub(crate) fn add(&self, id: &str, conf: &Value) -> Result<Value> {
        self.run(&["ip", "netns", "add", id])?;
        self.cni("ADD", id, conf)
    }

    /// CHECK of an attachment, with what its ADD has said.
    pub(crate) fn check(&self, id: &str, conf: &Value, added: &Value) -> Result<()> {
        let mut conf = conf.clone();
        conf["prevResult"] = added.clone();
        self.cni("CHECK", id, &conf).map(drop)
    }

    pub(crate) fn del(&self, id: &str, conf: &Value) -> Result<()> {
        self.cni("DEL", id, conf)?;
        self.run(&["ip", "netns", "delete", id]).map(drop)
    }

    /// Does a container get an answer from an address?
    pub(crate) fn reaches(&self, id: &str, address: &str) -> Result<bool> {
        let ping = [
            "ip", "netns", "exec", id, "ping", "-c1", "-W1", "-n", address,
        ];
        Ok(self.output(&ping)?.status.success())
    }

    /// Folders that are to be as before when all is gone.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let script = "find /etc /usr /var/lib /run/fairway /sys/fs/bpf -printf '%y %p\\n' 2> /dev/null | \
            grep -v ' /var/lib/dpkg\\| /var/lib/systemd/' | sort";
        let listed = self.run(&["sh", "-c", script])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Writes the daemon's settings.
    pub(crate) fn settings(&self, text: &str) -> Result<()> {
        Ok(fs::write(self.path("/etc/fairway/fairwayd.toml"), text)?)
    }
}

/// A container's first address, without its length.
pub(crate) fn address(added: &Value) -> Result<String> {
    let text = added["ips"][0]["address"].as_str().unwrap_or_default();
    let address = text.split('/').next().unwrap_or_default();
    ensure!(!address.is_empty(), "no address: {added}");
    Ok(address.to_owned())
}

/// A bridge of the node's, with addresses of the daemon's.
pub(crate) fn bridge() -> Value {
    json!({"cniVersion": "1.0.0", "name": "pods", "type": "bridge", "bridge": "pods0",
           "isDefaultGateway": true, "ipam": {"type": "fairway", "pool": "pods"}})
}

/// A network of the daemon's, with policy and a rate.
pub(crate) fn network() -> Value {
    json!({"cniVersion": "1.0.0", "name": "apps", "type": "vxlan", "network": "apps", "policy": true,
           "bandwidth": {"ingressRate": 100_000_000, "ingressBurst": 1_000_000},
           "ipam": {"type": "fairway"}})
}
