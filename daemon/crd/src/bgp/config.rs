//! `BgpConfig`.

use crate::{
    status::Status,
    text::{Duration, NodePattern, Place, PoolName, Prefix, RouterId},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who nodes are to their BGP neighbours, and what they announce. Of several objects that are for a node, the one that
/// says so most exactly holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "fairway.network",
    version = "v1alpha1",
    kind = "BgpConfig",
    plural = "bgpconfigs",
    shortname = "bgpc",
    category = "fairway",
    status = "Status",
    derive = "PartialEq",
    schema = "disabled",
    printcolumn(
        name = "Nodes",
        type_ = "string",
        json_path = ".spec.nodes",
        description = "For which nodes; none: all."
    ),
    printcolumn(
        name = "ASN",
        type_ = "integer",
        json_path = ".spec.asn",
        description = "Of which AS they are."
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.routerID) || (has(self.nodes) && size(self.nodes) == 1)",
    "message": "routerID: goes with the plain name of one node in nodes"
}]))]
pub struct BgpConfigSpec {
    /// Names of nodes, in which `*` stands for any characters. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub nodes: Vec<NodePattern>,
    /// The AS that nodes are of. 23456, 65535 and 4294967295 are nobody's.
    #[serde(default = "asn")]
    #[schemars(range(min = 1, max = 4_294_967_294u32))]
    pub asn: u32,
    /// The node's identifier, for an object that is for one node. Absent: its own.
    #[serde(default, rename = "routerID", skip_serializing_if = "Option::is_none")]
    pub router_id: Option<RouterId>,
    /// The cluster that nodes reflect routes for. Absent: each for its own.
    #[serde(default, rename = "clusterID", skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<RouterId>,
    /// Where neighbours may connect to. Absent: nowhere, nodes connect to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<Listen>,
    /// What nodes announce of their own; whom it is told to, export rules of a `BgpPeer` say.
    #[serde(default)]
    pub advertise: Advertise,
    /// What becomes of routes while a speaker restarts (RFC 4724, 8538).
    #[serde(default)]
    pub graceful_restart: GracefulRestart,
    /// So many equal paths are used beside each other.
    #[serde(default = "multipath")]
    #[schemars(range(min = 1, max = 64))]
    pub multipath: u8,
    /// Also those that lead through different AS.
    #[serde(default)]
    pub multipath_relax: bool,
    /// The multi-exit discriminators of different AS are compared as well.
    #[serde(default)]
    pub always_compare_med: bool,
}

/// Where neighbours may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listen {
    /// The port.
    #[serde(default = "port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Those of a node's addresses that are one of these, or in one of these prefixes. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000))]
    pub addresses: Vec<Place>,
}

/// What nodes announce of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.pools) || self.blocks || self.claims",
    "message": "pools: neither blocks nor claims are announced"
}]))]
pub struct Advertise {
    /// The blocks that a node has of pools.
    #[serde(default = "yes")]
    pub blocks: bool,
    /// Addresses that claims hold on a node outside its blocks, each by itself.
    #[serde(default = "yes")]
    pub claims: bool,
    /// Blocks and claims of these pools alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub pools: Vec<PoolName>,
    /// These pools as a whole, from each of the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub whole_pools: Vec<PoolName>,
    /// Other prefixes, from each of the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub addresses: Vec<Prefix>,
}

impl Default for Advertise {
    fn default() -> Advertise {
        Advertise {
            blocks: true,
            claims: true,
            pools: Vec::new(),
            whole_pools: Vec::new(),
            addresses: Vec::new(),
        }
    }
}

/// What becomes of routes while a speaker restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GracefulRestart {
    /// Whether neighbours keep a node's routes (`Full`), a node keeps theirs (`Full`, `Helper`), or nobody (`Off`).
    #[serde(default)]
    pub mode: RestartMode,
    /// How long neighbours wait for a node that restarts; 1s to 4095s.
    #[serde(default = "restart_time")]
    pub restart_time: Duration,
    /// How long routes are kept that a neighbour has not told again; 1s to 65535s.
    #[serde(default = "stale_time")]
    pub stale_time: Duration,
    /// How long a node that has restarted waits for all of its neighbours before it decides; 1s to 65535s.
    #[serde(default = "deferral")]
    pub deferral: Duration,
}

impl Default for GracefulRestart {
    fn default() -> GracefulRestart {
        GracefulRestart {
            mode: RestartMode::Full,
            restart_time: restart_time(),
            stale_time: stale_time(),
            deferral: deferral(),
        }
    }
}

/// Who keeps routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum RestartMode {
    /// Neighbours those of a node, and a node theirs.
    #[default]
    Full,
    /// A node those of its neighbours.
    Helper,
    /// Nobody.
    Off,
}

fn asn() -> u32 {
    64512
}

fn multipath() -> u8 {
    16
}

fn port() -> u16 {
    179
}

fn yes() -> bool {
    true
}

fn restart_time() -> Duration {
    Duration::from("120s")
}

fn stale_time() -> Duration {
    Duration::from("360s")
}

fn deferral() -> Duration {
    Duration::from("360s")
}
