//! The plugins `macvlan`, `ipvlan`, `vlan`, `dummy` and `tap`: one link, in the container.
//!
//! It stands on a link of the host (the master) or of the container, or on nothing, and is made straight in
//! the container's namespace: the host has no end of it. So there is nothing on the host to clean up, and nothing
//! where policies or rates would hold; both are refused. What the types differ in is in a module each: their keys,
//! what is to be made of them, and what the kernel means when it refuses.

mod add;
mod check;
pub mod conf;
mod dummy;
mod explain;
mod ipvlan;
mod macvlan;
mod tap;
mod vlan;

use conf::Conf;
use fairway_cni::{
    CniResult, Code, Context, Detach, Failure, FieldError, GcAttachments, Plugin, Sandbox,
};
use fairway_iface::{Error, child};
use fairway_netlink::{Handle, Link};

/// One of the plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// A hardware address of its own on the master's wire.
    Macvlan,
    /// The master's hardware address with IP addresses of its own.
    Ipvlan,
    /// One VLAN of the master.
    Vlan,
    /// An interface that leads nowhere.
    Dummy,
    /// An interface whose other end is a process.
    Tap,
}

impl Child {
    const fn name(self) -> &'static str {
        match self {
            Self::Macvlan => "macvlan",
            Self::Ipvlan => "ipvlan",
            Self::Vlan => "vlan",
            Self::Dummy => "dummy",
            Self::Tap => "tap",
        }
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Names the field.
    pub fn parse(self, context: &Context<'_>) -> Result<Conf, Error> {
        let conf = match self {
            Self::Macvlan => macvlan::parse(context),
            Self::Ipvlan => ipvlan::parse(context),
            Self::Vlan => vlan::parse(context),
            Self::Dummy => dummy::parse(context),
            Self::Tap => tap::parse(context),
        };
        let conf = conf.map_err(Error::Field)?;
        fairway_iface::keys::no_host_end(context, self.name())?;
        Ok(conf)
    }

    /// Does the kernel tell a link as one that this plugin makes, in whatever mode?
    fn is_kind(self, link: &Link) -> bool {
        match self {
            Self::Macvlan => macvlan::is_kind(link),
            Self::Ipvlan => ipvlan::is_kind(link),
            Self::Vlan => vlan::is_kind(link),
            Self::Dummy => dummy::is_kind(link),
            Self::Tap => tap::is_kind(link),
        }
    }
}

impl Plugin for Child {
    /// All do; ipvlan may stand behind another one that does, whose link is its master.
    fn makes_interface(&self) -> bool {
        *self != Self::Ipvlan
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        self.parse(context)?;
        // Behind another plugin it may have that one's addresses.
        if *self == Self::Ipvlan && context.conf.prev_result()?.is_none() {
            require_ipam(context)?;
        }
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let mut conf = self.parse(context)?;
        if *self == Self::Ipvlan {
            conf = ipvlan::chained(conf, context)?;
        }
        add::add(&conf, context, sandbox)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        child::del(context, gone, |link| self.is_kind(link))
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(*self, &self.parse(context)?, context, sandbox)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        child::gc(context, valid)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let conf = self.parse(context)?;
        let unavailable =
            |error: &dyn std::fmt::Display| Failure::new(Code::UNAVAILABLE, error.to_string());
        let mut host = Handle::open().map_err(|error| unavailable(&error))?;
        // Of a container nobody knows yet what links it has, nor of a plugin before.
        let chained = *self == Self::Ipvlan && context.conf.ipam_type()?.is_none();
        if !(conf.in_container || chained) {
            conf.parent(&mut host)
                .map_err(|error| unavailable(&error))?;
        }
        context.ipam()?.map_or(Ok(()), |ipam| ipam.status())
    }
}

#[cfg(test)]
mod tests;

/// An IPAM plugin must be named.
fn require_ipam(context: &Context<'_>) -> Result<(), FieldError> {
    match context.conf.ipam_type()? {
        Some(_) => Ok(()),
        None => Err(FieldError::Missing {
            path: "ipam.type".to_owned(),
        }),
    }
}
