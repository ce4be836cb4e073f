//! The firewall plugin: lets a container's packets through the node, and keeps bridges apart.
//!
//! It stands behind the plugin that makes the links. Its rules are those of the reference plugin, with a tag beside
//! them that says whose they are: so DEL needs no result, and GC finds what a lost container left. firewalld has to be
//! told by D-Bus, which this plugin does not do: it says so rather than write rules that firewalld overrules.

mod conf;

use conf::{Conf, bridge};
use fairway_cni::{
    CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox, Steps,
};
use fairway_iface::{Error, Owner};
use fairway_netfilter::{
    Attachment, Netfilter,
    forward::{self, Wanted},
};
use std::net::IpAddr;

/// The plugin `firewall`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Firewall;

fn attachment(owner: Owner<'_>) -> Attachment<'_> {
    Attachment {
        network: owner.network,
        container_id: owner.container_id,
        ifname: owner.ifname,
    }
}

fn addresses(result: &CniResult) -> Vec<IpAddr> {
    result.ips.iter().map(|ip| ip.address.ip()).collect()
}

fn take_back(owner: Owner<'_>, addresses: &[IpAddr]) -> Result<(), Error> {
    let mut netfilter = Netfilter::open()?;
    Ok(forward::teardown(
        &mut netfilter,
        &attachment(owner),
        addresses,
    )?)
}

/// Hands what is asked for to `f`.
fn with<T>(
    context: &Context<'_>,
    sandbox: &Sandbox,
    conf: &Conf,
    prev: &CniResult,
    f: impl FnOnce(Owner<'_>, &Wanted<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let addresses = addresses(prev);
    let wanted = Wanted {
        attachment: attachment(owner),
        addresses: &addresses,
        admin_chain: &conf.admin_chain,
        ingress: conf.ingress,
        bridge: bridge(conf.ingress, prev)?,
    };
    f(owner, &wanted)
}

impl Firewall {
    /// Reads all keys, and does nothing.
    ///
    /// # Errors
    /// What is wrong, naming the field.
    pub fn parse(context: &Context<'_>) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        if let Some(prev) = context.conf.prev_result()? {
            bridge(conf.ingress, &prev)?;
        }
        Ok(())
    }
}

impl Plugin for Firewall {
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
        with(context, sandbox, &conf, &prev, |owner, wanted| {
            Steps::run(&mut (), |(), steps| {
                let ips = wanted.addresses;
                steps.push("firewall rules", move |()| Ok(take_back(owner, ips)?));
                let mut netfilter = Netfilter::open().map_err(Error::from)?;
                let done = forward::setup(&mut netfilter, conf.backend(), wanted);
                Ok(done.map_err(Error::from)?)
            })
        })?;
        Ok(prev)
    }

    /// It reads none of the plugin's own keys, so that what was set up under another configuration goes as well.
    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        let owner = Owner::new(context.conf.name.as_str(), &gone.attachment);
        let prev = context
            .conf
            .prev_result()
            .ok()
            .flatten()
            .unwrap_or_default();
        Ok(take_back(owner, &addresses(&prev))?)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        let prev = context.conf.require_prev_result()?;
        with(context, sandbox, &conf, &prev, |_, wanted| {
            let mut netfilter = Netfilter::open().map_err(Error::from)?;
            let done = forward::check(&mut netfilter, conf.backend(), wanted);
            Ok(done.map_err(Error::from)?)
        })
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let pairs: Vec<_> = valid
            .iter()
            .map(|(id, ifname)| (id.to_owned(), ifname.to_owned()))
            .collect();
        let mut netfilter = Netfilter::open().map_err(Error::from)?;
        let left = forward::gc(&mut netfilter, context.conf.name.as_str(), &pairs);
        let left = left.into_iter().map(|error| Error::from(error).into());
        Failure::collect(left).map_or(Ok(()), Err)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        let unavailable =
            |error: fairway_netfilter::Error| Failure::new(Code::UNAVAILABLE, error.to_string());
        let mut netfilter = Netfilter::open().map_err(unavailable)?;
        forward::ready(&mut netfilter, conf.backend()).map_err(unavailable)
    }
}
