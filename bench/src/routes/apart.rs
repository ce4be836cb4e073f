//! The kernel's side alone, in this process: all is there, and the list shows it.

use super::world::{NODES, POOLS, ROUTES, VNI, blocks, vtep};
use super::{ROUNDS, process};
use crate::figure::Bound;
use crate::report::Report;
use anyhow::{Result, ensure};
use fairway_fib::{Fib, Overlay, Settings, Tenant, names};
use fairway_lab::Ns;
use fairway_netlink::Handle;
use fairway_rib::{Entry, Forward, Mtu, Prefix, Vni};
use std::net::{IpAddr, Ipv4Addr};

const VTEP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// One more round, which fills the kernel.
pub(super) fn run(report: &mut Report) -> Result<()> {
    println!("  the kernel's side alone …");
    let ns = Ns::new("apart")?;
    ns.up("lo")?;
    let (made, listed) = ns.inside(rounds)??;
    report.figure(
        "the kernel's side alone: all made, CPU time",
        "ms",
        None,
        vec![made],
    );
    let name = "a resync with nothing to do: CPU time";
    report.figure(name, "ms", Some(Bound::AtMost(200.0)), listed);
    Ok(())
}

fn rounds() -> Result<(f64, Vec<f64>)> {
    let vni = Vni::new(VNI)?;
    let mut fib = Fib::new(Handle::open()?);
    fib.configure(Settings {
        overlay: Some(Overlay {
            mac: names::mac(VTEP),
            port: 4789,
        }),
        tenants: vec![Tenant {
            vni,
            prefixes: POOLS
                .iter()
                .map(|pool| pool.1.parse())
                .collect::<Result<_, _>>()?,
        }],
        ..Settings::default()
    });
    fib.replace(entries(vni)?);
    fib.complete();
    let before = process::own_ms()?;
    let synced = fib.sync();
    let made = process::own_ms()? - before;
    ensure!(
        synced.changes >= ROUTES && !synced.again,
        "{synced:?} {:?}",
        fib.problems()
    );
    let mut listed = Vec::new();
    for _ in 0..ROUNDS * 4 {
        fib.doubt();
        let before = process::own_ms()?;
        let synced = fib.sync();
        listed.push(process::own_ms()? - before);
        ensure!(synced.changes == 0, "{synced:?}");
    }
    Ok((made, listed))
}

fn entries(vni: Vni) -> Result<Vec<Entry>> {
    let entry = |prefix, node| {
        anyhow::Ok(Entry {
            vni,
            prefix,
            forward: Forward::Encap {
                vni,
                source: VTEP,
                vtep: vtep(node),
                mtu: Mtu::new(1450)?,
            },
        })
    };
    let blocks = blocks()?;
    let blocks = blocks
        .iter()
        .map(|block| entry(Prefix::new(block.cidr)?, block.node));
    let nodes = (0..NODES).map(|node| entry(Prefix::host("vtep", vtep(node))?, node));
    blocks.chain(nodes).collect()
}
