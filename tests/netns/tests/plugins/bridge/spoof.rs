//! `macspoofchk`: a frame with another source address is dropped.

use fairway_tests_netns::{Bed, Feature, Result, is_as_wanted, json, link, reaches, require};

#[test]
fn a_spoofed_frame_is_dropped_and_an_honest_one_passes() -> Result {
    if !require(Feature::NfTablesBridge)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({"isGateway": true, "macspoofchk": true}));
    let free = bed.conf("bridge", json!({"isGateway": true, "name": "free", "ipam": {
        "type": "host-local", "dataDir": bed.data(), "ranges": [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.100"}]]}}));
    let (a, b, c) = (
        bed.add("a", &conf)?,
        bed.add("b", &conf)?,
        bed.add("c", &free)?,
    );
    reaches(&a.ns, &b.v4())?;
    reaches(&c.ns, &b.v4())?;
    a.check()?;
    let own = link(&a.ns, "eth0")?["address"].as_str().unwrap().to_owned();
    for (member, passes) in [(&a, false), (&c, true)] {
        // Its neighbours know it by IP already; a new address makes it ask and answer anew.
        member
            .ns
            .sh("ip link set eth0 address 02:00:00:00:00:77; ip neigh flush dev eth0")?;
        bed.node().run("ip neigh flush dev br0")?;
        assert!(is_as_wanted(&member.ns, "10.1.0.1", passes));
    }
    a.ns.run(&format!("ip link set eth0 address {own}"))?;
    reaches(&a.ns, "10.1.0.1")?;
    // Its rules are its own: they go, b's stay.
    let rules = || bed.node().run("nft list table bridge nat");
    assert!(
        rules()?.contains("cni-br-iface-a-eth0-mac")
            && rules()?.contains("cni-br-iface-b-eth0-mac")
    );
    a.del()?;
    assert!(
        !rules()?.contains("cni-br-iface-a-eth0") && rules()?.contains("cni-br-iface-b-eth0-mac")
    );
    b.check()
}
