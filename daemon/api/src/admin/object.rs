//! Objects as administrators write them: policies, and what they speak of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectRef {
    /// Its kind, such as `NetworkPolicy`; a request may use a short name (`netpol`).
    pub kind: String,
    /// Its namespace; absent where the kind has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Puts objects in place of those of the same names. All are judged before the first is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectApply {
    /// As in Kubernetes: `apiVersion`, `kind`, `metadata`, `spec`.
    pub objects: Vec<Value>,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Applied {
    /// Which.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// `created`, `configured`, `unchanged` or `deleted`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["created", "configured", "unchanged", "deleted"])))]
    pub done: String,
    /// What an administrator should know of it; empty where all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Lists objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectList {
    /// Of which kind.
    pub kind: String,
    /// Of this namespace only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Of this name only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
