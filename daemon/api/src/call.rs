//! Calls that failed: what a plugin tells of its own, and what the daemon remembers of all.

use crate::ipam::Attachment;
use serde::{Deserialize, Serialize};

/// A plugin's call has failed, wherever: the daemon remembers it for a while. Answer: [`crate::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFailed {
    /// The plugin's type.
    pub plugin: String,
    /// `ADD`, `DEL`, `CHECK` or `GC`.
    pub verb: String,
    /// The network's name; absent where the configuration could not be read that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// `CNI_CONTAINERID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// `CNI_IFNAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ifname: Option<String>,
    /// The code that the runtime was told.
    pub code: u32,
    /// The message.
    pub message: String,
    /// The details.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}

/// A call that failed. Answer to `call.list`: a list of them, the newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedCall {
    /// When, in seconds since 1970, UTC.
    pub at: u64,
    /// What the call is known by in the log: 32 hexadecimal digits. Absent where the plugin is older than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// `ADD`, `DEL`, `CHECK` or `GC`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ADD", "DEL", "CHECK", "GC"])))]
    pub verb: String,
    /// The plugin's type; absent where only the daemon knows of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// What the daemon was asked for and refused, such as `ipam.allocate`; absent where it refused nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// For which interface of which container. Absent: for none, or that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// The code of the error.
    pub code: u32,
    /// Its message.
    pub message: String,
    /// Its details.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}
