//! A container with two interfaces, in few words.

use std::time::Duration;

use anyhow::{Context, Result};
use fairway_lab::{Cni, Lab, Ns, Value, json, plugin_dir, poll};

/// For what should come at once, on an emulated CPU.
const SOON: Duration = Duration::from_secs(60);

/// A node, and a container on two bridges.
pub(super) struct Bed {
    pub(super) lab: Lab,
    pub(super) ns: Ns,
    /// Of `eth0` and `net1`.
    pub(super) results: [Value; 2],
}

impl Bed {
    pub(super) fn new(version: &str) -> Result<Self> {
        let lab = Lab::new()?;
        let ns = lab.container()?;
        let attach = |ifname: &str, number: u32| -> Result<Value> {
            let folder = lab.scratch().join("addresses");
            let conf = json!({
                "cniVersion": version, "name": format!("net{number}"), "type": "bridge",
                "bridge": format!("br{number}"), "isGateway": true,
                "ipam": {"type": "host-local", "dataDir": folder,
                         "ranges": [[{"subnet": format!("10.2{number}.0.0/24")}],
                                    [{"subnet": format!("fd2{number}::/64")}]],
                         "routes": [{"dst": format!("10.9{number}.0.0/16")}, {"dst": format!("fd9{number}::/48")}]},
            });
            let cni = Cni::new(lab.node(), plugin_dir(), "bridge").container("c1");
            Ok(cni.netns(&ns).ifname(ifname).config(conf).add()?.ok()?)
        };
        let results = [attach("eth0", 0)?, attach("net1", 1)?];
        Ok(Self { lab, ns, results })
    }

    /// The plugin behind interface number `at`.
    pub(super) fn cni(&self, dir: &std::path::Path, at: usize, keys: &Value) -> Cni {
        let prev = &self.results[at];
        let mut conf = json!({
            "cniVersion": prev["cniVersion"], "name": format!("net{at}"), "type": "vrf",
            "vrfname": "red", "prevResult": prev,
        });
        for (key, value) in keys.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        let cni = Cni::new(self.lab.node(), dir, "vrf").container("c1");
        cni.netns(&self.ns)
            .ifname(["eth0", "net1"][at])
            .config(conf)
    }

    /// Ours.
    pub(super) fn ours(&self, at: usize, keys: &Value) -> Cni {
        self.cni(&plugin_dir(), at, keys)
    }

    /// Links, and routes of a table, as `ip` shows them.
    pub(super) fn shown(&self, table: u32) -> Result<String> {
        Ok(self.ns.sh(&format!(
            "ip -o link | grep -o '^[^<]*\\|master [a-z0-9]*'
             ip -o addr show scope global | awk '{{print $2, $3, $4}}' | sort
             ip route show table {table} | grep -v fe80 | sort
             ip -6 route show table {table} | grep -v 'fe80\\|ff00\\|anycast' | sort"
        ))?)
    }

    /// Waits until a ping by the VRF gets an answer.
    pub(super) fn reaches(&self, vrf: &str, address: &str) -> Result<()> {
        poll(SOON, &format!("{vrf} reaches {address}"), || {
            let line = format!("ping -n -c 1 -W 1 -I {vrf} {address}");
            self.ns.run(&line).is_ok()
        })?;
        Ok(())
    }
}

/// A link, as `ip -d` shows it.
pub(super) fn link(ns: &Ns, name: &str) -> Result<Value> {
    let links = ns.json(&format!("ip -j -d link show dev {name}"))?;
    links.get(0).cloned().context("a link")
}
