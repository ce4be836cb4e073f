//! What a node finds out about itself and its way to the others.

use serde::{Deserialize, Serialize};

/// The answer to `daemon.doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Doctor {
    /// The node that looked.
    pub node: String,
    /// Its daemon's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<String>,
    /// What it looked at, in the order in which one thing rests on another.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What: `store`, `clock`, `underlay`, `routes`, `device`, `settings`, `kernel`, `firewall`, `policy`, `rates`, `bgp`,
    /// `leftovers`, `ping`, or `node NAME`; and what netctl looks at itself: `plugins`, `configurations`, `attached`.
    pub name: String,
    /// `ok`; `warning`: may keep packets from going where they should, or could not be looked at; `failed`:
    /// does keep them.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ok", "warning", "failed"])))]
    pub state: String,
    /// What was found, for people.
    pub text: String,
    /// What mends it. Absent: nothing is to be mended, or the text says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}
