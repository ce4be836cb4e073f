//! How much a container may send and get: what is asked for, and the least of it on its links.
//!
//! "Ingress" is what the container gets, "egress" what it sends. A configuration's limits are the administrator's:
//! they hold whatever else is asked. What the workload asks for holds besides, so it can lower such a limit and never
//! lift it. Where the daemon is there, it is told of all of them; where it is not, the least is kept by
//! what the kernel has for it ([`fairway_shape`]).

mod keys;
mod told;

use fairway_cni::{CniArgs, FieldError, NetConf};
use fairway_netlink::Link;
use fairway_shape::{Burst, Limit, Side};

use crate::{Error, Space};

/// A limit, and where it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The limit.
    pub limit: Limit,
    /// The field with the rate: `bandwidth.egressRate`, `pod annotation: kubernetes.io/egress-bandwidth`.
    pub field: String,
    /// The field with the burst, where there is one.
    burst: String,
}

/// All that is asked for, in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rates {
    /// What the container gets.
    pub ingress: Vec<Asked>,
    /// What it sends.
    pub egress: Vec<Asked>,
}

impl Rates {
    /// The object `bandwidth` of a plugin that makes the links itself, what the workload says, and what the runtime
    /// passes.
    ///
    /// # Errors
    /// Names the field.
    pub fn read(conf: &NetConf, args: &CniArgs) -> Result<Self, FieldError> {
        told::with(conf, args, keys::nested(conf)?)
    }

    /// The same with the four keys at the top of the plugin `bandwidth`'s configuration.
    ///
    /// # Errors
    /// Names the field.
    pub fn read_flat(conf: &NetConf, args: &CniArgs) -> Result<Self, FieldError> {
        told::with(conf, args, keys::flat(conf)?)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.ingress.is_empty() && self.egress.is_empty()
    }

    /// No burst is less than a packet of these links, which only they know.
    ///
    /// # Errors
    /// Names the field.
    pub fn must_fit(&self, near: &Link, far: &Link) -> Result<(), FieldError> {
        let each = |asked: &[Asked], mtu| asked.iter().try_for_each(|one| one.must_fit(mtu));
        each(&self.ingress, near.mtu)?;
        each(&self.egress, far.mtu)
    }

    /// Limits both ends of a pair. Each goes with its link, so there is nothing else to undo.
    pub fn apply(
        &self,
        (host, near): (&mut dyn Space, &Link),
        (container, far): (&mut dyn Space, &Link),
    ) -> Result<(), Error> {
        self.must_fit(near, far).map_err(Error::Field)?;
        self.apply_ingress(host, near)?;
        self.apply_egress(container, far)
    }

    /// Limits what a container gets, on the host's end of its pair.
    pub fn apply_ingress(&self, host: &mut dyn Space, link: &Link) -> Result<(), Error> {
        apply(host, link, &self.ingress, Side::Host)
    }

    /// Limits what a container sends, on its own end.
    pub fn apply_egress(&self, container: &mut dyn Space, link: &Link) -> Result<(), Error> {
        apply(container, link, &self.egress, Side::Container)
    }

    /// Both ends are limited as is asked. Where nothing is asked, nothing is judged: others may limit as well.
    pub fn check(
        &self,
        (host, near): (&mut dyn Space, &Link),
        (container, far): (&mut dyn Space, &Link),
    ) -> Result<(), Error> {
        self.check_ingress(host, near)?;
        self.check_egress(container, far)
    }

    /// The host's end is limited as is asked.
    pub fn check_ingress(&self, host: &mut dyn Space, link: &Link) -> Result<(), Error> {
        check(host, link, &self.ingress, Side::Host)
    }

    /// The container's end is limited as is asked.
    pub fn check_egress(&self, container: &mut dyn Space, link: &Link) -> Result<(), Error> {
        check(container, link, &self.egress, Side::Container)
    }
}

fn apply(space: &mut dyn Space, link: &Link, asked: &[Asked], side: Side) -> Result<(), Error> {
    if let Some(limit) = least(asked) {
        asked
            .iter()
            .try_for_each(|one| one.must_fit(link.mtu))
            .map_err(Error::Field)?;
        fairway_shape::apply(space, link.index, &limit, side)?;
    }
    Ok(())
}

fn check(space: &mut dyn Space, link: &Link, asked: &[Asked], side: Side) -> Result<(), Error> {
    if let Some(limit) = least(asked) {
        fairway_shape::check(space, link.index, &limit, side)?;
    }
    Ok(())
}

/// The one limit that keeps all of them: the least rate, and no more at once than any of them lets go.
pub fn least(asked: &[Asked]) -> Option<Limit> {
    let slowest = asked.iter().min_by_key(|one| one.limit.rate)?.limit;
    let bursts = asked.iter().map(|one| one.limit.burst_bytes());
    let bytes = bursts.min().filter(|bytes| *bytes < slowest.burst_bytes());
    let smaller = bytes.and_then(|bytes| Burst::new(bytes.into()).ok());
    Some(Limit {
        burst: smaller.or(slowest.burst),
        ..slowest
    })
}

impl Asked {
    fn must_fit(&self, mtu: u32) -> Result<(), FieldError> {
        match self.limit.burst.map(Burst::bytes) {
            Some(burst) if burst < mtu => Err(FieldError::Value {
                path: self.burst.clone(),
                value: (u64::from(burst) * 8).to_string(),
                reason: format!(
                    "is less than a packet of this link, whose MTU of {mtu} bytes is {} bits",
                    u64::from(mtu) * 8
                ),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
