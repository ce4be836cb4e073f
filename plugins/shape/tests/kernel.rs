//! Limits on the real kernel, with `tc` to see what is there.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

use fairway_lab::{Lab, Ns, Result, Snapshot, Value};
use fairway_netlink::{Handle, Netlink};
use fairway_shape::{Burst, Error, Limit, Means, Rate, Side, apply, check, departures, remove};

fn limit(text: &str) -> Limit {
    Limit::new(text.parse().unwrap())
}

/// A node with a pair of links; what is done, is done in it.
fn bed() -> Result<(Lab, u32)> {
    let lab = Lab::new()?;
    lab.node().run("ip link add v type veth peer name w")?;
    lab.node().run("ip link set v up")?;
    let index = on(lab.node(), |handle| {
        handle.link_by_name("v").unwrap().unwrap().index
    });
    Ok((lab, index))
}

fn on<T: Send>(ns: &Ns, f: impl FnOnce(&mut Handle) -> T + Send) -> T {
    ns.inside(|| f(&mut Handle::open().unwrap())).unwrap()
}

fn segments(ns: &Ns) -> Value {
    ns.json("ip -j -d link show v").unwrap()[0]["gso_max_segs"].clone()
}

#[test]
fn tc_sees_the_tree() -> Result {
    let (lab, index) = bed()?;
    let node = lab.node();
    let before = Snapshot::take(node)?;
    on(node, |handle| {
        let means = apply(handle, index, &limit("20M"), Side::Container).unwrap();
        assert_eq!(means, Means::Htb);
    });
    let qdiscs = node.run("tc qdisc show dev v")?;
    for part in [
        "qdisc htb fa17: root",
        "default 0x20",
        "qdisc pfifo fa18: parent fa17:10 limit 1000p",
        "qdisc bfifo fa19: parent fa17:20 limit 4000000b",
    ] {
        assert!(qdiscs.contains(part), "{part}: {qdiscs}");
    }
    let classes = node.run("tc class show dev v")?;
    for part in [
        "class htb fa17:1 root rate 20Mbit ceil 20Mbit burst 1600b cburst 1600b",
        "class htb fa17:10 parent fa17:1 leaf fa18: prio 0 rate 10Mbit ceil 20Mbit",
        "class htb fa17:20 parent fa17:1 leaf fa19: prio 1 rate 10Mbit ceil 20Mbit",
    ] {
        assert!(classes.contains(part), "{part}: {classes}");
    }
    let filters = node.run("tc filter show dev v")?;
    let count = filters.matches("flowid fa17:10").count();
    assert_eq!(count, 14 + 14 + 1, "{filters}");
    assert_eq!(segments(node), 3);
    on(node, |handle| {
        check(handle, index, &limit("20M"), Side::Container).unwrap();
        apply(handle, index, &limit("20M"), Side::Container).unwrap();
        check(handle, index, &limit("20M"), Side::Container).unwrap();
    });
    assert_eq!(
        node.run("tc filter show dev v")?,
        filters,
        "nothing is made anew"
    );
    on(node, |handle| {
        assert!(remove(handle, index).unwrap());
        assert!(!remove(handle, index).unwrap());
    });
    assert_eq!(segments(node), 65_535);
    assert!(!node.run("tc qdisc show dev v")?.contains("fa1"));
    assert_eq!(Snapshot::take(node)?, before);
    Ok(())
}

/// On the host's end: over the threshold and back nothing is made anew.
#[test]
fn long_packets_are_cut_where_a_limit_is_slow() -> Result {
    let (lab, index) = bed()?;
    let node = lab.node();
    for rate in ["1M", "1G", "5M"] {
        on(node, |handle| {
            apply(handle, index, &limit(rate), Side::Host).unwrap();
            check(handle, index, &limit(rate), Side::Host).unwrap();
        });
        let qdiscs = node.run("tc qdisc show dev v")?;
        let queue = "qdisc tbf fa1a: parent fa17:20 rate 100Gbit";
        assert!(qdiscs.contains(queue), "{rate}: {qdiscs}");
    }
    for bend in [
        "tc qdisc replace dev v parent fa17:20 handle fa1a: tbf rate 1mbit burst 3200 limit 4000000",
        "tc qdisc del dev v parent fa17:20",
    ] {
        node.run(bend)?;
        on(node, |handle| {
            check(handle, index, &limit("5M"), Side::Host).expect_err(bend);
            apply(handle, index, &limit("5M"), Side::Host).unwrap();
            check(handle, index, &limit("5M"), Side::Host).unwrap();
        });
    }
    Ok(())
}

#[test]
fn all_rates_and_bursts_are_taken() -> Result {
    let (lab, index) = bed()?;
    on(lab.node(), |handle| {
        let texts = ["1k", "9999", "1M", "333.3M", "5G", "34.4G", "100G", "1T"];
        for rate in texts.map(|text| text.parse::<Rate>().unwrap()) {
            for burst in [None, Some(1500), Some(1 << 20), Some(u32::MAX)] {
                let burst = burst.map(|bytes| Burst::new(u64::from(bytes)).unwrap());
                let limit = Limit { rate, burst };
                for side in [Side::Container, Side::Host] {
                    apply(handle, index, &limit, side).unwrap();
                    let checked = check(handle, index, &limit, side);
                    checked.unwrap_or_else(|error| panic!("{limit:?}: {error}"));
                }
            }
        }
    });
    Ok(())
}

#[test]
fn what_was_bent_is_seen_and_straightened() -> Result {
    let (lab, index) = bed()?;
    let (node, wanted) = (lab.node(), limit("20M"));
    on(node, |handle| {
        apply(handle, index, &wanted, Side::Container).unwrap()
    });
    for bend in [
        "tc class change dev v parent fa17: classid fa17:1 htb rate 1gbit",
        "tc class change dev v parent fa17:1 classid fa17:20 htb rate 10mbit ceil 1gbit prio 1",
        "tc qdisc replace dev v parent fa17:20 handle fa19: bfifo limit 5000",
        "tc qdisc replace dev v parent fa17:20 handle 5: pfifo limit 5",
        "tc qdisc del dev v parent fa17:10",
        "tc filter del dev v parent fa17: pref 2",
        "ip link set dev v gso_max_segs 44",
        "tc qdisc del dev v root",
        "tc qdisc replace dev v root handle fa17: htb default 30",
        "tc qdisc replace dev v root handle fa17: pfifo limit 30",
    ] {
        if bend.contains("replace dev v root") {
            node.run("tc qdisc del dev v root")?;
        }
        node.run(bend)?;
        on(node, |handle| {
            check(handle, index, &wanted, Side::Container).expect_err(bend);
            apply(handle, index, &wanted, Side::Container).unwrap();
            check(handle, index, &wanted, Side::Container).unwrap();
        });
    }
    Ok(())
}

#[test]
fn somebody_elses_is_refused_and_left_alone() -> Result {
    let (lab, index) = bed()?;
    let node = lab.node();
    node.run("tc qdisc add dev v root handle 1: htb default 1")?;
    node.run("tc class add dev v parent 1: classid 1:1 htb rate 1gbit")?;
    let before = (
        node.run("tc qdisc show dev v")?,
        node.run("tc class show dev v")?,
    );
    on(node, |handle| {
        let error = apply(handle, index, &limit("20M"), Side::Host).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("htb 1: that is somebody else's"), "{text}");
        assert!(departures(handle, index, Side::Host).is_err());
        assert!(!remove(handle, index).unwrap());
    });
    let after = (
        node.run("tc qdisc show dev v")?,
        node.run("tc class show dev v")?,
    );
    assert_eq!(after, before);
    Ok(())
}

#[test]
fn departures_are_there_or_the_limit_still_is() -> Result {
    let (lab, index) = bed()?;
    let (node, wanted) = (lab.node(), limit("20M"));
    let fair = on(node, |handle| {
        let fair = departures(handle, index, Side::Host).unwrap();
        assert_eq!(departures(handle, index, Side::Host).unwrap(), fair);
        apply(handle, index, &wanted, Side::Host).unwrap();
        assert_eq!(departures(handle, index, Side::Host).unwrap(), fair);
        match fair {
            true => assert!(matches!(
                check(handle, index, &wanted, Side::Host),
                Err(Error::Missing { .. })
            )),
            false => drop(check(handle, index, &wanted, Side::Host).unwrap()),
        }
        fair
    });
    let root = node.run("tc qdisc show dev v root")?;
    let kind = if fair {
        "qdisc fq fa17:"
    } else {
        "qdisc htb fa17:"
    };
    assert!(root.starts_with(kind), "{root}");
    Ok(())
}
