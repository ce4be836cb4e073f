//! The sbr plugin: what a container sends from an interface's address goes out by that interface.
//!
//! It stands behind the plugin that makes the interface. Each address gets a table of its own with the interface's
//! routes, and a rule that says so; the main table loses them. With `table` there are only rules, to a table that
//! somebody else fills.
//!
//! The order is such that no packet of an established interface is without a route: first the table, then the rule,
//! and last what goes.

mod add;
mod check;
mod conf;
mod del;
#[cfg(test)]
mod tests;

use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::Error;
use fairway_netlink::{Handle, NetNs};

use conf::Conf;

/// The plugin `sbr`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sbr;

impl Sbr {
    /// Reads all keys, and does nothing.
    ///
    /// # Errors
    /// What is wrong, naming the field.
    pub fn parse(context: &Context<'_>) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        if let Some(prev) = context.conf.prev_result()? {
            conf.sources(&prev, "eth0")?;
        }
        Ok(())
    }
}

impl Plugin for Sbr {
    /// As the reference plugin, which reads none.
    fn reads_args(&self) -> bool {
        false
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context.conf)?;
        context.conf.require_prev_result()?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let conf = Conf::parse(context.conf)?;
        let prev = context.conf.require_prev_result()?;
        let ifname = sandbox.attachment.ifname.as_str();
        let sources = conf.sources(&prev, ifname)?;
        let netns = NetNs::open(&sandbox.netns).map_err(Error::from)?;
        let mut container = Handle::open_in(&netns).map_err(Error::from)?;
        add::add(&mut container, &conf, ifname, &sources)?;
        Ok(prev)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        let inside = Handle::open_if_there(gone.netns.as_deref()).map_err(Error::from)?;
        let Some(mut container) = inside else {
            return Ok(());
        };
        let prev = context
            .conf
            .prev_result()
            .ok()
            .flatten()
            .unwrap_or_default();
        // What was set up under another configuration goes as well.
        let table = Conf::parse(context.conf).ok().and_then(|conf| conf.table);
        del::del(
            &mut container,
            table,
            gone.attachment.ifname.as_str(),
            &prev,
        )
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        let prev = context.conf.require_prev_result()?;
        let ifname = sandbox.attachment.ifname.as_str();
        let sources = conf.sources(&prev, ifname)?;
        let netns = NetNs::open(&sandbox.netns).map_err(Error::from)?;
        let mut container = Handle::open_in(&netns).map_err(Error::from)?;
        check::check(&mut container, &conf, ifname, &sources)
    }

    /// All that there is is in the container's namespace, and goes with it.
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context.conf)?;
        match Handle::open() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::new(Code::UNAVAILABLE, error.to_string())),
        }
    }
}
