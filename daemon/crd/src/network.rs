//! `Network`: containers that reach each other on all nodes.

use crate::{
    status::conditions,
    text::{NetworkName, PoolName},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network that spans nodes: a tenant with routes of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "fairway.network",
    version = "v1alpha1",
    kind = "Network",
    plural = "networks",
    shortname = "fwnet",
    category = "fairway",
    status = "NetworkStatus",
    derive = "PartialEq",
    schema = "disabled",
    printcolumn(
        name = "VNI",
        type_ = "integer",
        json_path = ".status.vni",
        description = "Its VNI."
    ),
    printcolumn(
        name = "Pools",
        type_ = "string",
        json_path = ".spec.pools",
        description = "Its pools."
    ),
    printcolumn(
        name = "Live",
        type_ = "integer",
        json_path = ".status.live",
        description = "Addresses of containers."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct NetworkSpec {
    /// Its pools; the first is for workloads that name none. A pool is in one network.
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub pools: Vec<PoolName>,
    /// Its VNI. Absent: the first that is free from 4096 on. It cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_215))]
    #[schemars(extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "vni: cannot be changed"}]))]
    pub vni: Option<u32>,
    /// Networks whose containers its own reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub imports: Vec<NetworkName>,
}

/// How a network stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkStatus {
    /// The generation of the object that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`: the object is valid, or what is wrong with it, by field; `Ready`: it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
    /// Its VNI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<i64>,
    /// How many addresses containers have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<i64>,
}
