//! `RateLimit`: how much containers may send and get.

use crate::{
    number::{Burst, Rate},
    selector::LabelSelector,
    status::Status,
    text::{NamespaceName, NetworkName},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A limit for containers, or for what all containers of a namespace or network on a node have together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "fairway.network",
    version = "v1alpha1",
    kind = "RateLimit",
    plural = "ratelimits",
    shortname = "rl",
    category = "fairway",
    status = "Status",
    derive = "PartialEq",
    schema = "disabled",
    printcolumn(
        name = "Per",
        type_ = "string",
        json_path = ".spec.per",
        description = "Who shares it."
    ),
    printcolumn(
        name = "Ingress",
        type_ = "string",
        json_path = ".spec.ingress.rate",
        description = "What containers get, in bits a second."
    ),
    printcolumn(
        name = "Egress",
        type_ = "string",
        json_path = ".spec.egress.rate",
        description = "What containers send, in bits a second."
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend(
    "anyOf" = [{"required": ["ingress"]}, {"required": ["egress"]}],
    "x-kubernetes-validations" = [{
        "rule": "!has(self.podSelector) || !has(self.per) || self.per == 'Container'",
        "message": "podSelector: goes with per: Container alone"
    }]
))]
pub struct RateLimitSpec {
    /// Who shares the limit: each container has one of its own, or all of a namespace or network on a node have one.
    #[serde(default)]
    pub per: Scope,
    /// Only these namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub namespaces: Vec<NamespaceName>,
    /// Only these networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub networks: Vec<NetworkName>,
    /// Only pods with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
    /// What containers get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Wish>,
    /// What containers send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Wish>,
}

/// Who shares a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// Nobody.
    #[default]
    Container,
    /// All of a namespace on a node.
    Namespace,
    /// All of a network on a node.
    Network,
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "x-kubernetes-validations" = [{
    "rule": "!has(self.burst) || has(self.rate)",
    "message": "burst: goes with a rate"
}]))]
pub struct Wish {
    /// Bits a second, from 1000 to 10^12: `20M`, `1.5Gbit`, or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Bytes that may go at once after a pause, from 1500: `64Ki`, or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// Packets a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub packets_per_second: Option<u32>,
    /// The DSCP that packets get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 63))]
    pub dscp: Option<u8>,
}
