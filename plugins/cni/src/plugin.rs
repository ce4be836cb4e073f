//! What a plugin is.

use crate::{
    CniArgs, CniResult, Confirmation, Failure, NetConf,
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
    ///
    /// One of ours that hands out no addresses is refused: a bridge whose IPAM plugin is a bridge would
    /// call itself for ever.
    pub fn ipam(&self) -> Result<Option<Delegate<'_>>, Failure> {
        let Some(kind) = self.conf.ipam_type()? else {
            return Ok(None);
        };
        if self
            .delegates
            .built_in(kind)
            .is_some_and(|plugin| !plugin.is_ipam())
        {
            let ipam = self.conf.root().require("ipam")?.object()?;
            return Err(ipam
                .invalid("type", format_args!("{kind:?}"), "is no IPAM plugin")
                .into());
        }
        Ok(Some(self.delegates.find(kind, self)?))
    }
}

/// A plugin type: the five verbs that do something.
///
/// None of them reads the environment or writes to standard output; [`crate::serve`] does both. A plugin
/// is called in parallel for different attachments, by different processes, and never for the same one.
pub trait Plugin: Sync {
    /// Does it hand out addresses, so that `ipam.type` may name it?
    fn is_ipam(&self) -> bool {
        false
    }

    /// Does it read `CNI_ARGS`, so that a malformed one, or a key that nobody knows, is an error?
    fn reads_args(&self) -> bool {
        true
    }

    /// Does it make the interface that `CNI_IFNAME` names? Of such a list has one.
    fn makes_interface(&self) -> bool {
        false
    }

    /// Reads each key that ADD reads and does nothing: for whoever judges configurations. A plugin behind another
    /// one is given a `prevResult` with nothing in it; one that works on a `prevResult` misses it last.
    ///
    /// # Errors
    /// Those of an ADD with this configuration, naming the field.
    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        let _ = context;
        Ok(())
    }

    /// Attaches a container. On failure nothing of it stays behind.
    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure>;

    /// ADD for a caller in this process that has more to do before it answers: it may use the result at
    /// once, and must wait for the confirmation last. Where that fails, or the caller itself, it says DEL.
    fn add_ahead(
        &self,
        context: &Context<'_>,
        sandbox: &Sandbox,
    ) -> Result<(CniResult, Confirmation), Failure> {
        let result = self.add(context, sandbox)?;
        Ok((result, Confirmation::none()))
    }

    /// Detaches one. Idempotent, total: it carries on past errors and reports all of them.
    fn del(&self, context: &Context<'_>, detach: &Detach) -> Result<(), Failure>;

    /// Judges an attachment against `prevResult`.
    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure>;

    /// Removes what this network owns for attachments that are not in `valid`.
    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure>;

    /// Fails with 50 or 51 where an ADD would fail now.
    fn status(&self, context: &Context<'_>) -> Result<(), Failure>;
}
