//! What is to be examined, and why it cannot be.

use crate::{Profile, Release};
use serde_json::{Map, Value};
use std::{path::PathBuf, time::Duration};

/// What is to be examined, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The plugin's file; its name is its type.
    pub binary: PathBuf,
    /// What it is; else its type tells.
    pub profile: Option<Profile>,
    /// Keys of its configuration; else what its type needs. `{n}` in a string stands for the container's number, a
    /// string that is nothing but `{n}` or `{100+n}` for the number itself, `{scratch}` for a folder that goes with
    /// the suite.
    pub conf: Option<Map<String, Value>>,
    /// How long one call may take.
    pub limit: Duration,
    /// Further variables for the plugin.
    pub env: Vec<(String, String)>,
    /// Only checks whose id is one of these, or begins with one of them and a dot; all where there is none.
    pub only: Vec<String>,
    /// Only in these releases of the specification; all where there is none.
    pub releases: Vec<Release>,
    /// A program that answers as [`crate::stand_in`] where it is called by that name: this one itself.
    pub helper: PathBuf,
}

/// Why nothing could be examined.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// Namespaces are root's.
    #[error("plugins are run in namespaces, and making those needs root")]
    NotRoot,
    /// What the plugin did could not be seen.
    #[error(
        "{tool} is not on this machine, and what a plugin did is seen by it: install {package}"
    )]
    NoTool {
        /// The program.
        tool: &'static str,
        /// Debian's name of what has it.
        package: &'static str,
    },
    /// There is no such plugin.
    #[error("{}: {reason}", .binary.display())]
    NoPlugin {
        /// The file.
        binary: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What kind of plugin it is cannot be told from its name.
    #[error(
        "{kind}: nobody knows from the name what kind of plugin that is: say --as interface, ipam or chained"
    )]
    UnknownKind {
        /// Its type.
        kind: String,
    },
    /// The plugin does nothing without keys that only its operator knows.
    #[error("{kind}: {reason}: say --conf FILE")]
    NeedsConf {
        /// Its type.
        kind: String,
        /// Why.
        reason: &'static str,
    },
    /// No check has such an id.
    #[error("--only {id}: no check has that id; --list shows them")]
    UnknownCheck {
        /// What was asked for.
        id: String,
    },
    /// The node could not be set up.
    #[error("cannot set up a node")]
    Bed(#[from] fairway_ephemeral::Error),
    /// Mounts of its own could not be made.
    #[error("cannot set up mounts of its own")]
    Mounts(#[source] std::io::Error),
}
