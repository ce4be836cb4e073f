//! `BgpPeer`.

use super::Filter;
use crate::{
    number::Asn,
    status::Status,
    text::{Address, Duration, File, NodePattern, Prefix},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A BGP neighbour of nodes, or all that connect from a prefix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "fairway.network",
    version = "v1alpha1",
    kind = "BgpPeer",
    plural = "bgppeers",
    shortname = "bgpp",
    category = "fairway",
    status = "Status",
    derive = "PartialEq",
    schema = "disabled",
    printcolumn(
        name = "Address",
        type_ = "string",
        json_path = ".spec.address",
        description = "Its address."
    ),
    printcolumn(
        name = "Prefix",
        type_ = "string",
        json_path = ".spec.prefix",
        description = "Where neighbours connect from."
    ),
    printcolumn(
        name = "ASN",
        type_ = "string",
        json_path = ".spec.asn",
        description = "Of which AS it is."
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend(
    "oneOf" = [{"required": ["address"]}, {"required": ["prefix"]}],
    "x-kubernetes-validations" = [{
        "rule": "!has(self.prefix) || !has(self.port)",
        "message": "port: neighbours of a prefix connect by themselves"
    }, {
        "rule": "!has(self.prefix) || !has(self.sourceAddress)",
        "message": "sourceAddress: neighbours of a prefix connect by themselves"
    }, {
        "rule": "!has(self.prefix) || !has(self.passive) || self.passive",
        "message": "passive: neighbours of a prefix connect by themselves"
    }, {
        "rule": "!has(self.localAsn) || !has(self.reflectorClient)",
        "message": "reflectorClient: with a localAsn the neighbour is of another AS"
    }, {
        "rule": "!has(self.localAsn) || !has(self.nextHopSelf)",
        "message": "nextHopSelf: with a localAsn the neighbour is of another AS"
    }]
))]
pub struct BgpPeerSpec {
    /// Names of the nodes whose neighbour it is, in which `*` stands for any characters. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub nodes: Vec<NodePattern>,
    /// Its address. Either this or `prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// All that connect from this prefix are neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
    /// The port to connect to. Absent: 179. Not with `prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The node's address to connect from, of the neighbour's family. Not with `prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<Address>,
    /// Of which AS it has to be: a number, a list of numbers, `Internal` (the node's own) or `External` (any other).
    pub asn: Asn,
    /// The AS that it is told nodes are of, where that is not their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_294u32))]
    pub local_asn: Option<u32>,
    /// Routes of what are exchanged. Absent: of the family of its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub families: Option<Families>,
    /// Nodes wait for it to connect. Those of a `prefix` always do. Absent: they connect as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive: Option<bool>,
    /// How long it may be silent: 3s to 65535s, or 0s, by which silence is no sign.
    #[serde(default = "hold_time")]
    pub hold_time: Duration,
    /// The most between attempts to connect; 1s to 65535s.
    #[serde(default = "connect_retry")]
    pub connect_retry: Duration,
    /// How far away it may be. Absent: one hop for a neighbour of another AS, any for one of the own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// Where on a node the key of TCP-MD5 lies. Keys never stand in objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<File>,
    /// Nodes reflect routes for it, if it is of their AS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reflector_client: Option<bool>,
    /// It is told the node itself as next hop, if it is of the node's AS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_self: Option<bool>,
    /// Paths that it tells have to begin with its AS. Absent: so it is, for a neighbour of another AS.
    #[serde(
        default,
        rename = "enforceFirstAs",
        skip_serializing_if = "Option::is_none"
    )]
    pub enforce_first_as: Option<bool>,
    /// What is taken from it. Absent: nothing, if it is of another AS (RFC 8212).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<Filter>,
    /// What it is told. Absent: nothing, if it is of another AS (RFC 8212).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<Filter>,
}

/// Routes of what are exchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("minProperties" = 1))]
pub struct Families {
    /// IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Family>,
    /// IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!has(self.ipv6NextHops)",
        "message": "ipv6NextHops: next hops of IPv6 routes always are"
    }]))]
    pub ipv6: Option<Family>,
}

/// Routes of one family.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Family {
    /// How many prefixes the neighbour may tell. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_prefixes: Option<MaxPrefixes>,
    /// IPv4 routes may have IPv6 next hops (RFC 8950).
    #[serde(
        default,
        rename = "ipv6NextHops",
        skip_serializing_if = "Option::is_none"
    )]
    pub ipv6_next_hops: Option<bool>,
}

/// How many prefixes a neighbour may tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.restartAfter) || self.over != 'Warn'",
    "message": "restartAfter: over is Warn"
}]))]
pub struct MaxPrefixes {
    /// So many.
    #[schemars(range(min = 1, max = 4_294_967_295u32))]
    pub limit: u32,
    /// At this share of them there is a warning, in percent.
    #[serde(default = "warn_at")]
    #[schemars(range(min = 1, max = 100))]
    pub warn_at: u8,
    /// What happens when there are more.
    #[serde(default)]
    pub over: Over,
    /// After `Down`, when the session is tried again; 1s to 65535s. Absent: when an administrator says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_after: Option<Duration>,
}

/// What happens when there are too many prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Over {
    /// The session ends.
    #[default]
    Down,
    /// There is a warning.
    Warn,
}

/// How far away a neighbour may be. One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Ttl {
    /// Over at most so many hops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub multihop: Option<u8>,
    /// What came over more than so many hops is dropped (RFC 5082).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 254))]
    pub security: Option<u8>,
}

fn hold_time() -> Duration {
    Duration::from("90s")
}

fn connect_retry() -> Duration {
    Duration::from("120s")
}

fn warn_at() -> u8 {
    75
}
