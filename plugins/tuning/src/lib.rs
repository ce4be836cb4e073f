//! The tuning plugin: settings of a container's namespace, and of its interface.
//!
//! It stands behind the plugin that makes the interface. What the interface was like before is kept in a file, as the
//! reference plugin keeps it, and DEL puts it back: an interface that is the node's own hardware outlives its
//! container. What went wrong elsewhere: the file is written anew by a second ADD, which then keeps what the first one
//! had set; and it stays where the interface is gone (here it is removed with the attachment, and GC knows by it what a
//! network left).

mod add;
mod allow;
mod backup;
mod check;
mod conf;
mod error;
mod pattern;
mod settings;
#[cfg(test)]
mod tests;

use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::Owner;
use fairway_netlink::Handle;

use backup::Backup;
use conf::{Conf, data_dir};
use error::Error;

/// The plugin `tuning`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tuning;

impl Tuning {
    /// Reads all keys, and does nothing.
    ///
    /// # Errors
    /// What is wrong, naming the field.
    pub fn parse(context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context)?;
        Ok(())
    }
}

impl Plugin for Tuning {
    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context)?;
        context.conf.require_prev_result()?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        let owner = Owner::new(context.conf.name.as_str(), &gone.attachment);
        let folder = data_dir(&context.conf.root())?;
        let backup = Backup::at(&folder, owner);
        let mut failures: Vec<Failure> = Vec::new();
        if backup.is_there() {
            match Handle::open_if_there(gone.netns.as_deref()) {
                Ok(Some(mut container)) => {
                    failures.extend(backup.restore(&mut container, owner.ifname));
                }
                Ok(None) => {}
                Err(error) => failures.push(Error::from(error).into()),
            }
        }
        // What the kernel refused is told once; it would refuse it each time, and no container could end.
        failures.extend(backup.remove().err().map(Failure::from));
        Failure::collect(failures).map_or(Ok(()), Err)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox)
    }

    /// The interfaces of containers that are lost are gone, or in a namespace that nobody names.
    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let folder = data_dir(&context.conf.root())?;
        let left = backup::collect(&folder, context.conf.name.as_str(), valid);
        Failure::collect(left.into_iter().map(Failure::from)).map_or(Ok(()), Err)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let conf = Conf::parse(context)?;
        let unavailable =
            |error: Error| Failure::new(Code::UNAVAILABLE, Failure::from(error).to_string());
        allow::judge(allow::LIST.as_ref(), &conf.sysctls).map_err(unavailable)?;
        Handle::open()
            .map(drop)
            .map_err(|error| unavailable(error.into()))
    }
}
