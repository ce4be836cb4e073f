//! Everything that can be set, defined once: flag, variable and key of the file are the same field.
//!
//! A flag beats the environment, that beats the file. A key that is not known is an error: a setting that
//! is misspelt and silently has no effect is found in the middle of an outage.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Where the file is unless told otherwise.
pub const DEFAULT_FILE: &str = "/etc/fairway/fairwayd.toml";

/// The command line.
#[derive(Debug, Clone, Default, clap::Parser)]
#[command(
    name = "fairwayd",
    version,
    about = "The daemon on every node: gives containers their addresses.",
    after_help = "A flag beats its FAIRWAY_… variable, that beats the file. RUST_LOG sets what is logged \
                  (error, warn, info, debug, trace; default info)."
)]
pub struct Flags {
    /// File with settings (TOML). Absent is fine unless it was named
    #[arg(long, env = "FAIRWAY_CONFIG", value_name = "FILE", help = format!("File with settings (TOML) [default: {DEFAULT_FILE}, if it is there]"))]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    /// What may also stand in the file.
    pub options: Options,

    /// Give back what this node owns in the store where no container has it, remove the state, and end
    #[arg(long)]
    pub cleanup: bool,

    /// Write the man page on standard output, and end
    #[arg(long, hide = true)]
    pub man: bool,
}

macro_rules! options {
    ($($(#[$meta:meta])* $name:ident: $type:ty,)*) => {
        /// What can be set by flag, variable or file.
        #[derive(Debug, Clone, Default, clap::Args, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Options {
            $($(#[$meta])* pub $name: Option<$type>,)*
        }

        impl Options {
            /// These, and where one is not set, the others.
            #[must_use]
            pub fn or(self, others: Options) -> Options {
                Options { $($name: self.$name.or(others.$name),)* }
            }
        }
    };
}

options! {
    /// Name of this node; no other of the cluster may have it [default: the host's name]
    #[arg(long, env = "FAIRWAY_NODE", value_name = "NAME")]
    node: String,

    /// Where to listen [default: /run/fairway/fairwayd.sock]
    #[arg(long, env = "FAIRWAY_SOCKET", value_name = "PATH")]
    socket: PathBuf,

    /// The store: redb:PATH for one node, etcd:URL[,URL…] for many [default: redb:STATE_DIR/store.redb]
    #[arg(long, env = "FAIRWAY_STORE", value_name = "STORE")]
    store: String,

    /// Who signed the certificates of etcd's members (PEM); with https:// endpoints
    #[arg(long, env = "FAIRWAY_ETCD_CA", value_name = "FILE")]
    etcd_ca: PathBuf,

    /// This node's certificate for etcd (PEM)
    #[arg(long, env = "FAIRWAY_ETCD_CERT", value_name = "FILE")]
    etcd_cert: PathBuf,

    /// Its key (PEM)
    #[arg(long, env = "FAIRWAY_ETCD_KEY", value_name = "FILE")]
    etcd_key: PathBuf,

    /// User of etcd, where it has authentication by password
    #[arg(long, env = "FAIRWAY_ETCD_USER", value_name = "NAME")]
    etcd_user: String,

    /// File that holds that user's password
    #[arg(long, env = "FAIRWAY_ETCD_PASSWORD_FILE", value_name = "FILE")]
    etcd_password_file: PathBuf,

    /// The password itself; in the file only, since command lines and environments are seen by others.
    #[arg(skip)]
    etcd_password: String,

    /// Folder of the journal and of what plugins leave behind [default: /var/lib/fairway]
    #[arg(long, env = "FAIRWAY_STATE_DIR", value_name = "FOLDER")]
    state_dir: PathBuf,

    /// How to log [default: text]
    #[arg(long, env = "FAIRWAY_LOG", value_name = "text|json")]
    log: String,

    /// After how long a node that is away loses its blocks by itself, such as 12h; its containers may still
    /// run. Without it only `netctl node rm` takes them
    #[arg(long, env = "FAIRWAY_RECLAIM_AFTER", value_name = "TIME")]
    reclaim_after: String,

    /// Link that other nodes reach this one by [default: that of the default route]
    #[arg(long, env = "FAIRWAY_UNDERLAY", value_name = "IFNAME")]
    underlay: String,

    /// Folder in which sessions of BGP are recorded from their beginning, for whoever looks for what went wrong
    #[arg(long, env = "FAIRWAY_BGP_RECORD", value_name = "FOLDER")]
    bgp_record: PathBuf,

    /// Where metrics are to be had over HTTP, for Prometheus [default: nowhere]
    #[arg(long, env = "FAIRWAY_METRICS", value_name = "ADDR:PORT")]
    metrics: String,

    /// How kubectl would reach the API server of Kubernetes whose pods, policies and objects are to count: a file, or
    /// `in-cluster` for the service account of the pod that fairwayd runs in
    #[arg(long, env = "FAIRWAY_KUBECONFIG", value_name = "FILE|in-cluster")]
    kubeconfig: String,

    /// Which cluster it may be, where the store has mirrored another before.
    #[arg(skip)]
    kubernetes_cluster: String,

    /// UDP port of the overlay, on all nodes the same. Default 4789.
    #[arg(skip)]
    overlay_port: u16,

    /// Who computes the checksums of packets in the overlay: `offload`, what is below, or `software`, the kernel;
    /// for network cards that get it wrong. Default offload.
    #[arg(skip)]
    overlay_checksum: String,

    /// How long the routes to a node stay that is not heard of. Default 1h.
    #[arg(skip)]
    node_grace: String,

    /// What this node is, for the pools' selectors.
    #[arg(skip)]
    labels: BTreeMap<String, String>,

    /// How dead containers are found.
    #[arg(skip)]
    sweep: SweepOptions,

    /// How policies are enforced.
    #[arg(skip)]
    policy: PolicyOptions,
}

/// `[policy]`: how policies are enforced.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyOptions {
    /// `false`: they are not, and nothing of eBPF is loaded. Default true.
    pub enforce: Option<bool>,
    /// What holds for this node's own packets to its containers, and theirs to it: `allow`, or `judge`, as all
    /// others. Default allow.
    pub node: Option<String>,
    /// Namespaces whose containers may be in groups. Default all.
    pub group_namespaces: Option<BTreeSet<String>>,
    /// Are packets between containers of one network on this node handed over past the node's own forwarding
    /// (and its firewall)? Default true.
    pub deliver: Option<bool>,
    /// The same for packets to containers of other nodes and from them, where the overlay leads there. Default
    /// true.
    pub deliver_overlay: Option<bool>,
    /// The same where routes lead there without a tunnel. Default true.
    pub deliver_direct: Option<bool>,
    /// So many open flows are kept track of. Default 262144.
    pub flows: Option<u32>,
    /// One in so many new flows that are let through is told of by `netctl flows`; 0: none. Default 1.
    pub sample: Option<u32>,
    /// So many flows a second and processor are told of at most. Default 200.
    pub events: Option<u32>,
    /// Folder of the pins, in a BPF file system. Default /sys/fs/bpf/fairway.
    pub pins: Option<PathBuf>,
}

/// `[sweep]`: how dead containers are found. Times such as `500ms`, `30s`, `5m`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SweepOptions {
    /// Between two looks. Default 30s.
    pub every: Option<String>,
    /// How long a container must be gone until its address is freed. Default 60s.
    pub grace: Option<String>,
    /// The same for the first look after the daemon has come up. Default 5s.
    pub first_grace: Option<String>,
}
