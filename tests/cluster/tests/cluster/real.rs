//! Containers that are really there: a namespace, wired to its node by the bridge plugin.

use anyhow::{Context, Result, ensure};
use fairway_api::ipam::Attachment;
use fairway_lab::{Cni, Ns, Outcome, Value, json};
use fairway_tests_cluster::{Bed, Daemon, attachment};
use std::net::IpAddr;

/// One container; it lives as long as its namespace is held.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) ns: Ns,
    pub(crate) cni: Cni,
    pub(crate) who: Attachment,
    pub(crate) result: Value,
}

/// The plugin as a runtime would call it for this container; `ipam` is added to `type: fairway`.
pub(crate) fn plugin(daemon: &Daemon, name: &str, ns: Option<&Ns>, ipam: &Value) -> Cni {
    let mut own = json!({"type": "fairway", "pool": "p"});
    for (key, value) in ipam.as_object().into_iter().flatten() {
        own[key] = value.clone();
    }
    let config = json!({"cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "cni0",
                        "isGateway": true, "ipam": own});
    let cni = daemon.cni("bridge").container(name).config(config);
    match ns {
        Some(ns) => cni.netns(ns),
        None => cni,
    }
}

impl Container {
    /// ADD with nothing said about the workload.
    pub(crate) fn add(bed: &Bed, daemon: &Daemon, name: &str) -> Result<Self> {
        Self::with(bed, daemon, name, &json!({}))
    }

    /// ADD with these keys below `ipam`.
    pub(crate) fn with(bed: &Bed, daemon: &Daemon, name: &str, ipam: &Value) -> Result<Self> {
        let ns = bed.lab.container()?;
        let cni = plugin(daemon, name, Some(&ns), ipam);
        let result = cni.add()?.ok().with_context(|| format!("ADD of {name}"))?;
        let who = attachment(name);
        Ok(Self {
            ns,
            cni,
            who,
            result,
        })
    }

    /// What its ADD said.
    pub(crate) fn given(&self) -> Result<Vec<IpAddr>> {
        let ips = self.result["ips"]
            .as_array()
            .context("a result without ips")?;
        let ip = |ip: &Value| -> Result<IpAddr> {
            let text = ip["address"].as_str().context("an address")?;
            Ok(text.split('/').next().unwrap_or(text).parse()?)
        };
        let mut given = ips.iter().map(ip).collect::<Result<Vec<_>>>()?;
        given.sort_unstable();
        Ok(given)
    }

    /// What the kernel shows on its `eth0`.
    pub(crate) fn shown(&self) -> Result<Vec<IpAddr>> {
        let links = self.ns.json("ip -j addr show dev eth0 scope global")?;
        let infos = links[0]["addr_info"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        // Of an address that is filtered out, `ip` leaves an empty object.
        let locals = infos.iter().filter_map(|info| info["local"].as_str());
        let mut shown = locals.map(str::parse).collect::<Result<Vec<IpAddr>, _>>()?;
        shown.sort_unstable();
        Ok(shown)
    }

    /// It has what it was given, says the kernel, and the daemon's CHECK says so too.
    pub(crate) fn whole(&self) -> Result<()> {
        let (given, shown) = (self.given()?, self.shown()?);
        ensure!(
            given == shown,
            "{:?} was given {given:?}, the kernel shows {shown:?}",
            self.who
        );
        let checked = self.cni.check(&self.result)?;
        checked
            .ok()
            .with_context(|| format!("CHECK of {:?}", self.who))?;
        Ok(())
    }

    /// Does it reach its node?
    pub(crate) fn reaches_out(&self) -> bool {
        let gateway = self.result["ips"][0]["gateway"]
            .as_str()
            .unwrap_or_default();
        self.ns.run(&format!("ping -c 1 -W 2 {gateway}")).is_ok()
    }

    /// DEL.
    pub(crate) fn del(&self) -> Result<Outcome> {
        Ok(self.cni.del(Some(&self.result))?)
    }
}
