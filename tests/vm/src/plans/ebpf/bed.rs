//! Two nodes on one store, a network over both, and containers of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_api::admin::{
    NetworkCreate, ObjectApply, PolicyStatus, PoolCreate, PoolRange, PoolSettings,
};
use fairway_lab::{Ns, Value, json, poll};
use fairway_tests_cluster::{Bed, Patience, Plan, Protocol, Reached, SOON, Target, probe};

/// Where echo servers listen.
pub(super) const PORT: u16 = 80;

/// A container.
pub(super) struct Pod {
    pub(super) ns: Ns,
    /// The host's end of its link.
    pub(super) link: String,
    /// IPv4 and IPv6.
    pub(super) ips: Vec<IpAddr>,
}

/// Runs a test on two nodes with a network; where it fails, shows what the daemons said.
pub(super) fn on(test: impl FnOnce(&Bed) -> Result<()>) -> Result<()> {
    fairway_tests_cluster::on(&Plan::nodes(2).members(1), |bed| {
        let range = |cidr: &str, block| PoolRange {
            cidr: cidr.into(),
            block: Some(block),
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        };
        let ranges = vec![range("10.50.0.0/16", 26), range("fd50::/64", 122)];
        bed.door(1).pool_create(PoolCreate {
            name: "net".into(),
            ranges,
            settings: PoolSettings {
                encap: Some("always".into()),
                ..PoolSettings::default()
            },
        })?;
        bed.door(1).network_create(NetworkCreate {
            name: "net".into(),
            pools: vec!["net".into()],
            vni: None,
            imports: Vec::new(),
        })?;
        eventually("both nodes know the network", || {
            for daemon in &bed.daemons {
                daemon.door().prepare("net")?;
            }
            Ok(())
        })?;
        test(bed)
    })
}

/// Waits for what may fail for a while; the last failure is shown.
pub(super) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let mut last = None;
    let done = poll(SOON, what, || {
        ask().map_err(|error| last = Some(error)).ok()
    });
    match (done, last) {
        (Ok(value), _) => Ok(value),
        (Err(error), None) => Err(error.into()),
        (Err(error), Some(last)) => bail!("{error}: {last:#}"),
    }
}

/// A container of the namespace `x`, judged by policies, with these limits, on a node.
pub(super) fn pod(bed: &Bed, node: usize, name: &str, bandwidth: &Value) -> Result<Pod> {
    let ns = bed.lab.container()?;
    let cni = bed.node(node).cni("vxlan").container(name).netns(&ns);
    let cni = cni.config(json!({
        "cniVersion": "1.1.0", "name": "net", "type": "vxlan", "network": "net", "policy": true,
        "ipam": {"type": "fairway"}, "bandwidth": bandwidth,
        "args": {"cni": {"labels": [{"key": "app", "value": name}]}},
    }));
    let cni = cni.args(format!(
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=x;K8S_POD_NAME={name}"
    ));
    let result = cni.add()?.ok().with_context(|| format!("ADD of {name}"))?;
    let ip = |ip: &Value| -> Result<IpAddr> {
        let text = ip["address"].as_str().context("an address")?;
        Ok(text.split('/').next().unwrap_or(text).parse()?)
    };
    let ips = result["ips"].as_array().context("ips")?.iter().map(ip);
    let link = result["interfaces"][0]["name"].as_str();
    Ok(Pod {
        ips: ips.collect::<Result<_>>()?,
        link: link.with_context(|| result.to_string())?.to_owned(),
        ns,
    })
}

/// Says objects to the first node.
pub(super) fn apply(bed: &Bed, objects: &[Value]) -> Result<()> {
    let objects = objects.to_vec();
    bed.door(1).apply(ObjectApply { objects })?;
    Ok(())
}

/// Waits until the echo server of a container is reached by both families and both protocols, or by none.
pub(super) fn reaches(from: &Pod, to: &Pod, wanted: bool) -> Result<()> {
    let by = [Protocol::Tcp, Protocol::Udp].map(|protocol| (protocol, PORT, wanted));
    reaches_by(from, to, &by)
}

/// The same of these protocols and ports: which are to be reached, and which are not.
pub(super) fn reaches_by(from: &Pod, to: &Pod, by: &[(Protocol, u16, bool)]) -> Result<()> {
    let target = |ip: &IpAddr, &(protocol, port, wanted): &_| Target {
        protocol,
        to: SocketAddr::new(*ip, port),
        wanted,
    };
    let of = |ip| by.iter().map(move |by| target(ip, by));
    let targets: Vec<Target> = to.ips.iter().flat_map(of).collect();
    let patience = Patience {
        limit: Duration::from_secs(5),
        silence: Duration::from_secs(1),
    };
    eventually("what is to be reached is, and nothing else", || {
        let found = probe(&from.ns, &targets, patience)?;
        let fits = |(target, found): (&Target, &Reached)| match target.wanted {
            true => *found == Reached::Whole,
            false => *found == Reached::No,
        };
        ensure!(targets.iter().zip(&found).all(fits), "{found:?}");
        Ok(())
    })
}

/// How many packets of a direction had one fate on a node.
pub(super) fn packets(status: &PolicyStatus, reason: &str, direction: &str) -> u64 {
    let of = status
        .packets
        .iter()
        .filter(|count| count.reason == reason && count.direction == direction);
    of.map(|count| count.packets).sum()
}

/// The filters of a link, as `tc` shows them.
pub(super) fn filters(ns: &Ns, link: &str) -> Result<String> {
    let of = |side: &str| ns.run(&format!("tc filter show dev {link} {side}"));
    Ok(of("ingress")? + &of("egress")?)
}
