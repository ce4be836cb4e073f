//! Policy, as the plugins that make links see it: a link is guarded while it is down, and opened once it is
//! known whose it is.
//!
//! In between everything is dropped, so that no packet of a container passes before its policy holds. What can
//! go wrong is the daemon, as everywhere: whatever it refuses makes the ADD fail, which takes the links with
//! it; a DEL needs no word, as the daemon sees a link go.

use crate::{Daemon, daemon};
use fairway_api::{
    Method, Nothing,
    admin::PolicyStatus,
    endpoint::{Guard, Guarded, Open, Verify, Workload},
    ipam::Attachment,
};
use fairway_cni::{Code, Context, Failure, FieldError, IpConfig};

mod workload;

pub use workload::workload;

/// Who puts policy in place: the daemon, or what a test has in its stead.
pub trait Enforce {
    /// Nothing passes the link until it is opened.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    fn guard(&self, guard: Guard) -> Result<Guarded, Failure>;

    /// The link's policy is in the kernel.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    fn open(&self, open: Open) -> Result<(), Failure>;
}

impl Enforce for Daemon {
    fn guard(&self, guard: Guard) -> Result<Guarded, Failure> {
        self.call(Method::EndpointGuard(guard))
    }

    fn open(&self, open: Open) -> Result<(), Failure> {
        let Nothing {} = self.call(Method::EndpointOpen(Box::new(open)))?;
        Ok(())
    }
}

/// What an attachment's policy is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    required: bool,
    attachment: Attachment,
    workload: Workload,
    cluster: bool,
    network: Option<String>,
}

impl Policy {
    /// Reads who the container is. `required`: a node that enforces no policy is an error; `network` is the
    /// one of ours that it is in.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn read(
        context: &Context<'_>,
        attachment: &fairway_cni::Attachment,
        required: bool,
        network: Option<&str>,
    ) -> Result<Self, FieldError> {
        Ok(Policy {
            required,
            attachment: daemon::attachment(context.conf, attachment),
            workload: workload(context.conf, context.args)?,
            cluster: context.conf.ipam_type()? == Some("fairway"),
            network: network.map(ToOwned::to_owned),
        })
    }

    /// Has a link guarded that is there and still down. False: this node enforces no policy, and need not.
    ///
    /// # Errors
    /// As [`Daemon::call`]; the daemon's reason where policy is required and cannot be.
    pub fn guard(&self, by: &dyn Enforce) -> Result<bool, Failure> {
        let guarded = by.guard(Guard {
            attachment: self.attachment.clone(),
            required: self.required,
        })?;
        match guarded.enforced || !self.required {
            true => Ok(guarded.enforced),
            // A daemon that is well refuses; were it believed, the container would be open to all.
            false => Err(Failure::new(
                Code::INTERNAL,
                "policy: required, and fairwayd enforces none",
            )),
        }
    }

    /// Opens a link that is guarded, and waits until the kernel has its policy.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub fn open(
        &self,
        by: &dyn Enforce,
        ips: &[IpConfig],
        mac: impl ToString,
    ) -> Result<(), Failure> {
        by.open(Open {
            attachment: self.attachment.clone(),
            workload: self.workload.clone(),
            addresses: ips.iter().map(|ip| ip.address.ip()).collect(),
            mac: mac.to_string(),
            cluster: self.cluster,
            network: self.network.clone(),
        })
    }

    /// CHECK: is the policy in place?
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub fn verify(&self, daemon: &Daemon) -> Result<(), Failure> {
        let Nothing {} = daemon.call(Method::EndpointVerify(Verify {
            attachment: self.attachment.clone(),
            required: self.required,
        }))?;
        Ok(())
    }
}

/// STATUS, where policy is required: does this node enforce it?
///
/// # Errors
/// 50, or what the daemon says.
pub fn status(daemon: &Daemon) -> Result<(), Failure> {
    let status = daemon
        .call::<PolicyStatus>(Method::PolicyStatus)
        .map_err(daemon::as_status)?;
    match status.enforced {
        true => Ok(()),
        false => Err(Failure::new(
            Code::UNAVAILABLE,
            format!(
                "policy: required, and not enforced on this node: {}",
                status.problems.join("; ")
            ),
        )),
    }
}
