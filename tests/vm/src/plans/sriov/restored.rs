//! It is as it was before.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, link};

/// What an administrator had set comes back, and the link with it.
pub(super) fn all_that_was_set() -> Result<()> {
    let bed = Bed::new()?;
    let name = bed.link_of(2).unwrap_or_default();
    let pf = &bed.pf;
    bed.node.sh(&format!(
        "ip link set {pf} vf 2 vlan 7 qos 2; ip link set {pf} vf 2 spoofchk off; ip link set {pf} vf 2 trust on
         ip link set {pf} vf 2 max_tx_rate 300; ip link set {name} down; ip link set {name} name card2
         ip link set card2 mtu 1400 alias 'port 2'; ip link set card2 up"
    ))?;
    let before = bed.all()?;
    let keys = json!({"deviceID": bed.address(2)?, "vlan": 100, "vlanQoS": 5, "mac": "02:00:00:00:00:22",
        "spoofchk": "on", "trust": "off", "max_tx_rate": 500, "mtu": 1300, "logLevel": "debug", "logFile": "/x"});
    let (ns, cni, result) = bed.attach("a", &keys)?;
    let shown = bed.vf(2)?;
    ensure!(
        shown["address"] == "02:00:00:00:00:22"
            && shown["spoofchk"] == true
            && shown["trust"] == false,
        "{shown}"
    );
    ensure!(
        shown["vlan_list"][0]["vlan"] == 100 && shown["vlan_list"][0]["qos"] == 5,
        "{shown}"
    );
    ensure!(shown["rate"]["max_tx"] == 500, "{shown}");
    ensure!(link(&ns, "eth0")?["mtu"] == 1300, "{result}");
    // A container may call it something else, and change what it may.
    ns.sh("ip link set eth0 down; ip link set eth0 name mine alias none; ip link set mine up")?;
    cni.del(Some(&result))?.ok()?;
    ensure!(bed.all()? == before, "{:#?}\n{before:#?}", bed.all()?);
    bed.is_clean()
}

/// An administrator's address comes back in its place, and one of the driver's own, once and again.
pub(super) fn with_an_address_of_its_own() -> Result<()> {
    let bed = Bed::new()?;
    let pf = &bed.pf;
    bed.node
        .sh(&format!("ip link set {pf} vf 1 mac 02:00:00:00:00:11"))?;
    let own = |n| -> Result<(String, String)> {
        let name = bed.link_of(n).unwrap_or_default();
        let link = link(&bed.node, &name)?["address"].to_string();
        Ok((link, bed.vf(n)?["address"].to_string()))
    };
    let before = (own(0)?, own(1)?);
    for n in [0, 1] {
        let keys = json!({"deviceID": bed.address(n)?, "mac": format!("02:00:00:00:01:0{n}")});
        for _ in 0..2 {
            let (_ns, cni, result) = bed.attach("a", &keys)?;
            cni.del(Some(&result))?.ok()?;
            ensure!(
                (own(0)?, own(1)?) == before,
                "{:?} {before:?}",
                (own(0)?, own(1)?)
            );
        }
    }
    Ok(())
}

/// Each of the settings, changed behind the plugin's back.
pub(super) fn check_sees_a_change() -> Result<()> {
    let bed = Bed::new()?;
    let pf = &bed.pf;
    let keys = json!({"vlan": 5, "spoofchk": "on", "trust": "off", "max_tx_rate": 200, "mtu": 1400,
                      "mac": "02:00:00:00:00:10"});
    let (ns, cni, result) = bed.attach("a", &keys)?;
    for (broken, whole, word) in [
        ("vlan 6", "vlan 5", "vlan"),
        ("spoofchk off", "spoofchk on", "spoofchk"),
        ("trust on", "trust off", "trust"),
        ("max_tx_rate 100", "max_tx_rate 200", "max_tx_rate"),
        ("mac 02:00:00:00:00:11", "mac 02:00:00:00:00:10", "mac"),
    ] {
        bed.node.sh(&format!("ip link set {pf} vf 0 {broken}"))?;
        let error = cni.check(&result)?.fails(100)?;
        ensure!(
            error.msg.contains(&format!("{word} is not as it was set")),
            "{error:?}"
        );
        bed.node.sh(&format!("ip link set {pf} vf 0 {whole}"))?;
        cni.check(&result)?.ok()?;
    }
    ns.sh("ip link set eth0 mtu 1300")?;
    let error = cni.check(&result)?.fails(100)?;
    ensure!(error.msg.contains("MTU"), "{error:?}");
    ns.sh("ip link set eth0 mtu 1400; ip addr flush dev eth0")?;
    cni.check(&result)?.fails(100)?;
    cni.del(Some(&result))?.ok()?;
    cni.check(&result)?.fails(100)?;
    Ok(())
}
