//! What no DEL can be quicker than: the kernel's own deletion of a pair of links.
//!
//! It waits for a grace period of RCU within the system call, whoever asks. One request on an open
//! socket, in turns with our DEL, tells how much of that is ours.

use super::side::Side;
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_lab::{Ns, json, plugin_dir};
use fairway_netlink::{Handle, LinkChange, NetNs, Netlink as _, VethPeer, VethSpec};
use std::os::fd::AsFd as _;
use std::time::Instant;

/// Our DEL beside one RTM_DELLINK.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    println!("  deleting a pair of links: {rounds} rounds of DEL and of the kernel alone …");
    let side = Side::new(plugin_dir())?;
    let container = side.lab.container()?;
    let config = side.config(&json!({}));
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let id = format!("c{round}");
        side.call("ADD", &config, (&id, &container))?;
        let call = side.call("DEL", &config, (&id, &container))?;
        let alone = delete_pair(side.lab.node(), &container)?;
        if round > 0 {
            ours.push(call.wall_ms());
            bare.push(alone);
        }
    }
    let measure = Measure {
        name: "DEL beside the kernel's part of it".to_owned(),
        unit: "ms",
        peer: "one RTM_DELLINK on an open socket",
        better: Better::Less,
        target: None,
        theirs: Samples(bare),
        ours: Samples(ours),
    };
    measure.tell();
    report.measures.push(measure);
    Ok(())
}

/// A pair that is up at both ends, as an attachment's; how many ms its deletion takes.
fn delete_pair(node: &Ns, container: &Ns) -> Result<f64> {
    node.inside(|| -> Result<f64> {
        let netns = NetNs::open(container.path())?;
        let (mut host, mut inside) = (Handle::open()?, Handle::open_in(&netns)?);
        host.create_veth(&VethSpec {
            name: "bare".to_owned(),
            up: true,
            peer: VethPeer {
                name: "bare".to_owned(),
                netns: Some(netns.as_fd()),
                ..VethPeer::default()
            },
            ..VethSpec::default()
        })?;
        let near = host.link_by_name("bare")?.context("no link")?;
        let far = inside.link_by_name("bare")?.context("no peer")?;
        let up = LinkChange {
            up: Some(true),
            ..LinkChange::default()
        };
        inside.change_link(far.index, &up)?;
        let begin = Instant::now();
        host.delete_link(near.index)?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    })?
}
