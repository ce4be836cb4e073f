//! What no ADD can be quicker than: the kernel makes a pair of links and sets it up, asked by threads of this process.
//!
//! One lock is behind all changes of links, of all namespaces. With 32 in flight each waits for the others, whoever asks.

use super::PODS;
use crate::cni::many::each;
use anyhow::{Context as _, Result};
use fairway_lab::{Lab, Ns};
use fairway_netlink::{Handle, NetNs, Netlink as _, VethPeer, VethSpec};
use std::os::fd::AsFd as _;
use std::time::Instant;

/// A node, and namespaces for the other ends.
#[derive(Debug)]
pub(super) struct Floor {
    lab: Lab,
    spaces: Vec<Ns>,
}

impl Floor {
    pub(super) fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let spaces = (0..PODS).map(|_| lab.container());
        let spaces = spaces.collect::<Result<_, _>>()?;
        Ok(Self { lab, spaces })
    }

    /// What each pair took, in ms.
    pub(super) fn add(&self, at_a_time: usize) -> Result<Vec<f64>> {
        each(self.lab.node(), &self.spaces, at_a_time, pair)
    }

    /// Takes all of them away.
    pub(super) fn del(&self, at_a_time: usize) -> Result<()> {
        let delete = |at: usize, _: &Ns| -> Result<()> {
            let mut host = Handle::open()?;
            let link = host.link_by_name(&name(at))?.context("no link")?;
            host.delete_link(link.index)?;
            Ok(())
        };
        each(self.lab.node(), &self.spaces, at_a_time, delete).map(drop)
    }
}

fn name(at: usize) -> String {
    format!("bare{at}")
}

fn pair(at: usize, container: &Ns) -> Result<f64> {
    let netns = NetNs::open(container.path())?;
    let (mut host, mut inside) = (Handle::open()?, Handle::open_in(&netns)?);
    let begin = Instant::now();
    host.create_veth(&VethSpec {
        name: name(at),
        up: true,
        peer: VethPeer {
            name: "eth0".to_owned(),
            netns: Some(netns.as_fd()),
            ..VethPeer::default()
        },
        ..VethSpec::default()
    })?;
    let far = inside.glance("eth0")?.context("no peer")?;
    inside.bring_up(far.index, &[], &[])?;
    Ok(begin.elapsed().as_secs_f64() * 1e3)
}
