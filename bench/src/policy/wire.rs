//! Packets between containers with policies in force, and without: on one node, between two, and on a bridge.
//!
//! Both ends are under a policy of each direction that lets them talk, so that there is something to judge.

use super::connect;
use crate::overlay::{Way, load, ours};
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_api::admin::ObjectApply;
use fairway_lab::{Cni, Ns, Value, json, reference_dir};
use fairway_tests_cluster::{Bed, Plan};

const SECONDS: u32 = 2;
const TRIPS: usize = 3_000;
const PORT: u16 = 5202;
/// With policy at least so much of without.
const PART: f64 = 0.95;

const SAME: [&str; 2] = ["one node", "one node, no policy"];
const OTHER: [&str; 2] = [
    "two nodes, encapsulated",
    "two nodes, encapsulated, no policy",
];
const DIRECT: [&str; 2] = ["two nodes, direct", "two nodes, direct, no policy"];
const BRIDGE: [&str; 2] = ["our bridge", "our bridge, no policy"];
const REFERENCE: &str = "the reference's bridge";

/// What is set against what.
const PAIRS: [(&str, &str); 6] = [
    (SAME[0], SAME[1]),
    (OTHER[0], OTHER[1]),
    (DIRECT[0], DIRECT[1]),
    (BRIDGE[0], BRIDGE[1]),
    (SAME[0], REFERENCE),
    (BRIDGE[0], REFERENCE),
];

#[derive(Debug, Default)]
struct Done {
    rate: Vec<f64>,
    trip: Vec<f64>,
    made: Vec<f64>,
}

/// All ways stand at once, and are used by turns.
pub(super) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 4).max(9);
    fairway_tests_cluster::on(&Plan::nodes(2).members(1), |bed| {
        let ways = ways(bed)?;
        for way in &ways {
            report.notes.push(load::describe(way)?);
        }
        println!("  {rounds} rounds of {} ways …", ways.len());
        let mut done: Vec<Done> = ways.iter().map(|_| Done::default()).collect();
        for round in 0..rounds {
            for turn in 0..ways.len() {
                let at = (round + turn) % ways.len();
                let (way, done) = (&ways[at], &mut done[at]);
                done.rate
                    .push(load::stream_for(way, SECONDS).with_context(|| way.name)?);
                let trips = connect::trips(way, PORT, TRIPS).with_context(|| way.name)?;
                done.trip.push(Samples(trips).median());
                let made = connect::times(way, PORT, TRIPS / 10).with_context(|| way.name)?;
                done.made.push(Samples(made).median());
            }
        }
        let of = |name: &str| {
            let at = ways.iter().position(|way| way.name == name);
            at.map(|at| &done[at])
                .with_context(|| format!("{name} is missing"))
        };
        for (ours, theirs) in PAIRS {
            compare(report, (ours, of(ours)?), (theirs, of(theirs)?));
        }
        Ok(())
    })
}

fn ways(bed: &Bed) -> Result<Vec<Way>> {
    ours::network(bed, ("always", "10.64.0.0/16", "always"), false)?;
    ours::network(bed, ("direct", "10.65.0.0/16", "cross-subnet"), false)?;
    allow(bed)?;
    let mut ways = Vec::new();
    for (names, network, node) in [
        (SAME, "always", 1),
        (OTHER, "always", 2),
        (DIRECT, "direct", 2),
    ] {
        for (name, policy) in names.into_iter().zip([true, false]) {
            let end = |number, end: &str| {
                let id = format!("{network}-{node}-{policy}-{end}");
                ours::attached(bed, number, network, (&id, json!({"policy": policy})))
            };
            let (client, _) = end(1, "client").context(name)?;
            let (server, to) = end(node, "server").context(name)?;
            ways.push(Way {
                name,
                client,
                server,
                to,
            });
        }
    }
    for (at, (name, policy)) in BRIDGE.into_iter().zip([true, false]).enumerate() {
        let more = json!({"policy": policy});
        ways.push(bridge(bed, name, at, |kind| bed.node(1).cni(kind), more)?);
    }
    let node = &bed.node(1).ns;
    let reference = |kind: &str| Cni::new(node, reference_dir(), kind);
    ways.push(bridge(bed, REFERENCE, 2, reference, json!({}))?);
    Ok(ways)
}

/// To and from all pods of the namespace, for all of them.
fn allow(bed: &Bed) -> Result<()> {
    let all = json!([{"podSelector": {}}]);
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "own", "namespace": "bench"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"],
                 "ingress": [{"from": all}], "egress": [{"to": all}]},
    });
    bed.door(1).apply(ObjectApply {
        objects: vec![policy],
    })?;
    Ok(())
}

fn bridge(
    bed: &Bed,
    name: &'static str,
    number: usize,
    plugin: impl Fn(&str) -> Cni,
    more: Value,
) -> Result<Way> {
    let folder = bed.lab.scratch().join(format!("addresses-{number}"));
    let attached = |end: &str| -> Result<(Ns, String)> {
        let container = bed.lab.container()?;
        let mut config = json!({
            "cniVersion": "1.0.0", "name": format!("bridge-{number}"), "type": "bridge",
            "bridge": format!("br{number}"), "isGateway": true,
            "ipam": {"type": "host-local", "subnet": format!("10.9{number}.0.0/24"),
                     "dataDir": folder, "routes": [{"dst": "0.0.0.0/0"}]},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let id = format!("bridge-{number}-{end}");
        let plugin = plugin("bridge").config(config).container(&id);
        let plugin = plugin.netns(&container).args(format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME={id}"
        ));
        let result = plugin.add()?.ok().with_context(|| name)?;
        let address = result["ips"][0]["address"].as_str().context("no address")?;
        let address = address.split('/').next().unwrap_or(address).to_owned();
        Ok((container, address))
    };
    let (client, _) = attached("client")?;
    let (server, to) = attached("server")?;
    Ok(Way {
        name,
        client,
        server,
        to,
    })
}

fn compare(report: &mut Report, ours: (&str, &Done), theirs: (&'static str, &Done)) {
    let (o, t) = (ours.1, theirs.1);
    let sides = [
        (
            "TCP, one stream",
            "Gbit/s",
            Better::More,
            Some(PART),
            &t.rate,
            &o.rate,
        ),
        (
            "a byte there and back",
            "µs",
            Better::Less,
            Some(1.0 / PART),
            &t.trip,
            &o.trip,
        ),
        (
            "a connection is made",
            "µs",
            Better::Less,
            None,
            &t.made,
            &o.made,
        ),
    ];
    for (what, unit, better, target, theirs_did, ours_did) in sides {
        let target = target.map(|target| (target * 1000.0_f64).round() / 1000.0);
        let measure = Measure {
            name: format!("{what}: {}, to {}", ours.0, theirs.0),
            unit,
            peer: theirs.0,
            better,
            target,
            theirs: Samples(theirs_did.clone()),
            ours: Samples(ours_did.clone()),
        };
        measure.tell();
        report.measures.push(measure);
    }
}
