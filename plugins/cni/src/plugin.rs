//! What a plugin is.

use crate::{
    CniArgs, CniResult, Failure, NetConf,
    config::GcAttachments,
    delegate::{Delegate, Delegates},
    names::{ContainerId, IfName},
};

/// Which interface of which container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `CNI_CONTAINERID`.
    pub container_id: ContainerId,
    /// `CNI_IFNAME`.
    pub ifname: IfName,
}

/// An attachment and the namespace it is in, which exists and is not the plugin's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// `CNI_NETNS`, as the runtime wrote it.
    pub netns: String,
}

/// An attachment that is to go; its namespace may be gone already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detach {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// `CNI_NETNS`; `None` where it is not set or no longer exists.
    pub netns: Option<String>,
}

/// What every verb is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The network configuration.
    pub conf: &'a NetConf,
    /// `CNI_ARGS`.
    pub args: &'a CniArgs,
    /// The plugins that can be called in turn.
    pub delegates: &'a Delegates<'a>,
}

impl<'a> Context<'a> {
    /// The IPAM plugin that the configuration names; `None` where it names none.
    pub fn ipam(&self) -> Result<Option<Delegate<'_>>, Failure> {
        match self.conf.ipam_type()? {
            Some(kind) => Ok(Some(self.delegates.find(kind, self)?)),
            None => Ok(None),
        }
    }
}

/// A plugin type: the five verbs that do something.
///
/// None of them reads the environment or writes to standard output; [`crate::serve`] does both. A plugin
/// is called in parallel for different attachments, by different processes, and never for the same one.
pub trait Plugin: Sync {
    /// Attaches a container. On failure nothing of it stays behind.
    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure>;

    /// Detaches one. Idempotent, total: it carries on past errors and reports all of them.
    fn del(&self, context: &Context<'_>, detach: &Detach) -> Result<(), Failure>;

    /// Judges an attachment against `prevResult`.
    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure>;

    /// Removes what this network owns for attachments that are not in `valid`.
    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure>;

    /// Fails with 50 or 51 where an ADD would fail now.
    fn status(&self, context: &Context<'_>) -> Result<(), Failure>;
}
