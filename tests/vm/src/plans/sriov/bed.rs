//! A node with a card of seven virtual functions, and a machine on its wire.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_lab::{Cni, Lab, Ns, Value, json, plugin_dir, poll};

/// For what should come soon, on an emulated CPU.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// How many virtual functions the card has.
pub(super) const FUNCTIONS: u32 = 7;
/// Where the plugin keeps who has what.
pub(super) const STATE: &str = "/var/lib/cni/fairway-sriov";

const CARD: &str = "52:54:00:aa:00:01";
const OUTSIDE: &str = "52:54:00:aa:00:02";

/// The guest itself is the node: that is where the kernel puts back what has lost its namespace.
pub(super) struct Bed {
    pub(super) lab: Lab,
    pub(super) node: Ns,
    /// The machine on the wire, with 10.20.0.1 and fd20::1.
    pub(super) outside: Ns,
    /// Its link.
    pub(super) outside_link: String,
    /// The physical function's link.
    pub(super) pf: String,
}

impl Bed {
    /// With fresh virtual functions, of which the outside is reached.
    pub(super) fn new() -> Result<Self> {
        let node = Ns::host()?;
        let lab = Lab::new()?;
        let outside = lab.machine("outside")?;
        let pf = by_mac(&node, CARD)?;
        poll(SOON, "the outside's card", || {
            by_mac(&node, OUTSIDE).is_ok()
        })?;
        let outside_link = by_mac(&node, OUTSIDE)?;
        node.sh(&format!("ip link set {pf} up"))?;
        poll(SOON, "the card's carrier", || {
            std::fs::read_to_string(format!("/sys/class/net/{pf}/carrier"))
                .is_ok_and(|text| text == "1\n")
        })?;
        let bed = Self {
            lab,
            node,
            outside,
            outside_link,
            pf,
        };
        bed.fresh()?;
        bed.node.sh(&format!("rm -rf {STATE}"))?;
        let (path, link) = (bed.outside.path(), &bed.outside_link);
        bed.node
            .sh(&format!("ip link set {link} netns {}", path.display()))?;
        bed.outside.sh(&format!(
            "ip link set {link} up; ip addr add 10.20.0.1/24 dev {link}; ip -6 addr add fd20::1/64 dev {link} nodad"
        ))?;
        Ok(bed)
    }

    /// Takes the virtual functions away and makes them anew.
    fn fresh(&self) -> Result<()> {
        let device = format!("/sys/class/net/{}/device", self.pf);
        self.node.sh(&format!(
            "echo 0 > {device}/sriov_numvfs; echo {FUNCTIONS} > {device}/sriov_numvfs"
        ))?;
        for n in 0..FUNCTIONS {
            poll(SOON, "a virtual function's link", || {
                self.link_of(n).is_some()
            })?;
        }
        Ok(())
    }

    /// A virtual function's address on the bus.
    pub(super) fn address(&self, n: u32) -> Result<String> {
        let link = format!("/sys/class/net/{}/device/virtfn{n}", self.pf);
        let target = std::fs::read_link(&link).context(link)?;
        let name = target.file_name().context("an address")?;
        Ok(name.to_string_lossy().into_owned())
    }

    /// The name that a virtual function's link has on the node; none while it is elsewhere.
    pub(super) fn link_of(&self, n: u32) -> Option<String> {
        let folder = format!("/sys/class/net/{}/device/virtfn{n}/net", self.pf);
        let mut entries = std::fs::read_dir(folder).ok()?.flatten();
        Some(entries.next()?.file_name().to_string_lossy().into_owned())
    }

    /// What the physical function says of one, by `ip`.
    pub(super) fn vf(&self, n: u32) -> Result<Value> {
        let links = self.node.json("ip -j -d link show")?;
        vf_in(&links, &self.pf, n)
    }

    /// All that there is of the virtual functions on the node.
    pub(super) fn all(&self) -> Result<Vec<Value>> {
        let links = self.node.json("ip -j -d link show")?;
        let one = |n: u32| -> Result<Value> {
            let name = self.link_of(n);
            let name = name.with_context(|| format!("function {n} is lost"))?;
            let link = named(&links, &name)?;
            let up = link["flags"].to_string().contains("\"UP\"");
            Ok(
                json!({"name": name, "mac": link["address"], "mtu": link["mtu"], "alias": link["ifalias"],
                      "up": up, "vf": vf_in(&links, &self.pf, n)?}),
            )
        };
        (0..FUNCTIONS).map(one).collect()
    }

    /// Nothing is claimed, and no address is taken.
    pub(super) fn is_clean(&self) -> Result<()> {
        let names = |folder: &Path, end: &str| -> Vec<String> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| name.ends_with(end)).collect()
        };
        let claims = names(Path::new(STATE), ".json");
        ensure!(claims.is_empty(), "claimed: {claims:?}");
        let mut taken = names(&self.lab.scratch().join("addresses/net"), "");
        taken.retain(|name| name.starts_with("10.") || name.starts_with("fd20"));
        ensure!(taken.is_empty(), "taken: {taken:?}");
        Ok(())
    }

    /// Addresses of both families.
    pub(super) fn both(&self) -> Value {
        let folder = self.lab.scratch().join("addresses");
        json!({"type": "host-local", "dataDir": folder,
               "ranges": [[{"subnet": "10.20.0.0/24"}], [{"subnet": "fd20::/64"}]]})
    }

    /// The plugin for a container, of IPv4 alone, for nobody waits for duplicate addresses then; one of the card's functions unless the keys say which.
    pub(super) fn cni(&self, id: &str, ns: &Ns, keys: &Value) -> Cni {
        let folder = self.lab.scratch().join("addresses");
        let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov",
            "ipam": {"type": "host-local", "dataDir": folder, "ranges": [[{"subnet": "10.20.0.0/24"}]]}});
        if keys.get("deviceID").is_none() {
            conf["pf"] = json!(self.pf);
        }
        for (key, value) in keys.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        let cni = Cni::new(&self.node, plugin_dir(), "sriov");
        cni.container(id).netns(ns).config(conf)
    }

    /// ADD and CHECK of a fresh container.
    pub(super) fn attach(&self, id: &str, keys: &Value) -> Result<(Ns, Cni, Value)> {
        let ns = self.lab.container()?;
        let cni = self.cni(id, &ns, keys);
        let result = cni.add()?.ok()?;
        cni.check(&result)?.ok()?;
        Ok((ns, cni, result))
    }
}

fn named<'a>(links: &'a Value, name: &str) -> Result<&'a Value> {
    let mut all = links.as_array().into_iter().flatten();
    let found = all.find(|link| link["ifname"] == name);
    found.with_context(|| format!("no link {name}"))
}

fn vf_in(links: &Value, pf: &str, n: u32) -> Result<Value> {
    let mut vf = named(links, pf)?["vfinfo_list"][n as usize].clone();
    ensure!(vf["vf"] == n, "{links}");
    vf.as_object_mut().map(|vf| vf.remove("stats"));
    Ok(vf)
}

/// The link with this permanent address.
fn by_mac(ns: &Ns, mac: &str) -> Result<String> {
    let links = ns.json("ip -j link show")?;
    let links = links.as_array().cloned().unwrap_or_default();
    let found = links.iter().find(|link| link["address"] == mac);
    let name = found.and_then(|link| link["ifname"].as_str());
    Ok(name
        .with_context(|| format!("no link has {mac}"))?
        .to_owned())
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

/// The first address of a family in a result, without its prefix.
pub(super) fn address_of(result: &Value, v6: bool) -> Result<String> {
    let ips = result["ips"].as_array().cloned().unwrap_or_default();
    let texts = ips.iter().filter_map(|ip| ip["address"].as_str());
    let mut texts = texts.filter(|text| text.contains(':') == v6);
    let text = texts.next().context("an address")?;
    Ok(text.split('/').next().unwrap_or_default().to_owned())
}
