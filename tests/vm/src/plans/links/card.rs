//! host-device with a network card: what the kernel does with it when its namespace goes is not what it does with
//! anything else, and the way to it leads over the PCI bus.

use anyhow::{Context, Result, ensure};
use fairway_lab::{Cni, Lab, Ns, Value, json, plugin_dir, poll, reference_dir};

use super::bed::{SOON, link};

/// The guest's card, on the guest itself: that is where the kernel puts it back.
struct Card {
    lab: Lab,
    node: Ns,
    name: String,
    address: String,
}

impl Card {
    fn new() -> Result<Self> {
        let node = Ns::host()?;
        let found = node.sh("ls -d /sys/bus/pci/devices/*/net/*")?;
        let path = found.lines().next().context("a card")?;
        let mut parts = path.rsplit('/');
        let name = parts.next().context("its name")?.to_owned();
        let address = parts.nth(1).context("its address")?.to_owned();
        node.sh(&format!(
            "ip link set {name} down; ip link set {name} mtu 1400 alias 'port 7'; ip link set {name} up"
        ))?;
        Ok(Self {
            lab: Lab::new()?,
            node,
            name,
            address,
        })
    }

    fn cni(&self, id: &str, ns: &Ns, keys: &Value) -> Cni {
        let folder = self.lab.scratch().join("addresses");
        let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "host-device",
            "ipam": {"type": "host-local", "dataDir": folder, "ranges": [[{"subnet": "10.20.0.0/24"}]]}});
        for (key, value) in keys.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        let cni = Cni::new(&self.node, plugin_dir(), "host-device");
        cni.container(id).netns(ns).config(conf)
    }

    fn is_home(&self) -> Result<()> {
        let shown = link(&self.node, &self.name)?;
        let told = (&shown["mtu"], &shown["ifalias"]);
        ensure!(told == (&json!(1400), &json!("port 7")), "{shown}");
        ensure!(shown["flags"].to_string().contains("\"UP\""), "{shown}");
        Ok(())
    }

    fn pci(&self) -> Value {
        json!({"pciBusID": self.address})
    }
}

/// There is one card, and tests run side by side: so this is one test.
pub(super) fn goes_and_comes_back() -> Result<()> {
    for (what, test) in [
        ("by the bus", selectors as fn() -> Result<()>),
        ("lost", lost_with_its_namespace),
        ("taken by the reference", taken_by_the_reference),
        ("of a process", of_a_process),
    ] {
        test().context(what)?;
    }
    Ok(())
}

/// By each of the keys that need a bus.
fn selectors() -> Result<()> {
    let card = Card::new()?;
    let path = card
        .node
        .sh(&format!("readlink -f /sys/class/net/{}/device", card.name))?;
    for keys in [
        card.pci(),
        json!({"kernelpath": path.trim()}),
        json!({"runtimeConfig": {"deviceID": card.address}}),
        json!({"device": card.name, "pciBusID": card.address}),
    ] {
        let ns = card.lab.container()?;
        let cni = card.cni("a", &ns, &keys);
        let result = cni.add()?.ok()?;
        let shown = link(&ns, "eth0")?;
        ensure!(
            result["interfaces"][0]["mac"] == shown["address"],
            "{result}"
        );
        let by_bus = keys.get("kernelpath").is_none();
        ensure!(
            by_bus == result["interfaces"][0].get("pciID").is_some(),
            "{result}"
        );
        cni.check(&result)?.ok()?;
        // In a container it has no link here.
        let other = card.lab.container()?;
        let error = card.cni("b", &other, &card.pci()).add()?.fails(7)?;
        ensure!(
            error.msg.starts_with("pciBusID: ") && error.msg.contains("a container has it"),
            "{error:?}"
        );
        cni.del(Some(&result))?.ok()?;
        card.is_home()?;
    }
    Ok(())
}

/// The kernel puts it back under some other name, down; DEL, GC and the next ADD know it by its alias.
fn lost_with_its_namespace() -> Result<()> {
    for by in ["DEL", "GC", "ADD"] {
        let card = Card::new()?;
        let ns = card.lab.container()?;
        let cni = card
            .cni("a", &ns, &json!({"device": card.name}))
            .ifname("net1");
        cni.add()?.ok()?;
        drop(ns);
        poll(SOON, "the card to come back", || {
            let shown = card.node.run("ip link show").unwrap_or_default();
            shown.contains("alias fairway-device")
        })?;
        match by {
            "DEL" => drop(cni.netns_path(None).del(None)?.ok()?),
            "GC" => {
                cni.gc(&[("a", "net1")])?.ok()?;
                ensure!(card.is_home().is_err(), "GC has touched what is valid");
                cni.gc(&[])?.ok()?;
            }
            _ => {
                let next = card.lab.container()?;
                let cni = card.cni("b", &next, &json!({"device": card.name}));
                let result = cni.add()?.ok()?;
                cni.check(&result)?.ok()?;
                cni.del(Some(&result))?.ok()?;
            }
        }
        card.is_home()?;
    }
    Ok(())
}

/// What the reference plugin took, ours brings back: its name, and down.
fn taken_by_the_reference() -> Result<()> {
    let card = Card::new()?;
    let ns = card.lab.container()?;
    let ours = card.cni("a", &ns, &json!({"device": card.name}));
    let mut conf = ours.conf().clone();
    conf["cniVersion"] = json!("1.0.0");
    let theirs = Cni::new(&card.node, reference_dir(), "host-device");
    let theirs = theirs.container("a").netns(&ns).config(conf.clone());
    let result = theirs.add()?.ok()?;
    let ours = ours.config(conf);
    ours.check(&result)?.ok()?;
    ours.del(Some(&result))?.ok()?;
    let shown = link(&card.node, &card.name)?;
    ensure!(!shown["flags"].to_string().contains("\"UP\""), "{shown}");
    Ok(())
}

/// A driver that gives it to a process: there is no link, and nothing is moved.
fn of_a_process() -> Result<()> {
    let card = Card::new()?;
    let bound = format!("/sys/bus/pci/devices/{}", card.address);
    card.node.sh(&format!(
        "modprobe uio_pci_generic; echo uio_pci_generic > {bound}/driver_override
         echo {0} > {bound}/driver/unbind; echo {0} > /sys/bus/pci/drivers_probe",
        card.address
    ))?;
    let ns = card.lab.container()?;
    let cni = card.cni("a", &ns, &card.pci());
    let result = cni.add()?.ok()?;
    let interface = &result["interfaces"][0];
    ensure!(
        interface["pciID"] == card.address.as_str() && interface.get("mac").is_none(),
        "{result}"
    );
    ensure!(result["ips"][0]["address"] == "10.20.0.2/24", "{result}");
    ensure!(
        ns.json("ip -j link show")?
            .as_array()
            .is_some_and(|links| links.len() == 1),
        "a link"
    );
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    let other = card.cni("a", &ns, &json!({"pciBusID": card.address, "device": "lo"}));
    let error = other.add()?.fails(7)?;
    ensure!(
        error.msg.contains("a device that a process has"),
        "{error:?}"
    );
    card.node.sh(&format!(
        "echo > {bound}/driver_override; echo {0} > {bound}/driver/unbind; echo {0} > /sys/bus/pci/drivers_probe",
        card.address
    ))?;
    Ok(())
}
