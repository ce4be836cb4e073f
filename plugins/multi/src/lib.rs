//! The multi plugin: several networks for one container, in one ADD.
//!
//! It is to its networks what a runtime is: it finds their configurations, calls their plugins, keeps what they
//! answered. Which networks: the first, `eth0`, by the configuration; those that every container gets; and those that
//! the container asks for, by the annotation `k8s.v1.cni.cncf.io/networks` or the same as a label. What goes wrong at
//! one network undoes those before it. All is written down before it is done, so that DEL undoes what ADD did.

mod add;
pub mod attach;
mod boot;
mod check;
pub mod conf;
pub mod definition;
mod del;
pub mod error;
pub mod folder;
mod gc;
mod identity;
pub mod network;
mod plan;
pub mod published;
mod ready;
pub mod record;
mod routes;
pub mod selection;
pub mod store;
#[cfg(test)]
mod tests;
pub mod wire;

use fairway_cluster_ipam::Daemon;
use fairway_cni::{CniResult, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};

/// The plugin `multi`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Multi;

impl Plugin for Multi {
    fn makes_interface(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        let root = context.conf.root();
        conf::MultiConf::read(&root)?;
        conf::state_dir(&root)?;
        add::must_be_first(&root)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox, (&add::inside, &Daemon::from_env()))
    }

    fn del(&self, context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
        del::del(context, detach, &Daemon::from_env().for_release())
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox, &add::inside)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        gc::gc(context, valid)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        ready::status(context, &Daemon::from_env())
    }
}
