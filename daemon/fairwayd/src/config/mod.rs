//! Settings: read from flags, environment and file, and resolved once into a [`Config`] that cannot be
//! wrong.

mod options;
mod resolve;
#[cfg(test)]
mod tests;

pub use options::{DEFAULT_FILE, Flags, Options, PolicyOptions, SweepOptions};

use fairway_ipam::{InvalidName, NodeName};
use fairway_store::{Location, LocationError};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How dead containers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Between two looks.
    pub every: Duration,
    /// How long a container must be gone until its address is freed.
    pub grace: Duration,
    /// The same for the first look after the daemon has come up.
    pub first_grace: Duration,
}

impl Default for Sweep {
    fn default() -> Self {
        Sweep {
            every: Duration::from_secs(30),
            grace: Duration::from_secs(60),
            first_grace: Duration::from_secs(5),
        }
    }
}

/// How policies are enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policing {
    /// Are they at all?
    pub enforce: bool,
    /// Is this node's own traffic judged?
    pub judge_node: bool,
    /// Whose containers may be in groups; none: those of all namespaces.
    pub group_namespaces: Option<BTreeSet<String>>,
    /// Are containers of one network on this node delivered to directly?
    pub deliver: bool,
    /// Are those of other nodes, where the overlay leads there?
    pub deliver_overlay: bool,
    /// Are those of other nodes that are neighbours?
    pub deliver_direct: bool,
    /// Open flows that are kept track of.
    pub flows: u32,
    /// One in so many new flows is told of; 0: none.
    pub sample: u32,
    /// So many flows a second and processor are told of at most.
    pub events: u32,
    /// Folder of the pins.
    pub pins: PathBuf,
}

impl Default for Policing {
    fn default() -> Self {
        Policing {
            enforce: true,
            judge_node: false,
            group_namespaces: None,
            deliver: true,
            deliver_overlay: true,
            deliver_direct: true,
            flows: 262_144,
            sample: 1,
            events: 200,
            pins: "/sys/fs/bpf/fairway".into(),
        }
    }
}

/// What a daemon runs by.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node's name.
    pub node: NodeName,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where it listens.
    pub socket: PathBuf,
    /// Where the store is.
    pub store: Location,
    /// Folder of the journal and of what plugins leave behind.
    pub state_dir: PathBuf,
    /// How to log.
    pub log: LogFormat,
    /// After how long a node that is away loses its blocks by itself.
    pub reclaim_after: Option<Duration>,
    /// The link of the underlay, where an operator names it.
    pub underlay: Option<String>,
    /// UDP port of the overlay.
    pub overlay_port: u16,
    /// Are checksums of packets in the overlay left to what is below?
    pub overlay_offload: bool,
    /// How long the routes to a node stay that is not heard of.
    pub node_grace: Duration,
    /// How dead containers are found.
    pub sweep: Sweep,
    /// How policies are enforced.
    pub policy: Policing,
    /// Folder in which sessions of BGP are recorded.
    pub bgp_record: Option<PathBuf>,
    /// Where metrics are to be had.
    pub metrics: Option<SocketAddr>,
    /// The API server of Kubernetes.
    pub kubernetes: Option<Kubernetes>,
}

/// The API server of Kubernetes that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// A file, as kubectl has them; none: by the service account of the pod that we run in.
    pub kubeconfig: Option<PathBuf>,
    /// Which cluster it may be besides the one that the store mirrors.
    pub cluster: Option<String>,
}

/// IANA's port of VXLAN.
pub(super) const OVERLAY_PORT: u16 = 4789;
/// A node that is away for less may only be cut off from the store.
pub(super) const NODE_GRACE: Duration = Duration::from_secs(3600);

impl Config {
    /// The usual settings, with everything below one folder: for tests and benchmarks.
    pub fn below(folder: impl Into<PathBuf>, node: NodeName) -> Config {
        let folder = folder.into();
        let pins = folder.join("bpf");
        Config {
            node,
            labels: BTreeMap::new(),
            socket: folder.join("fairwayd.sock"),
            store: Location::Redb(folder.join("store.redb")),
            state_dir: folder,
            log: LogFormat::Text,
            reclaim_after: None,
            underlay: None,
            overlay_port: OVERLAY_PORT,
            overlay_offload: true,
            node_grace: NODE_GRACE,
            sweep: Sweep::default(),
            // What runs within another process leaves nothing in the kernel behind it.
            policy: Policing {
                enforce: false,
                flows: 4096,
                pins,
                ..Policing::default()
            },
            bgp_record: None,
            metrics: None,
            kubernetes: None,
        }
    }
}

/// A setting that is none.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML, holds a key that is not known, or one of another type.
    #[error("{}: {fault}", path.display())]
    Toml {
        /// Its path.
        path: PathBuf,
        /// Where, and what is wrong.
        fault: String,
    },
    /// The node's name.
    #[error("node: {source}{hint}")]
    Node {
        /// What is wrong.
        source: InvalidName,
        /// What to do about it.
        hint: &'static str,
    },
    /// The host has no name.
    #[error("node: the host's name cannot be read ({source}); give one by --node")]
    HostName {
        /// Why.
        source: io::Error,
    },
    /// The store.
    #[error("store: {source}")]
    Store {
        /// What is wrong.
        #[from]
        source: LocationError,
    },
    /// A setting of etcd that has no use, or lacks its other half.
    #[error("{field}: {reason}")]
    Etcd {
        /// Which.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The password's file.
    #[error("etcd_password_file: {}: {source}", path.display())]
    PasswordFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path that depends on where the daemon was started.
    #[error("{field}: {} is not an absolute path", path.display())]
    Relative {
        /// Which.
        field: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// Neither `text` nor `json`.
    #[error("log: {text:?} is not one of text, json")]
    Log {
        /// As it was given.
        text: String,
    },
    /// A length of time that is none.
    #[error(
        "{field}: {text:?} is no time; a whole number with ms, s, m, h or d is wanted, {range}"
    )]
    Time {
        /// Which.
        field: &'static str,
        /// As it was given.
        text: String,
        /// What is allowed.
        range: &'static str,
    },
    /// A link that can have no such name.
    #[error("underlay: {name:?} is no name of a link")]
    Underlay {
        /// As it was given.
        name: String,
    },
    /// No address with a port.
    #[error("metrics: {text:?} is no address with a port, such as 127.0.0.1:9790 or [::1]:9790")]
    Metrics {
        /// As it was given.
        text: String,
    },
    /// No port.
    #[error("overlay_port: 0 is no UDP port")]
    Port,
    /// Neither `offload` nor `software`.
    #[error("overlay_checksum: {text:?} is not one of offload, software")]
    Checksum {
        /// As it was given.
        text: String,
    },
    /// A setting of policies that cannot be.
    #[error("policy.{field}: {text:?} is not {wanted}")]
    Policy {
        /// Which.
        field: &'static str,
        /// As it was given.
        text: String,
        /// What can be.
        wanted: &'static str,
    },
    /// A setting of Kubernetes that has no use.
    #[error("{field}: {reason}")]
    Kubernetes {
        /// Which.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A label that is none.
    #[error("labels: {key:?}: {reason}")]
    Label {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: &'static str,
    },
}
