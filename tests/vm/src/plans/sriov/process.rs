//! A process has it (DPDK).

use std::path::Path;

use anyhow::{Context, Result, ensure};
use fairway_lab::json;

use super::bed::Bed;

/// By vfio, as DPDK recommends.
pub(super) fn has_a_function_by_vfio() -> Result<()> {
    let bed = Bed::new()?;
    bed.node.sh("modprobe vfio-pci")?;
    has(&bed, "vfio-pci", |address| {
        let group = format!("/sys/bus/pci/devices/{address}/iommu_group");
        let group = std::fs::read_link(&group).context(group)?;
        let device = Path::new("/dev/vfio").join(group.file_name().context("a group")?);
        ensure!(device.exists(), "no {}", device.display());
        Ok(())
    })
}

/// By the driver that any machine has.
pub(super) fn has_a_function_by_uio() -> Result<()> {
    let bed = Bed::new()?;
    bed.node.sh("modprobe uio_pci_generic")?;
    has(&bed, "uio_pci_generic", |address| {
        let devices = format!("/sys/bus/pci/devices/{address}/uio");
        ensure!(Path::new(&devices).exists(), "no {devices}");
        Ok(())
    })
}

/// There is no link: the physical function sets what can be set, and the result says which one it is. What the process
/// opens is there all the while.
fn has(bed: &Bed, driver: &str, is_ready: impl Fn(&str) -> Result<()>) -> Result<()> {
    let address = bed.address(5)?;
    let folder = format!("/sys/bus/pci/devices/{address}");
    let bind = |driver: &str| {
        bed.node.sh(&format!(
            "echo '{driver}' > {folder}/driver_override; echo {address} > {folder}/driver/unbind
             echo {address} > /sys/bus/pci/drivers_probe; readlink {folder}/driver"
        ))
    };
    let bound = bind(driver)?;
    ensure!(bound.trim().ends_with(&format!("/{driver}")), "{bound}");
    is_ready(&address)?;
    let before = bed.vf(5)?;
    let keys = json!({"ipam": bed.both(), "deviceID": address, "vlan": 9, "mac": "02:00:00:00:00:05", "trust": "on"});
    let (ns, cni, result) = bed.attach("a", &keys)?;
    let interface = &result["interfaces"][0];
    ensure!(
        interface["pciID"] == address.as_str() && interface["mac"] == "02:00:00:00:00:05",
        "{result}"
    );
    ensure!(
        result["ips"].as_array().is_some_and(|ips| ips.len() == 2),
        "{result}"
    );
    ensure!(
        ns.json("ip -j link show")?
            .as_array()
            .is_some_and(|links| links.len() == 1),
        "a link"
    );
    let shown = bed.vf(5)?;
    ensure!(
        shown["vlan_list"][0]["vlan"] == 9 && shown["trust"] == true,
        "{shown}"
    );
    is_ready(&address)?;
    let other = bed.lab.container()?;
    let error = bed.cni("b", &other, &keys).add()?.fails(105)?;
    ensure!(error.msg.contains("container a has it"), "{error:?}");
    cni.add()?.fails(103)?;
    cni.del(Some(&result))?.ok()?;
    ensure!(bed.vf(5)? == before, "{} {before}", bed.vf(5)?);
    // One whose container is lost is free, and as it was.
    let (ns, late, _) = bed.attach("a", &keys)?;
    drop(ns);
    let (_ns, cni, result) = bed.attach("b", &json!({"deviceID": address, "vlan": 8}))?;
    late.netns_path(None).del(None)?.ok()?;
    cni.check(&result)?.ok()?;
    cni.del(None)?.ok()?;
    ensure!(bed.vf(5)? == before, "{} {before}", bed.vf(5)?);
    bed.is_clean()?;
    is_ready(&address)?;
    bind("")?;
    Ok(())
}
