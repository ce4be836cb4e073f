//! Networks.

use serde::{Deserialize, Serialize};

/// Makes a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkCreate {
    /// Its name.
    pub name: String,
    /// Its pools; the first is for workloads that name none.
    pub pools: Vec<String>,
    /// Its VNI, 1 to 16777215; default: the first that is free from 4096 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
    /// Networks whose containers its own reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
}

/// Changes a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkSet {
    /// Its name.
    pub name: String,
    /// Pools that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_pools: Vec<String>,
    /// Pools that leave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_pools: Vec<String>,
    /// Networks that it imports from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub import: Vec<String>,
    /// Networks that it does not import any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unimport: Vec<String>,
    /// Also where containers lose their routes by it.
    #[serde(default)]
    pub force: bool,
}

/// Removes a network; its pools stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRemove {
    /// Its name.
    pub name: String,
    /// Also where containers lose their routes by it.
    #[serde(default)]
    pub force: bool,
}

/// A network and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its VNI.
    pub vni: u32,
    /// Its pools; the first is for workloads that name none.
    pub pools: Vec<String>,
    /// Networks whose containers its own reach.
    pub imports: Vec<String>,
    /// How many addresses containers have.
    pub live: u64,
    /// What is not as it should be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}
