//! Rates: the plugin `bandwidth` behind another one, and the key of that name in those that make links.

use fairway_tests_netns::{
    Bed, Feature, Member, Ns, Result, Value, json, link, links, plugin_dir, poll, reference_dir,
    require,
};
use std::time::Duration;

mod asked;

const TWENTY: &str = "class htb fa17:1 root rate 20Mbit ceil 20Mbit";
const TEN: &str = "class htb fa17:1 root rate 10Mbit ceil 10Mbit";

/// 20 Mbit/s to the container, 10 from it.
fn keys() -> Value {
    json!({"ingressRate": 20_000_000, "ingressBurst": 80_000, "egressRate": 10_000_000})
}

fn flat(version: &str, extra: Value) -> Value {
    let mut conf = json!({"cniVersion": version, "name": "net", "type": "bandwidth"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

/// The rates of both ends, as `tc` shows them.
fn shown(bed: &Bed, host: &str, ns: &Ns) -> Result<[String; 2]> {
    let to = bed.node().run(&format!("tc class show dev {host}"))?;
    Ok([to, ns.run("tc class show dev eth0")?])
}

/// How the links of node and container send. All else is as it was by itself a moment later.
fn sending(bed: &Bed, ns: &Ns) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for space in [bed.node(), ns] {
        lines.push(space.run("tc qdisc show")?);
        for link in links(space)? {
            lines.push(format!("{} {}", link["ifname"], link["gso_max_segs"]));
        }
    }
    Ok(lines)
}

fn limited(bed: &Bed, host: &str, ns: &Ns) -> Result {
    let [to, from] = shown(bed, host, ns)?;
    assert!(to.contains(TWENTY) && from.contains(TEN), "{to}\n{from}");
    assert!(link(ns, "eth0")?["gso_max_segs"].as_u64() < Some(10));
    Ok(())
}

fn unlimited(bed: &Bed, host: &str, ns: &Ns) -> Result {
    let [to, from] = shown(bed, host, ns)?;
    assert!(to.is_empty() && from.is_empty(), "{to}\n{from}");
    assert_eq!(link(ns, "eth0")?["gso_max_segs"], 65_535);
    Ok(())
}

/// What a runtime does with a list: each plugin gets the result of the one before.
fn behind(bed: &Bed, member: &Member, conf: &Value) -> Result<Member> {
    let mut conf = conf.clone();
    conf["prevResult"] = member.result.clone();
    let cni = bed.cni("a", &member.ns, &conf);
    Member::add(member.ns.clone(), cni)
}

#[test]
fn behind_others_in_every_version() -> Result {
    for kind in ["bridge", "ptp"] {
        for version in [
            "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
        ] {
            let bed = Bed::new()?;
            let first = bed.add("a", &bed.conf(kind, json!({"cniVersion": version})))?;
            let before = sending(&bed, &first.ns)?;
            let alias = bed.node().run("ip -br link show type veth")?;
            let host = alias
                .split(['@', ' '])
                .next()
                .unwrap_or_default()
                .to_owned();
            let limit = behind(&bed, &first, &flat(version, keys()))?;
            assert_eq!(limit.result, first.result, "{version}");
            limited(&bed, &host, &first.ns)?;
            if version >= "0.4.0" {
                limit.check()?;
            }
            // Again, and the other way round: nothing is there twice.
            behind(&bed, &first, &flat(version, keys()))?;
            limited(&bed, &host, &first.ns)?;
            for _ in 0..2 {
                limit.del()?;
                unlimited(&bed, &host, &first.ns)?;
            }
            assert_eq!(sending(&bed, &first.ns)?, before);
            first.del()?;
        }
    }
    Ok(())
}

#[test]
fn what_the_runtime_passes() -> Result {
    let bed = Bed::new()?;
    let first = bed.add("a", &bed.conf("ptp", json!({})))?;
    let mut most = keys();
    // As containerd and CRI-O say that there is no burst.
    most["ingressBurst"] = json!(u32::MAX);
    most["egressBurst"] = json!(u32::MAX as u64 * 8 - 1);
    let passed = json!({"runtimeConfig": {"bandwidth": most}});
    let limit = behind(&bed, &first, &flat("1.1.0", passed))?;
    limited(&bed, &first.host_link(), &first.ns)?;
    let classes = bed
        .node()
        .run(&format!("tc class show dev {}", first.host_link()))?;
    assert!(classes.contains("burst 1600b"), "{classes}");
    limit.check()?;
    limit.del()?;
    // What the configuration says counts whole.
    let both = json!({"runtimeConfig": {"bandwidth": keys()}, "egressRate": 0});
    behind(&bed, &first, &flat("1.1.0", both))?;
    unlimited(&bed, &first.host_link(), &first.ns)
}

#[test]
fn check_finds_what_was_bent() -> Result {
    let bed = Bed::new()?;
    for (kind, extra) in [
        ("bandwidth", keys()),
        ("bridge", json!({"bandwidth": keys()})),
    ] {
        let first = match kind {
            "bridge" => bed.add("a", &bed.conf(kind, extra.clone()))?,
            _ => bed.add("a", &bed.conf("bridge", json!({})))?,
        };
        let limit = match kind {
            "bridge" => first.clone(),
            _ => behind(&bed, &first, &flat("1.1.0", extra))?,
        };
        limit.check()?;
        let host = first.host_link();
        limited(&bed, &host, &first.ns)?;
        bed.node().run(&format!(
            "tc class change dev {host} parent fa17: classid fa17:1 htb rate 1gbit"
        ))?;
        limit.check_finds("the limit of class fa17:1 is 1000000000 bit/s, not 20000000 bit/s")?;
        bed.node().run(&format!("tc qdisc del dev {host} root"))?;
        limit.check_finds("has no limit")?;
        let theirs = format!("tc qdisc add dev {host} root handle 1: pfifo");
        bed.node().run(&theirs)?;
        assert!(limit.cni.check(&limit.result)?.error.is_some());
        // DEL leaves another's where it is, and takes the rest.
        limit.del()?;
        if kind == "bandwidth" {
            assert!(
                bed.node()
                    .run(&format!("tc qdisc show dev {host}"))?
                    .contains("pfifo 1:")
            );
            assert!(first.ns.run("tc class show dev eth0")?.is_empty());
            first.del()?;
        }
    }
    Ok(())
}

#[test]
fn del_without_anything() -> Result {
    let bed = Bed::new()?;
    let first = bed.add("a", &bed.conf("bridge", json!({})))?;
    let limit = behind(&bed, &first, &flat("1.1.0", keys()))?;
    first.del()?;
    limit.del()?;
    // The path of a namespace that is gone, none at all, no result, and keys that are wrong.
    let nonsense = bed.cni(
        "a",
        &first.ns,
        &flat("1.1.0", json!({"ingressRate": "fast"})),
    );
    for cni in [&limit.cni, &nonsense] {
        cni.clone()
            .netns_path(Some("/run/netns/fairway-gone"))
            .del(None)?
            .ok()?;
        cni.clone()
            .netns_path(None)
            .del(Some(&first.result))?
            .ok()?;
        cni.del(None)?.ok()?;
    }
    limit.cni.gc(&[])?.ok()?;
    limit.cni.status()?.ok().map(drop)
}

/// A late DEL finds another container at the same path, with an interface of the same name.
#[test]
fn a_late_del_frees_no_other() -> Result {
    let bed = Bed::new()?;
    let first = bed.add("a", &bed.conf("ptp", json!({})))?;
    let limit = behind(&bed, &first, &flat("1.1.0", keys()))?;
    first.del()?;
    let ns = first.ns.clone();
    let second = Member::add(ns.clone(), bed.cni("b", &ns, &bed.conf("ptp", json!({}))))?;
    let mut conf = flat("1.1.0", keys());
    conf["prevResult"] = second.result.clone();
    bed.cni("b", &ns, &conf).add()?.ok()?;
    limit.del()?;
    limit.cni.del(None)?.ok()?;
    limited(&bed, &second.host_link(), &ns)
}

#[test]
fn what_is_refused_changes_nothing() -> Result {
    let bed = Bed::new()?;
    let first = bed.add("a", &bed.conf("ptp", json!({})))?;
    let before = sending(&bed, &first.ns)?;
    let call = |extra: Value| {
        let mut conf = flat("1.1.0", extra);
        conf["prevResult"] = first.result.clone();
        bed.cni("a", &first.ns, &conf)
    };
    for (extra, field) in [
        (json!({"ingressRate": -5}), "ingressRate"),
        (
            json!({"ingressRate": 20_000_000, "ingressBurst": 8000}),
            "ingressBurst",
        ),
        (json!({"egressBurst": 80_000}), "egressBurst"),
        (
            json!({"runtimeConfig": {"bandwidth": {"egressRate": 1}}}),
            "runtimeConfig.bandwidth.egressRate",
        ),
        (json!({"egressRate": 1e15}), "egressRate"),
        (
            json!({"egressRate": 20_000_000, "unshapedSubnets": ["10.0.0.0/8"]}),
            "unshapedSubnets",
        ),
    ] {
        let error = call(extra.clone()).add()?.fails(7)?;
        assert!(error.msg.starts_with(field), "{extra}: {error:?}");
        let error = call(extra).check(&first.result)?.fails(7)?;
        assert!(error.msg.starts_with(field), "{error:?}");
    }
    let error = bed
        .cni("a", &first.ns, &flat("1.1.0", keys()))
        .add()?
        .fails(7)?;
    assert!(error.msg.contains("prevResult"), "{error:?}");
    assert_eq!(sending(&bed, &first.ns)?, before);
    // Where the second end cannot be limited, the first is not either.
    first.ns.run("tc qdisc add dev eth0 root handle 1: pfifo")?;
    let before = sending(&bed, &first.ns)?;
    let error = call(keys()).add()?.fails(105)?;
    assert!(error.msg.contains("somebody else's"), "{error:?}");
    assert_eq!(sending(&bed, &first.ns)?, before);
    // Those that make links undo these as well.
    let ns = bed.container()?;
    let before = (sending(&bed, &ns)?, bed.held("net"));
    let mut wide = keys();
    wide["egressBurst"] = json!(16_000);
    for kind in ["bridge", "ptp"] {
        let conf = bed.conf(
            kind,
            json!({"mtu": 9000, "bandwidth": wide, "bridge": "br7"}),
        );
        let error = bed.cni("b", &ns, &conf).add()?.fails(7)?;
        assert!(
            error.msg.starts_with("bandwidth.egressBurst: 16000"),
            "{error:?}"
        );
        let _ = bed.node().run("ip link del br7");
    }
    assert_eq!((sending(&bed, &ns)?, bed.held("net")), before);
    Ok(())
}

#[test]
fn links_are_limited_from_the_start() -> Result {
    for kind in ["bridge", "ptp"] {
        let bed = Bed::new()?;
        for extra in [
            json!({"bandwidth": keys()}),
            json!({"runtimeConfig": {"bandwidth": keys()}}),
            // One flat object, as Mesos has it.
            json!({"bandwidth": keys(), "cniVersion": "0.2.0"}),
        ] {
            let member = bed.add("a", &bed.conf(kind, extra.clone()))?;
            let alias = bed.node().run("ip -br link show type veth")?;
            let host = alias.split(['@', ' ']).next().unwrap_or_default();
            limited(&bed, host, &member.ns)?;
            if extra.get("cniVersion").is_none() {
                member.check()?;
            }
            member.del()?;
        }
    }
    Ok(())
}

/// What the reference plugin has limited is checked and freed, and the other way round.
#[test]
fn a_node_changes_over() -> Result {
    if !require(Feature::Ifb)? {
        return Ok(());
    }
    let bed = Bed::new()?;
    let first = bed.add("a", &bed.conf("ptp", json!({"cniVersion": "1.0.0"})))?;
    let before = sending(&bed, &first.ns)?;
    let mut conf = flat("1.0.0", keys());
    conf["egressBurst"] = json!(80_000);
    conf["prevResult"] = first.result.clone();
    let by = |dir: std::path::PathBuf| bed.cni_in(&dir, "a", &first.ns, &conf);
    let (theirs, ours) = (by(reference_dir()), by(plugin_dir()));
    let result = theirs.add()?.ok()?;
    let device = result["interfaces"][2]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(device.starts_with("bwp"), "{result}");
    ours.check(&result)?.ok()?;
    let halved = {
        let mut conf = conf.clone();
        conf["egressRate"] = json!(5_000_000);
        bed.cni("a", &first.ns, &conf)
    };
    halved.check(&result)?.fails(100)?;
    // What the container sends is free again; what it gets goes with the link, as with the reference.
    ours.del(Some(&result))?.ok()?;
    assert!(bed.node().run(&format!("ip link show {device}")).is_err());
    let host = first.host_link();
    bed.node().run(&format!("tc qdisc del dev {host} root"))?;
    let _ = bed.node().run(&format!("tc qdisc del dev {host} ingress"));
    assert_eq!(sending(&bed, &first.ns)?, before);

    let result = ours.add()?.ok()?;
    theirs.del(Some(&result))?.ok()?;
    limited(&bed, &host, &first.ns)?;
    first.del()
}

/// 20 Mbit/s there and 10 back, through the plugins alone.
#[test]
fn rates_hold() -> Result {
    let bed = Bed::new()?;
    let conf = |extra| bed.conf("bridge", extra);
    let (a, b) = (
        bed.add("a", &conf(json!({"isGateway": true, "bandwidth": keys()})))?,
        bed.add("b", &conf(json!({"isGateway": true})))?,
    );
    for (reverse, wanted) in [(true, 20.0), (false, 10.0)] {
        let server = b.ns.command("iperf3").args(["-s", "-1", "-J"]).spawn()?;
        let listens = || {
            b.ns.run("ss -Hltn sport = :5201")
                .is_ok_and(|it| !it.is_empty())
        };
        poll(Duration::from_secs(60), "iperf3 listens", listens)?;
        let mut args = vec![
            "-c".to_owned(),
            b.v4(),
            "-J".into(),
            "-t".into(),
            "3".into(),
        ];
        args.push(if reverse { "-R" } else { "--get-server-output" }.to_owned());
        let told = a.ns.command("iperf3").args(args).json()?;
        let receiver = if reverse {
            &told
        } else {
            &told["server_output_json"]
        };
        let mut sums = (0.0, 0.0);
        for interval in receiver["intervals"].as_array().into_iter().flatten() {
            let number = |key: &str| interval["sum"][key].as_f64().unwrap_or_default();
            sums = (sums.0 + number("bytes"), sums.1 + number("seconds"));
        }
        // Frames have 1514 bytes, and 1448 of them are the program's.
        let rate = sums.0 * 8.0 / 1e6 / sums.1 * 1514.0 / 1448.0;
        assert!(
            (rate / wanted - 1.0_f64).abs() < 0.03,
            "{rate} of {wanted} Mbit/s"
        );
        assert_eq!(told["end"]["sum_sent"]["retransmits"], 0, "{rate}");
        drop(server);
    }
    Ok(())
}
