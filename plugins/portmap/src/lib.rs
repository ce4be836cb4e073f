//! The portmap plugin: ports of the host that lead to a container.
//!
//! It stands behind the plugin that makes the links, and answers what it was given. Which ports, the runtime says
//! (the capability `portMappings`); a port that it leaves open is chosen out of `hostPortRange`. The rules are those of
//! the reference plugin, so that either finds and removes what the other made.
//!
//! Here no port is given twice: the reference plugin lets the last one who asks have it. And DEL needs no list of
//! ports: it goes by the container's name.

mod add;
mod asked;
mod check;
mod conf;
mod error;
mod state;

use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::Owner;
use fairway_netfilter::{Attachment, Netfilter, ports};

use conf::{Conf, data_dir};
use error::Error;
use state::Chosen;

/// The plugin `portmap`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portmap;

impl Portmap {
    /// Reads all keys, and does nothing.
    ///
    /// # Errors
    /// What is wrong, naming the field.
    pub fn parse(context: &Context<'_>) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        asked::Ports::parse(context.conf, conf.range.is_some())?;
        Ok(())
    }
}

impl Plugin for Portmap {
    /// As the reference plugin, which reads none.
    fn reads_args(&self) -> bool {
        false
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Self::parse(context)?;
        context.conf.require_prev_result()?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox)
    }

    /// It reads no key but `dataDir`: what was set up under another configuration goes as well.
    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        let owner = Owner::new(context.conf.name.as_str(), &gone.attachment);
        let mut failures = Vec::new();
        failures.extend(unmap(owner).err().map(Failure::from));
        match data_dir(&context.conf.root()) {
            Ok(folder) => {
                failures.extend(Chosen::at(&folder, owner).remove().err().map(Failure::from))
            }
            Err(error) => failures.push(error.into()),
        }
        Failure::collect(failures).map_or(Ok(()), Err)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let network = context.conf.name.as_str();
        let pairs: Vec<_> = valid
            .iter()
            .map(|(id, ifname)| (id.to_owned(), ifname.to_owned()))
            .collect();
        let mut failures: Vec<Failure> = Vec::new();
        match Netfilter::open() {
            Ok(mut netfilter) => {
                let left = ports::gc(&mut netfilter, network, &pairs);
                failures.extend(left.into_iter().map(|error| Error::from(error).into()));
            }
            Err(error) => failures.push(Error::from(error).into()),
        }
        match data_dir(&context.conf.root()) {
            Ok(folder) => {
                let left = state::collect(&folder, network, valid);
                failures.extend(left.into_iter().map(Failure::from));
            }
            Err(error) => failures.push(error.into()),
        }
        Failure::collect(failures).map_or(Ok(()), Err)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        let unavailable =
            |error: fairway_netfilter::Error| Failure::new(Code::UNAVAILABLE, error.to_string());
        let mut netfilter = Netfilter::open().map_err(unavailable)?;
        ports::ready(&mut netfilter, conf.backend(), &conf.conditions).map_err(unavailable)
    }
}

fn attachment(owner: Owner<'_>) -> Attachment<'_> {
    Attachment {
        network: owner.network,
        container_id: owner.container_id,
        ifname: owner.ifname,
    }
}

fn unmap(owner: Owner<'_>) -> Result<(), Error> {
    let mut netfilter = Netfilter::open()?;
    Ok(ports::teardown(&mut netfilter, &attachment(owner))?)
}
