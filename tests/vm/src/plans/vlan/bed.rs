//! A node with containers on a bridge, in few words.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use fairway_lab::{Cni, Lab, Ns, Value, json, plugin_dir, poll, reference_dir};

use super::state::vlan_list;

/// The bridge of all configs here.
pub(super) const BRIDGE: &str = "br0";
/// For what should come at once, on an emulated CPU.
const SOON: Duration = Duration::from_secs(60);

/// A lab, and the folder of the plugins that work in it.
pub(super) struct Bed {
    pub(super) lab: Lab,
    plugins: PathBuf,
    attached: Cell<u32>,
}

/// A container and the ADD that connected it.
pub(super) struct Container {
    pub(super) ns: Ns,
    pub(super) cni: Cni,
    pub(super) result: Value,
}

impl Bed {
    /// With our plugins.
    pub(super) fn new() -> Result<Self> {
        Self::of(plugin_dir())
    }

    /// With the reference's.
    pub(super) fn reference() -> Result<Self> {
        Self::of(reference_dir())
    }

    fn of(plugins: PathBuf) -> Result<Self> {
        Ok(Self {
            lab: Lab::new()?,
            plugins,
            attached: Cell::new(0),
        })
    }

    pub(super) fn node(&self) -> &Ns {
        self.lab.node()
    }

    /// The value of `ipam`: host-local with a range per subnet.
    pub(super) fn ipam(&self, subnets: &[&str]) -> Value {
        let ranges: Vec<_> = subnets.iter().map(|s| json!([{"subnet": s}])).collect();
        let folder = self.lab.scratch().join("addresses");
        json!({"type": "host-local", "dataDir": folder, "ranges": ranges})
    }

    /// The addresses that are taken, by the files that say so.
    pub(super) fn taken(&self) -> Result<Vec<String>> {
        let folder = self.lab.scratch().join("addresses/net");
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let names = std::fs::read_dir(folder)?.map(|e| Ok(e?.file_name()));
        let names: Result<Vec<_>> = names.collect();
        let mut names: Vec<String> = names?
            .into_iter()
            .map(|n| n.to_string_lossy().into_owned())
            .filter(|n| n.starts_with(|c: char| c.is_ascii_hexdigit()))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The plugin, about to connect a new container with these keys.
    pub(super) fn plugin(&self, keys: &Value) -> Result<(Ns, Cni)> {
        let number = self.attached.get() + 1;
        self.attached.set(number);
        let mut config = json!({
            "cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": BRIDGE,
        });
        for (key, value) in keys.as_object().context("keys are an object")? {
            config[key] = value.clone();
        }
        let ns = self.lab.container()?;
        let cni = Cni::new(self.node(), &self.plugins, "bridge");
        let cni = cni.container(format!("c{number}")).netns(&ns);
        Ok((ns, cni.config(config)))
    }

    /// Connects a new container with these keys.
    pub(super) fn attach(&self, keys: &Value) -> Result<Container> {
        let (ns, cni) = self.plugin(keys)?;
        let result = cni.add()?.ok()?;
        Ok(Container { ns, cni, result })
    }

    /// What the port carries, as [`vlans`] words it.
    pub(super) fn port_vlans(&self, of: &Container) -> Result<String> {
        vlans(self.node(), of.port()?)
    }
}

impl Container {
    /// The name of interface number `at` in the result.
    pub(super) fn interface(&self, at: usize) -> Result<&str> {
        let name = self.result["interfaces"][at]["name"].as_str();
        name.with_context(|| format!("no interface {at} in {}", self.result))
    }

    /// The container's port on the bridge.
    pub(super) fn port(&self) -> Result<&str> {
        self.interface(1)
    }

    /// Address number `at` in the result, without the prefix length.
    pub(super) fn address(&self, at: usize) -> Result<&str> {
        let address = self.result["ips"][at]["address"].as_str();
        let address = address.with_context(|| format!("no address {at} in {}", self.result))?;
        Ok(address.split('/').next().unwrap_or(address))
    }

    /// Gives the container an 802.1q interface on eth0, with an address.
    pub(super) fn tagged(&self, vlan: u16, address: &str) -> Result<()> {
        let link = format!("eth0.{vlan}");
        let add = format!("ip link add link eth0 name {link} type vlan id {vlan}");
        self.ns.run(&add)?;
        self.ns.addr(&link, address)?;
        Ok(self.ns.up(&link)?)
    }
}

/// The VLANs of a port as `bridge vlan` shows them: `1 pvid untagged, 100`.
pub(super) fn vlans(node: &Ns, port: &str) -> Result<String> {
    let ports = node.json(&format!("bridge -j vlan show dev {port}"))?;
    Ok(vlan_list(&ports[0]["vlans"]))
}

/// Does the bridge filter by VLAN?
pub(super) fn filters(node: &Ns) -> Result<bool> {
    let link = node.json(&format!("ip -j -d link show dev {BRIDGE}"))?;
    Ok(link[0]["linkinfo"]["info_data"]["vlan_filtering"] == 1)
}

/// An answer must come, soon.
pub(super) fn answers(from: &Ns, to: &str) -> Result<()> {
    let ping = from.command("ping").args(["-n", "-c", "1", "-W", "1", to]);
    let what = format!("{to} answers {}", from.name());
    let answered = || ping.output().is_ok_and(|o| o.status.success());
    Ok(poll(SOON, &what, answered)?)
}

/// No answer may come, though it is waited for.
pub(super) fn is_silent(from: &Ns, to: &str) -> Result<()> {
    let ping = from.command("ping");
    let ping = ping.args(["-n", "-c", "3", "-i", "0.3", "-w", "2", to]);
    let output = ping.output()?;
    let name = from.name();
    anyhow::ensure!(
        output.stdout.contains(" 0 received"),
        "{to} answers {name}, and must not:\n{}",
        output.stdout
    );
    Ok(())
}
