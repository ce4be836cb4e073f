//! The bandwidth plugin: how much a container may send and get, on links that another plugin has made.
//!
//! It stands behind that plugin in a list, and answers what it was given. What the container sends is limited on
//! its own interface, what it gets on the host's end of the pair; both limits go with the links. The daemon does it
//! where there is one, so that several plugins of a list, and an administrator, may all say something. Containers
//! that the reference plugin limited, by a token bucket and an ifb device, are checked and detached as well.

mod add;
mod check;
mod del;
mod links;
mod reference;
#[cfg(test)]
mod tests;

use fairway_cluster_ipam::rates::Asking;
use fairway_cni::{
    Attachment, CniResult, Code, Context, Detach, Failure, FieldError, GcAttachments, Plugin,
    Sandbox,
};
use fairway_iface::Rates;

/// The plugin `bandwidth`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bandwidth;

impl Plugin for Bandwidth {
    /// Only what policies know a container by, as far as it can be read: the reference plugin reads none.
    fn reads_args(&self) -> bool {
        false
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Rates::read_flat(context.conf, context.args)?;
        context.conf.require_prev_result()?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        del::del(context, gone)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox)
    }

    /// A limit goes with its link, and the link is another plugin's.
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        Rates::read_flat(context.conf, context.args)?;
        match fairway_netlink::Handle::open() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::new(Code::UNAVAILABLE, error.to_string())),
        }
    }
}

/// The plugin's word to the daemon, on an attachment as the plugins before it in the list call it.
fn asking(
    context: &Context<'_>,
    attachment: &Attachment,
    netns: &str,
) -> Result<Asking, FieldError> {
    Asking::read("bandwidth", context, attachment, netns, None)
}
