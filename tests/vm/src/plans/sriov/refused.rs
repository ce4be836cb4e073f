//! What is refused, by which code and naming which key; and that nothing is left of it.

use anyhow::{Result, ensure};
use fairway_lab::{Value, json};

use super::bed::{Bed, FUNCTIONS};

/// An ADD that is refused, and changes nothing.
fn refuses(bed: &Bed, keys: &Value, code: u32, start: &str) -> Result<()> {
    let before = bed.all()?;
    let ns = bed.lab.container()?;
    let error = bed.cni("refused", &ns, keys).add()?.fails(code)?;
    ensure!(error.msg.starts_with(start), "{error:?}");
    ensure!(!error.details.contains("left behind"), "{error:?}");
    ensure!(
        bed.all()? == before,
        "{keys}: {:#?}\n{before:#?}",
        bed.all()?
    );
    bed.is_clean()
}

pub(super) fn by_the_plugin() -> Result<()> {
    let bed = Bed::new()?;
    let pf = bed.node.sh(&format!(
        "basename $(readlink /sys/class/net/{}/device)",
        bed.pf
    ))?;
    let pf = pf.trim();
    for (keys, code, start) in [
        (
            json!({"deviceID": "0000:77:00.0"}),
            7,
            "deviceID: 0000:77:00.0: there is no such PCI device",
        ),
        (
            json!({"deviceID": pf}),
            7,
            "deviceID: 0000:01:00.0: is no virtual function",
        ),
        (json!({"pf": "none"}), 7, "pf: none: there is no such link"),
        (
            json!({"pf": "lo"}),
            7,
            "pf: lo: is no network card on the PCI bus",
        ),
        (
            json!({"vlan": 4095}),
            7,
            "vlan: 4095: must be from 0 to 4094",
        ),
        (
            json!({"min_tx_rate": 5, "max_tx_rate": 4}),
            7,
            "min_tx_rate: 5: is more than max_tx_rate",
        ),
        (json!({"mtu": 9000}), 7, "mtu: 9000: is more than the 1500"),
        (json!({"policy": true}), 2, "policy: true: "),
        (
            json!({"runtimeConfig": {"bandwidth": {"ingressRate": 1_000_000, "ingressBurst": 1_000_000}}}),
            2,
            "runtimeConfig.bandwidth.ingressRate: ",
        ),
    ] {
        refuses(&bed, &keys, code, start)?;
    }
    Ok(())
}

/// The card's own limits, after other settings have been made.
pub(super) fn by_the_driver() -> Result<()> {
    let bed = Bed::new()?;
    for (keys, code, start) in [
        (
            json!({"vlan": 7, "vlanProto": "802.1ad"}),
            2,
            "vlanProto: 802.1ad: ",
        ),
        (
            json!({"vlan": 7, "link_state": "enable"}),
            2,
            "link_state: enable: ",
        ),
        (
            json!({"vlan": 7, "min_tx_rate": 10, "max_tx_rate": 100}),
            7,
            "min_tx_rate: 10: ",
        ),
        (
            json!({"vlan": 7, "mac": "02:00:00:00:00:10", "max_tx_rate": 100_000}),
            7,
            "max_tx_rate: 100000: ",
        ),
    ] {
        refuses(&bed, &keys, code, start)?;
    }
    Ok(())
}

/// One that is taken, by a container or by the host; and all of them.
pub(super) fn who_has_it() -> Result<()> {
    let bed = Bed::new()?;
    let ns = bed.lab.container()?;
    // The host's own use for one is not to be lost.
    let name = bed.link_of(0).unwrap_or_default();
    bed.node.sh(&format!(
        "ip addr add 10.30.0.1/24 dev {name}; ip link set {name} up"
    ))?;
    // And one that somebody else has taken.
    let elsewhere = bed.lab.container()?;
    let name = bed.link_of(1).unwrap_or_default();
    bed.node.sh(&format!(
        "ip link set {name} netns {}",
        elsewhere.path().display()
    ))?;
    let mut others = Vec::new();
    for n in 2..FUNCTIONS {
        let other = bed.attach(&format!("c{n}"), &json!({}))?;
        ensure!(
            other.2["interfaces"][0]["pciID"] == bed.address(n)?.as_str(),
            "{}",
            other.2
        );
        others.push(other);
    }
    let cni = bed.cni("a", &ns, &json!({}));
    let error = cni.add()?.fails(105)?;
    ensure!(
        error
            .msg
            .contains("none of its 7 virtual functions is free"),
        "{error:?}"
    );
    cni.status()?.fails(50)?;
    let named = bed.cni("a", &ns, &json!({"deviceID": bed.address(1)?}));
    let error = named.add()?.fails(105)?;
    ensure!(error.msg.contains("somebody has it"), "{error:?}");
    let named = bed.cni("a", &ns, &json!({"deviceID": bed.address(3)?}));
    let error = named.add()?.fails(105)?;
    ensure!(
        error
            .msg
            .contains("container c3 has it, as eth0 of network net"),
        "{error:?}"
    );
    named.del(None)?.ok()?;
    let (_, last, result) = &others[1];
    last.check(result)?.ok()?;
    last.del(None)?.ok()?;
    cni.status()?.ok()?;
    cni.add()?.ok()?;
    cni.add()?.fails(103)?;
    cni.del(None)?.ok()?;
    Ok(())
}
