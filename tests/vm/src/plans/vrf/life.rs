//! What comes, what stays, what goes.

use anyhow::{Result, ensure};
use fairway_lab::json;

use super::bed::{Bed, link};

/// Addresses of both families and routes are there afterwards, in the VRF's table, and packets go by them.
pub(super) fn nothing_is_lost_on_the_way() -> Result<()> {
    for version in ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let bed = Bed::new(version)?;
        let cni = bed.ours(0, &json!({"table": 10}));
        let result = cni.add()?.ok()?;
        assert_eq!(result, bed.results[0]);
        let red = link(&bed.ns, "red")?;
        assert_eq!(red["linkinfo"]["info_kind"], "vrf");
        assert_eq!(red["linkinfo"]["info_data"]["table"], 10);
        assert_eq!(link(&bed.ns, "eth0")?["master"], "red");
        let shown = bed.shown(10)?;
        for line in [
            "10.20.0.2/24",
            "fd20::2/64",
            "10.20.0.0/24 dev eth0",
            "fd20::/64 dev eth0",
            "10.90.0.0/16 via 10.20.0.1 dev eth0",
            "fd90::/48 via fd20::1 dev eth0",
        ] {
            ensure!(shown.contains(line), "{version} lacks {line}: {shown}");
        }
        let main = bed.ns.sh("ip route; ip -6 route")?;
        ensure!(!main.contains("eth0") && main.contains("net1"), "{main}");
        bed.reaches("red", "10.20.0.1")?;
        bed.reaches("red", "fd20::1")?;
        if version >= "0.4.0" {
            cni.check(&result)?.ok()?;
        }
        // Again is once.
        cni.add()?.ok()?;
        assert_eq!(bed.shown(10)?, shown);
    }
    Ok(())
}

pub(super) fn the_first_makes_it_and_the_last_takes_it() -> Result<()> {
    let bed = Bed::new("1.1.0")?;
    let (first, second) = (bed.ours(0, &json!({})), bed.ours(1, &json!({})));
    first.add()?.ok()?;
    second.add()?.ok()?;
    assert_eq!(link(&bed.ns, "red")?["linkinfo"]["info_data"]["table"], 1);
    bed.reaches("red", "10.20.0.1")?;
    bed.reaches("red", "10.21.0.1")?;
    first.del(None)?.ok()?;
    ensure!(link(&bed.ns, "eth0")?.get("master").is_none());
    second.check(&bed.results[1])?.ok()?;
    for _ in 0..2 {
        second.del(None)?.ok()?;
        ensure!(link(&bed.ns, "red").is_err());
    }
    second.netns_path(None).del(None)?.ok()?;
    Ok(())
}

/// Each VRF a table of its own, unless one is named.
pub(super) fn tables() -> Result<()> {
    let bed = Bed::new("1.1.0")?;
    bed.ns.run("ip route add 10.200.0.0/16 dev net1 table 1")?;
    bed.ours(0, &json!({})).add()?.ok()?;
    bed.ours(1, &json!({"vrfname": "blue"})).add()?.ok()?;
    let table = |name: &str| -> Result<u64> {
        let link = link(&bed.ns, name)?;
        Ok(link["linkinfo"]["info_data"]["table"].as_u64().unwrap_or(0))
    };
    assert_eq!((table("red")?, table("blue")?), (2, 3));
    Ok(())
}

pub(super) fn what_is_in_the_way_is_told() -> Result<()> {
    let bed = Bed::new("1.1.0")?;
    bed.ours(0, &json!({"table": 10})).add()?.ok()?;
    let before = bed.ns.sh("ip link; ip addr; ip route; ip -6 route")?;
    for (keys, word) in [
        (
            json!({"table": 11}),
            "\"red\" already exists and has table 10, not 11",
        ),
        (
            json!({"vrfname": "net1"}),
            "\"net1\" already exists and is no vrf",
        ),
    ] {
        let error = bed.ours(1, &keys).add()?.fails(105)?;
        ensure!(error.msg.contains(word), "{error:?}");
        assert_eq!(
            bed.ns.sh("ip link; ip addr; ip route; ip -6 route")?,
            before
        );
    }
    let error = bed.ours(0, &json!({"vrfname": "blue"})).add()?.fails(105)?;
    ensure!(
        error
            .msg
            .contains("\"eth0\" already exists and belongs to \"red\""),
        "{error:?}"
    );
    ensure!(link(&bed.ns, "blue").is_err());
    Ok(())
}

pub(super) fn check_finds_what_was_bent() -> Result<()> {
    let bed = Bed::new("1.1.0")?;
    let cni = bed.ours(0, &json!({"table": 10}));
    cni.add()?.ok()?;
    cni.check(&bed.results[0])?.ok()?;
    for (bend, word) in [
        (
            "ip link set eth0 nomaster",
            "does not belong to vrf \"red\"",
        ),
        ("ip link del red", "vrf \"red\": not found"),
        ("ip link add red type vrf table 12", "has table 12, not 10"),
    ] {
        bed.ns.run(bend)?;
        let error = cni.check(&bed.results[0])?.fails(100)?;
        ensure!(error.msg.contains(word), "{error:?}");
    }
    Ok(())
}
