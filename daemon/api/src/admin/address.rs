//! Addresses: the list, the proof, the release by hand.

use crate::{Parts, ipam::Attachment};
use serde::{Deserialize, Serialize};
use std::{
    iter::{Chain, Map},
    net::IpAddr,
    vec::IntoIter,
};

/// Which addresses to list. All that is none is not asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IpamList {
    /// Of this pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Of this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// This very address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// One address that is not free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressRow {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: String,
    /// Its block.
    pub block: String,
    /// `live`, `claimed` or `cooling`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["live", "claimed", "cooling"])))]
    pub state: String,
    /// The node that has it: the claim's holder's, else the block's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// The workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The owner's sequence number.
    pub seq: u64,
}

/// `ipam check`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IpamAudit {
    /// Of this pool only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Repair what can be.
    #[serde(default)]
    pub fix: bool,
}

/// The equation for one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Balance {
    /// The pool.
    pub pool: String,
    /// Addresses that are not free, over all blocks.
    pub allocated: u64,
    /// Those that a container has.
    pub live: u64,
    /// Those of claims that nobody holds.
    pub claimed: u64,
    /// Those that rest.
    pub cooling: u64,
    /// `allocated = live + claimed + cooling`, and no finding stands against it.
    pub holds: bool,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// What kind, in kebab case: `leaked`, `duplicate`, `unknown-claim`, `stale-block`, `unreadable`, …
    pub kind: String,
    /// Its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The address, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// One line for people.
    pub text: String,
    /// The proof fails with it; else it is only worth knowing.
    pub breaks: bool,
    /// It was repaired.
    pub fixed: bool,
    /// How it can be repaired, where `--fix` does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// The answer to [`IpamAudit`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Audit {
    /// Each pool's equation.
    pub pools: Vec<Balance>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// Nodes whose journal and kernel were looked at; of others only the store was.
    pub nodes: Vec<String>,
}

/// A row of one of an audit's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AuditPiece {
    /// Of [`Audit::pools`].
    Pool(Balance),
    /// Of [`Audit::findings`].
    Finding(Finding),
    /// Of [`Audit::nodes`].
    Node(String),
}

type Pieces<T> = Map<IntoIter<T>, fn(T) -> AuditPiece>;

/// As many findings as there are addresses are no frame's load.
impl Parts for Audit {
    type Row = AuditPiece;
    type Rows = Chain<Chain<Pieces<Balance>, Pieces<Finding>>, Pieces<String>>;

    fn rows(self) -> Self::Rows {
        let pools: Pieces<Balance> = self.pools.into_iter().map(AuditPiece::Pool);
        let findings: Pieces<Finding> = self.findings.into_iter().map(AuditPiece::Finding);
        pools
            .chain(findings)
            .chain(self.nodes.into_iter().map(AuditPiece::Node as _))
    }

    fn push(&mut self, row: AuditPiece) {
        match row {
            AuditPiece::Pool(balance) => self.pools.push(balance),
            AuditPiece::Finding(finding) => self.findings.push(finding),
            AuditPiece::Node(node) => self.nodes.push(node),
        }
    }
}

/// Frees an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpamFree {
    /// The address.
    pub address: IpAddr,
    /// Also where a container still has it: that one is cut off first.
    #[serde(default)]
    pub force: bool,
}
