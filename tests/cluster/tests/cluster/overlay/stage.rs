//! A cluster with networks, and containers that the vxlan plugin attached to them.

use crate::support::{create, eventually, range};
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{NetworkCreate, PoolCreate, PoolSettings};
use fairway_lab::{Cni, Ns, Value, json};
use fairway_tests_cluster::{Bed, Daemon, SOON};
use std::net::IpAddr;
use std::process::Output;
use std::time::{Duration, Instant};

/// A container of a network.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) ns: Ns,
    pub(crate) cni: Cni,
    pub(crate) result: Value,
    pub(crate) ips: Vec<IpAddr>,
}

/// The plugin as a runtime would call it.
pub(crate) fn plugin(daemon: &Daemon, name: &str, network: &str, ns: Option<&Ns>) -> Cni {
    let config = json!({"cniVersion": "1.1.0", "name": "net", "type": "vxlan", "network": network,
                        "ipam": {"type": "fairway"}});
    let cni = daemon.cni("vxlan").container(name).config(config);
    match ns {
        Some(ns) => cni.netns(ns),
        None => cni,
    }
}

impl Pod {
    pub(crate) fn add(bed: &Bed, node: usize, name: &str, network: &str) -> Result<Pod> {
        Pod::with(bed, node, name, network, |cni| cni)
    }

    /// As the runtime's caller wants it.
    pub(crate) fn with(
        bed: &Bed,
        node: usize,
        name: &str,
        network: &str,
        more: impl FnOnce(Cni) -> Cni,
    ) -> Result<Pod> {
        let ns = bed.lab.container()?;
        let cni = more(plugin(bed.node(node), name, network, Some(&ns)));
        Pod::of(name, ns, cni)
    }

    /// As the plugin attaches it.
    pub(crate) fn of(name: &str, ns: Ns, cni: Cni) -> Result<Pod> {
        let result = cni.add()?.ok().with_context(|| format!("ADD of {name}"))?;
        let ips = result["ips"].as_array().context("ips")?.iter();
        let ip = |ip: &Value| -> Result<IpAddr> {
            let text = ip["address"].as_str().context("an address")?;
            Ok(text.split('/').next().unwrap_or(text).parse()?)
        };
        let ips = ips.map(ip).collect::<Result<_>>()?;
        let name = name.to_owned();
        Ok(Pod {
            name,
            ns,
            cni,
            result,
            ips,
        })
    }

    pub(crate) fn del(&self) -> Result<()> {
        self.cni.del(Some(&self.result))?.ok().context("DEL")?;
        Ok(())
    }
}

/// One packet there and back. Who is not reached is listened to for a second.
pub(crate) fn ping(from: &Ns, to: IpAddr, size: u16) -> bool {
    echoed(from, to, size, 1.0)
}

/// As [`ping`], where it has to be answered: on a busy machine that may take its time, and nothing is sent again.
pub(crate) fn answers(from: &Ns, to: IpAddr, size: u16) -> bool {
    echoed(from, to, size, 20.0)
}

fn echoed(from: &Ns, to: IpAddr, size: u16, seconds: f64) -> bool {
    let done = from
        .std_command("ping")
        .args(["-n", "-q", "-c1", "-s", &size.to_string()])
        .arg(format!("-W{seconds}"))
        .arg(to.to_string())
        .output();
    done.is_ok_and(|output: Output| output.status.success())
}

/// Everybody reaches everybody, at once: an ADD answers when it is so on its node, and the others have
/// heard of the block a moment later.
pub(crate) fn all_pairs(pods: &[Pod]) -> Result<()> {
    for from in pods {
        // Its own address is the loopback plugin's business.
        for to in pods.iter().filter(|to| to.name != from.name) {
            for ip in &to.ips {
                reaches(from, *ip, SOON)
                    .with_context(|| format!("{} to {}", from.name, to.name))?;
            }
        }
    }
    Ok(())
}

pub(crate) fn reaches(from: &Pod, to: IpAddr, within: Duration) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        if ping(&from.ns, to, 56) {
            return Ok(begun.elapsed());
        }
        ensure!(
            begun.elapsed() < within,
            "{} does not reach {to} within {within:?}",
            from.name
        );
    }
}

/// A pool of both families whose packets to other nodes go so.
pub(crate) fn pool(name: &str, net: u8, encap: &str) -> PoolCreate {
    PoolCreate {
        name: name.to_owned(),
        ranges: vec![
            range(&format!("10.{net}.0.0/16"), 26),
            range(&format!("fd00:{net}::/64"), 122),
        ],
        settings: PoolSettings {
            cooldown: Some(1),
            reserve: Some(1),
            encap: Some(encap.to_owned()),
            ..PoolSettings::default()
        },
    }
}

/// A network with one pool; all nodes know it.
pub(crate) fn network(bed: &Bed, name: &str, net: u8, encap: &str) -> Result<()> {
    create(bed, pool(name, net, encap))?;
    bed.door(1).network_create(NetworkCreate {
        name: name.to_owned(),
        pools: vec![name.to_owned()],
        vni: None,
        imports: Vec::new(),
    })?;
    eventually("all nodes know the network", || {
        for daemon in &bed.daemons {
            daemon.door().prepare(name)?;
        }
        Ok(())
    })
}

/// As [`ping`], with little patience: to measure by.
pub(crate) fn quick(from: &Ns, to: IpAddr) -> bool {
    echoed(from, to, 56, 0.1)
}
