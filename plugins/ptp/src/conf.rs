//! The ptp plugin's keys.

use fairway_cluster_ipam::{Policy, rates::Asking};
use fairway_cni::{Attachment, Context, FieldError, Sandbox};
use fairway_iface::{Rates, keys};
use fairway_netfilter::Backend;

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PtpConf {
    /// `ipMasq`, and `ipMasqBackend` where it is named.
    pub(crate) masquerade: Option<Option<Backend>>,
    /// `mtu` in bytes; 0 or absent is the kernel's choice.
    pub(crate) mtu: Option<u32>,
    /// `bandwidth`, and what the workload says: how much the container may send and get.
    pub(crate) rates: Rates,
    /// `policy`: it must hold, by the daemon.
    pub(crate) policy: bool,
}

impl PtpConf {
    /// Reads the configuration; an error names the key. Without `ipam` there is nothing to route.
    pub(crate) fn parse(context: &Context<'_>) -> Result<Self, FieldError> {
        let root = context.conf.root();
        let conf = PtpConf {
            masquerade: keys::masquerade(&root)?,
            mtu: keys::mtu(&root)?,
            rates: Rates::read(context.conf, context.args)?,
            policy: root.flag("policy")?,
        };
        match context.conf.ipam_type()? {
            Some(_) => Ok(conf),
            None => Err(FieldError::Missing {
                path: "ipam.type".to_owned(),
            }),
        }
    }

    /// What an attachment's policy is asked for with; `None` where none is wanted, and nobody is asked.
    pub(crate) fn policy(
        &self,
        context: &Context<'_>,
        attachment: &Attachment,
    ) -> Result<Option<Policy>, FieldError> {
        let policy = self
            .policy
            .then(|| Policy::read(context, attachment, true, None));
        policy.transpose()
    }

    /// What an attachment's rates are asked for with; `None` where none are, and nobody is asked.
    pub(crate) fn asking(
        &self,
        context: &Context<'_>,
        sandbox: &Sandbox,
    ) -> Result<Option<Asking>, FieldError> {
        let (attachment, netns) = (&sandbox.attachment, sandbox.netns.as_str());
        let wanted = self.policy || !self.rates.is_empty();
        let asking = wanted.then(|| Asking::read("ptp", context, attachment, netns, None));
        asking.transpose()
    }
}
