//! Flows, as the dataplane tells of them: every drop (bounded in number), and some of what was let through.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Lists flows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlowList {
    /// Those after this number only; see [`Flows::next`]. Absent: all that the daemon still has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only what was dropped, or would have been were it not in audit.
    #[serde(default)]
    pub drops: bool,
    /// Where there is nothing yet, wait for so many milliseconds at most (30,000).
    #[serde(default)]
    pub wait_ms: u64,
}

/// The answer to [`FlowList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flows {
    /// The oldest first.
    pub flows: Vec<Flow>,
    /// To be given as [`FlowList::after`] the next time.
    pub next: u64,
    /// Flows after that number that are forgotten already, or of which the dataplane could not tell.
    pub missed: u64,
}

/// One flow, or one packet that was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flow {
    /// When: milliseconds since 1970.
    pub at: u64,
    /// `allowed`, `dropped`, or `audited`: allowed, and a policy in audit would refuse it.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["allowed", "dropped", "audited"])))]
    pub verdict: String,
    /// Why it was dropped; see docs/policy for the list.
    pub reason: String,
    /// `ingress` or `egress`, as the endpoint sees it.
    pub direction: String,
    /// The endpoint that it was judged for: `NAMESPACE/NAME`, or the link's name where nobody is known.
    pub endpoint: String,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Who that is, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// To where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<IpAddr>,
    /// Who that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_name: Option<String>,
    /// `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`, or the number.
    pub protocol: String,
    /// Source port; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// Destination port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<u16>,
    /// Bytes of the packet, with its link header.
    pub bytes: u32,
    /// The rule that decided, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}
