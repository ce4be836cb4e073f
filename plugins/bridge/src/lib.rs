//! The bridge plugin: containers as ports of a Linux bridge.
//!
//! `add` makes, `check` compares, removing is the same for every pair of links; `conf` is what the keys mean, `master` the bridge
//! itself, `vlan` and `trunk` its VLANs.

mod add;
mod check;
pub mod conf;
mod master;
mod status;
pub mod trunk;
mod vlan;

use fairway_cni::{CniResult, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::detach;

/// The plugin `bridge`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bridge;

impl Plugin for Bridge {
    fn makes_interface(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        conf::BridgeConf::parse(context)?;
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
        status::status(context)
    }
}
