//! What is left after DEL, and after an ADD that fails: nothing of the container.
//!
//! The bridge and a VLAN's gateway are the node's and stay, as other containers may be
//! coming to them.

use anyhow::{Result, ensure};
use fairway_lab::{Value, json};

use super::bed::{Bed, answers};
use super::state::State;

fn gateway_keys(bed: &Bed) -> Value {
    json!({
        "vlan": 100, "vlanTrunk": [{"minID": 7, "maxID": 9}], "isGateway": true,
        "ipam": bed.ipam(&["10.20.0.0/24", "fd20::/64"]),
    })
}

/// All of the container goes, and the others stay connected; the second DEL has nothing
/// to do and says so by success.
pub(super) fn del_leaves_nothing_of_the_container() -> Result<()> {
    let bed = Bed::new()?;
    let keys = gateway_keys(&bed);
    let stays = bed.attach(&keys)?;
    let before = State::of(bed.node())?;
    let goes = bed.attach(&keys)?;
    let trace = before.diff(&State::of(bed.node())?);
    ensure!(trace.contains("+ vlans of"), "no trace of ADD: {trace}");
    for previous in [Some(&goes.result), None] {
        goes.cni.del(previous)?.ok()?;
        before.is_again(bed.node())?;
        assert_eq!(bed.taken()?.len(), 2);
    }
    let links = goes.ns.json("ip -j link show")?;
    assert_eq!(links.as_array().map(Vec::len), Some(1), "{links}");
    answers(&stays.ns, "10.20.0.1")
}

/// DEL without the namespace's name, as after a reboot.
pub(super) fn del_without_namespace() -> Result<()> {
    let bed = Bed::new()?;
    let a = bed.attach(&gateway_keys(&bed))?;
    assert_eq!(bed.taken()?.len(), 2);
    a.cni.clone().netns_path(None).del(None)?.ok()?;
    assert_eq!(bed.taken()?, Vec::<String>::new());
    Ok(())
}

/// GC takes the container that is no longer valid, and nothing of the one that is.
pub(super) fn gc_takes_what_is_gone() -> Result<()> {
    let bed = Bed::new()?;
    let mut keys = gateway_keys(&bed);
    keys["cniVersion"] = json!("1.1.0");
    let stays = bed.attach(&keys)?;
    let before = State::of(bed.node())?;
    let _gone = bed.attach(&keys)?;
    assert_eq!(bed.taken()?.len(), 4);
    stays.cni.gc(&[("c1", "eth0")])?.ok()?;
    before.is_again(bed.node())?;
    assert_eq!(bed.taken()?.len(), 2);
    answers(&stays.ns, "10.20.0.1")
}

/// An ADD for which no address is left.
pub(super) fn add_fails_for_want_of_addresses() -> Result<()> {
    let bed = Bed::new()?;
    // One address besides the gateway's.
    let ipam = bed.ipam(&["10.20.0.0/30"]);
    let keys = json!({"vlan": 100, "isGateway": true, "ipam": ipam});
    let _stays = bed.attach(&keys)?;
    fails_without_trace(&bed, &keys)
}

/// An ADD that fails at the gateway, which has another address already.
pub(super) fn add_fails_at_the_gateways_address() -> Result<()> {
    let bed = Bed::new()?;
    let keys = |subnet| json!({"vlan": 100, "isGateway": true, "ipam": bed.ipam(&[subnet])});
    let _stays = bed.attach(&keys("10.20.0.0/24"))?;
    fails_without_trace(&bed, &keys("10.30.0.0/24"))
}

/// An ADD that fails at the second family: the gateway's link takes no IPv6.
pub(super) fn add_fails_at_the_second_family() -> Result<()> {
    let bed = Bed::new()?;
    let ipam = bed.ipam(&["10.20.0.0/24"]);
    let _stays = bed.attach(&json!({"vlan": 100, "isGateway": true, "ipam": ipam}))?;
    bed.node()
        .set_sysctl("ipv6/conf/br0.100/disable_ipv6", "1")?;
    fails_without_trace(&bed, &gateway_keys(&bed))
}

/// The gateway's link would have a name longer than the kernel takes.
pub(super) fn add_fails_for_the_links_name() -> Result<()> {
    let bed = Bed::new()?;
    let mut keys = gateway_keys(&bed);
    keys["bridge"] = json!("bridge-of-12");
    keys["vlan"] = json!(4000);
    let mut without_gateway = keys.clone();
    without_gateway["isGateway"] = json!(false);
    let _stays = bed.attach(&without_gateway)?;
    fails_without_trace(&bed, &keys)
}

/// VLANs that there are not: refused before the first change.
pub(super) fn add_refuses_wrong_numbers() -> Result<()> {
    let bed = Bed::new()?;
    for keys in [
        json!({"vlan": 4095}),
        json!({"vlan": -1}),
        json!({"vlan": "100"}),
        json!({"vlanTrunk": [{"id": 0}]}),
        json!({"vlanTrunk": [{"id": 4095}]}),
        json!({"vlanTrunk": [{"minID": 5}]}),
        json!({"vlanTrunk": [{"maxID": 5}]}),
        json!({"vlanTrunk": [{"minID": 0, "maxID": 5}]}),
        json!({"vlanTrunk": [{"minID": 5, "maxID": 4095}]}),
        json!({"vlanTrunk": [{"minID": 9, "maxID": 5}]}),
    ] {
        let (_container, cni) = bed.plugin(&keys)?;
        let error = cni.add()?.fails(7)?;
        let text = format!("{}; {}", error.msg, error.details);
        ensure!(text.contains("vlan"), "{keys}: {text}");
    }
    let links = bed.node().json("ip -j link show")?;
    assert_eq!(links.as_array().map(Vec::len), Some(1), "{links}");
    Ok(())
}

fn fails_without_trace(bed: &Bed, keys: &Value) -> Result<()> {
    let (container, cni) = bed.plugin(keys)?;
    let before = (State::of(bed.node())?, State::of(&container)?);
    let taken = bed.taken()?;
    let outcome = cni.add()?;
    let error = outcome.error.as_ref().filter(|e| !e.msg.is_empty());
    ensure!(error.is_some(), "no error: {outcome:?}");
    before.0.is_again(bed.node())?;
    before.1.is_again(&container)?;
    assert_eq!(bed.taken()?, taken);
    Ok(())
}
