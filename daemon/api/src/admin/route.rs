//! Routes of this node.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Lists routes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RouteList {
    /// Of one network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// A route of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// The network.
    pub network: String,
    /// To where.
    pub prefix: String,
    /// Which way, as a line.
    pub forward: String,
    /// What it is known from.
    pub source: String,
    /// `installed`, `pending` (the kernel does not have it yet), `conflict` (somebody else's route is in the way).
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["installed", "pending", "conflict"])))]
    pub state: String,
}

/// Asks which way an address goes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteWhy {
    /// The address.
    pub address: IpAddr,
    /// As whose container asks. None: that of the pool which holds the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// The answer to [`RouteWhy`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouteExplained {
    /// The network whose table was looked at.
    pub network: String,
    /// The address.
    pub address: IpAddr,
    /// The route that packets take; none: no route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// Each prefix that holds the address, the longest first, with its candidates, the best first.
    pub considered: Vec<Considered>,
}

/// One prefix that holds an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Considered {
    /// The prefix.
    pub prefix: String,
    /// Routes for it, the best first.
    pub candidates: Vec<Candidate>,
}

/// One route that could have been taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Candidate {
    /// What it is known from.
    pub source: String,
    /// What was decided of it, and why.
    pub verdict: String,
}
