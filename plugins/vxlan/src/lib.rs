//! The vxlan plugin: a container of a network that spans nodes.
//!
//! A routed pair of links, as with ptp, but with a gateway that is the same in every container, 169.254.1.1
//! and fe80::1, and addresses of their own (/32, /128): an address that goes to another node with its workload
//! leaves nothing behind that says it is elsewhere. Each end knows the other's hardware address for good, so
//! nobody asks by ARP or ND. How packets get from node to node, and the node's own routes, are fairwayd's.
//!
//! `conf` is what the keys mean, `network` what the daemon says of the network, `shape` what becomes of the
//! IPAM plugin's result, `links` what the kernel is told; `add`, `check`, `status` the verbs. Removing is the
//! same for every pair of links.
//!
//! What can go wrong is the daemon: without it there is no ADD (code 11), and one that dies before it has said
//! that the container is reached takes the links and the address with it. DEL succeeds without it.

mod add;
mod check;
pub mod conf;
mod links;
mod network;
mod shape;
mod status;

use fairway_cluster_ipam::Daemon;
use fairway_cni::{CniResult, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::detach;

/// The plugin `vxlan`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vxlan(());

impl Vxlan {
    /// It finds the daemon where the environment says, at each call.
    pub const fn new() -> Self {
        Vxlan(())
    }
}

impl Plugin for Vxlan {
    fn makes_interface(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        conf::VxlanConf::parse(context)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox, &Daemon::from_env())
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        detach::del(context, gone)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox, &Daemon::from_env())
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        detach::gc(context, valid)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        status::status(context, &Daemon::from_env())
    }
}
