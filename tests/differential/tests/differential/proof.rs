//! The comparison can fail: it is fed what differs, one thing at a time.

use fairway_lab::{Error, Result, json};
use fairway_tests_differential::{Case, Ipam, Maker, Pair};

fn gateway() -> Result<Pair> {
    let case = Case::new("bridge", r#"{"isGateway": true}"#).ipam(Ipam::V4);
    let mut pair = Pair::new(case)?;
    pair.add("c1")?;
    Ok(pair)
}

/// The verdict has to be that this differs.
fn differs(pair: Pair, what: &str) {
    match pair.finish() {
        Err(Error::Differ { diff, .. }) if diff.contains(what) => {}
        other => unreachable!("wanted {what:?}, got {other:?}"),
    }
}

#[test]
fn a_difference_in_the_kernel_is_found() -> Result {
    for (script, what) in [
        ("ip link set dev cni0 mtu 1400", "+ cni0 mtu 1400"),
        (
            "ip addr add 10.77.0.9/24 dev cni0",
            "+ cni0 {\"family\":\"inet\",\"label\":\"cni0\",\"local\":\"10.77.0.9\"",
        ),
        (
            "ip route add 10.5.0.0/16 dev cni0",
            "\"dst\":\"10.5.0.0/16\"",
        ),
        ("iptables -A FORWARD -j DROP", "+ filter -A FORWARD -j DROP"),
        ("nft add table inet mine", "+ table inet mine"),
        (
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
            "- ipv4/ip_forward = 1",
        ),
        (
            "for l in $(ls /proc/sys/net/ipv4/conf | grep ^fw); do bridge link set dev $l hairpin on; done",
            "hairpin\":true",
        ),
        ("ip link del cni0", "- cni0 exists true"),
    ] {
        let mut pair = gateway()?;
        pair.ours.sh(script)?;
        pair.state("after a change by hand")?;
        differs(pair, what);
    }
    Ok(())
}

#[test]
fn so_is_one_in_the_container() -> Result {
    let mut pair = gateway()?;
    pair.theirs
        .sh_in("c1", "ip route add 10.5.0.0/16 dev eth0")?;
    pair.state("after a change by hand")?;
    differs(
        pair,
        "[c1 route]\n  - {\"dev\":\"eth0\",\"dst\":\"10.5.0.0/16\"",
    );
    Ok(())
}

#[test]
fn so_is_one_in_files() -> Result {
    for (script, what) in [
        ("chmod 666 $DATA/net/10.77.0.2", "+ net/10.77.0.2 666"),
        ("printf x >$DATA/net/10.77.0.2", "+ net/10.77.0.2 600 \"x\""),
        ("touch $DATA/net/10.77.0.3", "+ net/10.77.0.3"),
        (
            "rm $DATA/net/last_reserved_ip.0",
            "- net/last_reserved_ip.0",
        ),
    ] {
        let mut pair = gateway()?;
        pair.ours.sh(script)?;
        pair.files()?;
        differs(pair, what);
    }
    Ok(())
}

#[test]
fn so_is_another_result() -> Result {
    let mut pair = gateway()?;
    pair.call("ADD c2", |side, case, version| {
        let cni = side.cni(case, version, "c2")?;
        let mut config = cni.conf().clone();
        if side.maker == Maker::Ours {
            config["ipam"]["ranges"][0][0]["gateway"] = json!("10.77.0.200");
            config["forceAddress"] = json!(true);
        }
        cni.config(config).add()
    })?;
    differs(pair, "+ .ips[0].gateway = \"10.77.0.200\"");
    Ok(())
}

#[test]
fn so_is_another_end() -> Result {
    let mut pair = gateway()?;
    pair.call("ADD c2", |side, case, version| {
        let cni = side.cni(case, version, "c2")?;
        match side.maker {
            Maker::Ours => cni.ifname("no/name").add(),
            Maker::Reference => cni.add(),
        }
    })?;
    differs(pair, "- exit status: 0\n  + exit status: 1");
    Ok(())
}

/// Both fail, but not with codes that the table lists as a pair.
#[test]
fn so_is_another_code() -> Result {
    let mut pair = gateway()?;
    pair.call("ADD c2", |side, case, version| {
        let cni = side.cni(case, version, "c2")?;
        match side.maker {
            Maker::Ours => cni.netns_path(None).add(),
            Maker::Reference => cni.raw("ADD").stdin("{").run(),
        }
    })?;
    differs(pair, "+ code 4");
    Ok(())
}

/// An entry of the tables that covers more than differs would hide what it should not.
#[test]
fn so_is_an_entry_that_is_too_wide() -> Result {
    let mut pair = Pair::new(Case::new("bridge", "{}"))?;
    pair.state("before anything")?;
    differs(
        pair,
        "said to differ, but does not: the host's link tells its owner",
    );
    Ok(())
}

#[test]
#[should_panic(expected = "install containernetworking-plugins")]
fn a_missing_peer_is_no_skip() {
    Maker::Reference.dir("nosuch");
}
