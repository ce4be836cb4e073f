//! A node with a wire, in few words.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_lab::{Cni, Lab, Ns, Value, json, plugin_dir, poll};

/// For what should come at once, on an emulated CPU.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// A node, and a machine behind its link `up0`.
pub(super) struct Bed {
    pub(super) lab: Lab,
    pub(super) machine: Ns,
}

impl Bed {
    /// With the machine's addresses 10.20.0.1 and fd20::1 on its `eth0`.
    pub(super) fn new() -> Result<Self> {
        Self::with("up0")
    }

    /// The same with another name for the node's link.
    pub(super) fn with(master: &str) -> Result<Self> {
        let lab = Lab::new()?;
        let machine = lab.machine("machine")?;
        lab.wire(lab.node(), master, &machine, "eth0")?;
        let bed = Self { lab, machine };
        bed.machine
            .sh("ip addr add 10.20.0.1/24 dev eth0; ip -6 addr add fd20::1/64 dev eth0 nodad")?;
        Ok(bed)
    }

    pub(super) fn node(&self) -> &Ns {
        self.lab.node()
    }

    /// host-local with both families.
    pub(super) fn ipam(&self) -> Value {
        let folder = self.lab.scratch().join("addresses");
        json!({"type": "host-local", "dataDir": folder,
               "ranges": [[{"subnet": "10.20.0.0/24"}], [{"subnet": "fd20::/64"}]]})
    }

    /// How many addresses are taken.
    pub(super) fn taken(&self) -> usize {
        let entries = std::fs::read_dir(self.lab.scratch().join("addresses/net"));
        let names = entries.into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.starts_with("10.") || name.starts_with("fd20"))
            .count()
    }

    /// A plugin for a container, with `up0` for a master, dual-stack, unless the keys say otherwise.
    pub(super) fn cni(&self, kind: &str, id: &str, ns: &Ns, keys: &Value) -> Cni {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": kind, "master": "up0",
                              "ipam": self.ipam()});
        for (key, value) in keys.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        let cni = Cni::new(self.node(), plugin_dir(), kind);
        cni.container(id).netns(ns).config(conf)
    }

    /// ADD and CHECK of a fresh container.
    pub(super) fn attach(&self, kind: &str, id: &str, keys: &Value) -> Result<(Ns, Cni, Value)> {
        let ns = self.lab.container()?;
        let cni = self.cni(kind, id, &ns, keys);
        let result = cni.add()?.ok()?;
        cni.check(&result)?.ok()?;
        Ok((ns, cni, result))
    }

    /// An ADD that is refused with this code and these first words, and leaves nothing.
    pub(super) fn refuses(&self, kind: &str, keys: &Value, code: u32, start: &str) -> Result<()> {
        let ns = self.lab.container()?;
        let taken = self.taken();
        let error = self.cni(kind, "refused", &ns, keys).add()?.fails(code)?;
        ensure!(error.msg.starts_with(start), "{error:?}");
        ensure!(!error.details.contains("left behind"), "{error:?}");
        let links = ns.json("ip -j link show")?;
        ensure!(
            links.as_array().is_some_and(|links| links.len() == 1),
            "{links}"
        );
        ensure!(
            self.taken() == taken,
            "{} addresses, {taken} before",
            self.taken()
        );
        Ok(())
    }
}

/// One link, as `ip -d` shows it.
pub(super) fn link(ns: &Ns, name: &str) -> Result<Value> {
    let links = ns.json(&format!("ip -j -d addr show dev {name}"))?;
    links.get(0).cloned().context("a link")
}

/// Waits until a ping gets an answer.
pub(super) fn reaches(ns: &Ns, address: &str) -> Result<()> {
    poll(SOON, &format!("{} reaches {address}", ns.name()), || {
        ns.run(&format!("ping -n -c 1 -W 1 {address}")).is_ok()
    })?;
    Ok(())
}
