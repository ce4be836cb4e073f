//! bandwidth: behind a pair of links that a script has made. By what it limits differs on purpose, so it is results and
//! refusals that are compared, and which end is limited at all.

use fairway_lab::{Cni, Result, Value, json};
use fairway_tests_differential::{Case, Ipam, Maker, Pair, Side};

const HOST: &str = "veth0000abcd";
const BOTH: &str = r#"{"ingressRate": 20000000, "ingressBurst": 80000,
    "egressRate": 10000000, "egressBurst": 80000}"#;

fn bandwidth(keys: &'static str) -> Case {
    Case::new("bandwidth", keys).ipam(Ipam::None)
}

/// A pair of links, and what its plugin would have answered.
fn wired(side: &mut Side) -> Result<Value> {
    let container = side.container("c1")?;
    let path = container.path().display().to_string();
    let node = side.lab.node();
    if node.run(&format!("ip link show {HOST}")).is_err() {
        node.run(&format!(
            "ip link add {HOST} type veth peer name eth0 netns {path}"
        ))?;
        node.up(HOST)?;
        container.up("eth0")?;
    }
    let mac = |links: Value| links[0]["address"].clone();
    let outside = mac(node.json(&format!("ip -j link show {HOST}"))?);
    let inside = mac(container.json("ip -j link show eth0")?);
    Ok(json!({
        "interfaces": [{"name": HOST, "mac": outside},
                       {"name": "eth0", "mac": inside, "sandbox": path}],
        "ips": [{"interface": 1, "address": "10.77.0.2/24", "gateway": "10.77.0.1"}],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dns": {},
    }))
}

/// The plugin with a `prevResult` that `change` has had.
fn behind(side: &mut Side, case: &Case, version: &str, change: impl Fn(&mut Value)) -> Result<Cni> {
    let mut prev = wired(side)?;
    prev["cniVersion"] = json!(version);
    if version < "1.0.0" {
        prev["ips"][0]["version"] = json!("4");
    }
    change(&mut prev);
    let cni = side.cni(case, version, "c1")?;
    let mut conf = cni.conf().clone();
    if !prev.is_null() {
        conf["prevResult"] = prev;
    }
    Ok(cni.config(conf))
}

/// ADD, CHECK against its result, and DEL twice, in every version that the reference knows.
fn life(keys: &'static str) -> Result {
    let mut pair = Pair::new(bandwidth(keys))?;
    for version in ["0.3.0", "0.3.1", "0.4.0", "1.0.0"] {
        pair.version(version);
        let (theirs, ours) = pair.call("ADD", |side, case, version| {
            behind(side, case, version, |_| {})?.add()
        })?;
        pair.theirs.keep("c1", &theirs);
        pair.ours.keep("c1", &ours);
        pair.check("c1")?;
        pair.del("c1")?;
        pair.del("c1")?;
        pair.sh(&format!("ip link del {HOST}"))?;
    }
    pair.finish()
}

/// An ADD that both refuse, ours with this code.
fn refused(keys: &'static str, code: u32, change: impl Fn(&mut Value) + Sync) -> Result {
    let mut pair = Pair::new(bandwidth(keys))?;
    let (theirs, ours) = pair.call("ADD", |side, case, version| {
        behind(side, case, version, &change)?.add()
    })?;
    assert!(!theirs.status.success(), "{theirs:?}");
    ours.fails(code)?;
    let left = pair.ours.sh(&format!(
        "tc qdisc show dev {HOST}; tc class show dev {HOST}"
    ))?;
    assert!(!left.contains("fa17"), "{left}");
    pair.finish()
}

/// Which ends are limited: what the container gets, and what it sends.
fn ends(side: &mut Side) -> Result<(bool, bool)> {
    let node = side.lab.node();
    let to = node.run(&format!("tc qdisc show dev {HOST}"))?;
    let ours = side.maker == Maker::Ours;
    let root = if ours {
        "htb fa17: root"
    } else {
        "tbf 1: root"
    };
    let from = match ours {
        true => side
            .container("c1")?
            .run("tc qdisc show dev eth0")?
            .contains(root),
        false => to.contains("ingress ffff:"),
    };
    Ok((to.contains(root), from))
}

/// Both limit the same ends.
fn limits(keys: &'static str, wanted: (bool, bool)) -> Result {
    let mut pair = Pair::new(bandwidth(keys))?;
    pair.call("ADD", |side, case, version| {
        behind(side, case, version, |_| {})?.add()
    })?;
    for side in [&mut pair.theirs, &mut pair.ours] {
        assert_eq!(ends(side)?, wanted, "{:?}", side.maker);
    }
    pair.finish()
}

cases! {
    both_directions: life(BOTH);
    to_the_container: life(r#"{"ingressRate": 20000000, "ingressBurst": 80000}"#);
    from_the_container: life(r#"{"egressRate": 1000000000, "egressBurst": 8000000}"#);
    nothing: life(r#"{"ingressRate": 0, "ingressBurst": 0}"#);
    // The reference of Debian ends with a signal at CHECK.
    no_keys: limits("{}", (false, false));
    passed_by_the_runtime: life(
        r#"{"runtimeConfig": {"bandwidth": {"ingressRate": 20000000, "ingressBurst": 4294967295}}}"#,
    );

    both_ends: limits(BOTH, (true, true));
    one_end: limits(r#"{"INGRESSRATE": 20000000, "ingressburst": 80000}"#, (true, false));
    by_the_runtime: limits(
        r#"{"runtimeConfig": {"bandwidth": {"egressRate": 20000000, "egressBurst": 80000}}}"#,
        (false, true),
    );
    the_configuration_counts_whole: limits(
        r#"{"ingressRate": 20000000, "ingressBurst": 80000,
            "runtimeConfig": {"bandwidth": {"egressRate": 20000000, "egressBurst": 80000}}}"#,
        (true, false),
    );
    also_where_it_says_zero: limits(
        r#"{"ingressRate": 0,
            "runtimeConfig": {"bandwidth": {"egressRate": 20000000, "egressBurst": 80000}}}"#,
        (false, false),
    );

    burst_alone: refused(r#"{"egressBurst": 80000}"#, 7, |_| {});
    burst_beyond_four_gigabytes: refused(
        r#"{"egressRate": 1000000, "egressBurst": 34359738360}"#, 7, |_| {},
    );
    negative: refused(r#"{"ingressRate": -1, "ingressBurst": 80000}"#, 7, |_| {});
    text: refused(r#"{"ingressRate": "20M", "ingressBurst": 80000}"#, 7, |_| {});
    fraction: refused(r#"{"ingressRate": 1.5, "ingressBurst": 80000}"#, 7, |_| {});
    of_the_runtime: refused(r#"{"runtimeConfig": {"bandwidth": {"egressBurst": 80000}}}"#, 7, |_| {});
    no_result: refused(BOTH, 7, |prev| *prev = Value::Null);
    another_host_end: refused(BOTH, 7, |prev| prev["interfaces"][0]["name"] = json!("other"));
    rate_without_burst: {
        let mut pair = Pair::new(bandwidth(r#"{"ingressRate": 20000000}"#))?;
        pair.call("ADD", |side, case, version| {
            behind(side, case, version, |_| {})?.add()
        })?;
        pair.finish()
    };
}
