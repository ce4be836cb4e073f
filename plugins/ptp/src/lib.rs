//! The ptp plugin: a routed pair of links between host and container.
//!
//! The container sends everything, neighbours in its own subnet included, through the host: its
//! interface has no route to the subnet, but one to the gateway alone and the subnet by the gateway.
//! The host's end has the gateway's address and a route to each of the container's.

mod add;
mod check;
mod conf;

use fairway_cluster_ipam::{Daemon, policy};
use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::detach;

/// The plugin `ptp`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ptp;

impl Plugin for Ptp {
    fn makes_interface(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        conf::PtpConf::parse(context)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        detach::del(context, gone)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        detach::gc(context, valid)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let conf = conf::PtpConf::parse(context)?;
        fairway_netlink::Handle::open()
            .map_err(|error| Failure::new(Code::UNAVAILABLE, error.to_string()))?;
        if conf.policy {
            policy::status(&Daemon::from_env())?;
        }
        context.ipam()?.map_or(Ok(()), |ipam| ipam.status())
    }
}
