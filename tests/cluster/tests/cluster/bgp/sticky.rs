//! A claim that lies outside the blocks of the node that has it: that node tells the addresses by themselves.

use super::stage::Fabric;
use crate::overlay::stage::{Pod, ping};
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::{PoolSet, PoolSettings};
use fairway_lab::json;
use fairway_tests_cluster::{Bed, Plan, on};
use std::net::IpAddr;

fn db(bed: &Bed, node: usize, container: &str) -> Result<Pod> {
    Pod::with(bed, node, container, "net", |cni| {
        cni.args("IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0")
    })
}

/// The address alone, as a prefix.
fn alone(ip: &IpAddr) -> String {
    format!("{ip}/{}", if ip.is_ipv4() { 32 } else { 128 })
}

#[test]
fn an_address_is_told_by_itself_where_its_node_has_no_block_of_it() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let fabric = Fabric::over_ipv6(bed)?;
        bed.door(1).pool_set(PoolSet {
            name: "net".into(),
            settings: PoolSettings {
                release: Some("on-app-delete".into()),
                ..PoolSettings::default()
            },
            ..PoolSet::default()
        })?;
        fabric.apply("BgpConfig", "all", &json!({}))?;
        fabric.peer(None)?;
        let first = db(bed, 1, "db-first")?;
        let (ips, block) = (first.ips.clone(), fabric.block()?);
        fabric.knows_by(1, &block, true)?;
        let reached = |by: usize| {
            let node = &bed.node(by).cable.address;
            eventually("the router reaches the container by its node", || {
                let four = ips.iter().find(|ip| ip.is_ipv4()).context("IPv4")?;
                let way = fabric.ns.run(&format!("ip route get {four}"))?;
                ensure!(way.contains(&format!("via {node} ")), "{way}");
                for ip in &ips {
                    ensure!(ping(&fabric.ns, *ip, 56), "{ip} by n{by}");
                }
                Ok(())
            })
        };
        reached(1)?;
        for ip in &ips {
            fabric.knows_by(1, &alone(ip), false)?;
        }

        // It moves away from its block.
        first.del()?;
        let second = db(bed, 2, "db-second")?;
        ensure!(second.ips == ips, "{:?}, not {ips:?}", second.ips);
        for ip in &ips {
            fabric.knows_by(2, &alone(ip), true)?;
        }
        fabric.knows_by(1, &block, true)?;
        reached(2)?;

        // And back: nobody tells it by itself any more.
        second.del()?;
        let third = db(bed, 1, "db-third")?;
        ensure!(third.ips == ips, "{:?}, not {ips:?}", third.ips);
        for ip in &ips {
            fabric.knows_by(2, &alone(ip), false)?;
        }
        reached(1)?;
        third.del()
    })
}
