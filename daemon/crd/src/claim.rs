//! `IPClaim`: addresses that outlive a container.

use crate::{
    pool::Handover,
    status::conditions,
    text::{Address, AppName, NodeName, PoolName, Release},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Addresses of a pool that are kept for a workload, whatever becomes of its containers; or, with `set`, for the replicas
/// of one. A pod asks for it by the annotation `fairway.network/claim`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "fairway.network",
    version = "v1alpha1",
    kind = "IPClaim",
    plural = "ipclaims",
    shortname = "ipc",
    category = "fairway",
    status = "IPClaimStatus",
    derive = "PartialEq",
    schema = "disabled",
    printcolumn(
        name = "Pool",
        type_ = "string",
        json_path = ".spec.pool",
        description = "Its pool."
    ),
    printcolumn(
        name = "Addresses",
        type_ = "string",
        json_path = ".status.addresses",
        description = "Its addresses."
    ),
    printcolumn(
        name = "Node",
        type_ = "string",
        json_path = ".status.node",
        description = "The node of its holder."
    ),
    printcolumn(
        name = "Holder",
        type_ = "string",
        json_path = ".status.holder",
        description = "Who holds it."
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.set) || !has(self.addresses) || size(self.addresses) == 0",
    "message": "addresses: a set has none of its own; make a claim for each"
}, {
    "rule": "!has(self.set) || !has(self.node)",
    "message": "node: a set is for no node"
}, {
    "rule": "has(self.set) == has(oldSelf.set)",
    "message": "set: a claim does not become a set, nor a set a claim"
}]))]
pub struct IPClaimSpec {
    /// The pool that its addresses are of. It cannot be changed.
    #[schemars(extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "pool: cannot be changed"}]))]
    pub pool: PoolName,
    /// These very addresses, one of a family. Absent: any of the pool. They cannot be changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 2, "x-kubernetes-list-type" = "atomic"))]
    pub addresses: Vec<Address>,
    /// When they are given back. Absent: never, other than by the object being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// What a newcomer gets while it is held. Absent: what the pool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    /// The application that it belongs to: `KIND/NAMESPACE/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// Only this node may take it. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// It is a set: several claims, one for each replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetSize>,
}

/// How large a set is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SetSize {
    /// Members that it keeps. Absent: as many as there were at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295u32))]
    pub size: Option<u32>,
    /// How many more there may be during an update. Absent: a quarter of the size, at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295u32))]
    pub surge: Option<u32>,
}

/// How a claim stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IPClaimStatus {
    /// The generation of the object that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`: the object is valid, or what is wrong with it, by field; `Ready`: it has its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The node of its holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What holds it: `CONTAINER/INTERFACE`, of a pod that of its sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
}
