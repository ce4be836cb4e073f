//! What the engine is told, and what it says is to be in the dataplane.

use crate::spec::{Labels, NamedPort, Object, ObjectName};
use ipnetwork::IpNetwork;
use serde::Serialize;
use std::{collections::BTreeSet, net::IpAddr};

/// Which interface of which container on which node; text of whoever feeds the engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EndpointId {
    /// The node.
    pub node: String,
    /// The container's id.
    pub container: String,
    /// The interface.
    pub ifname: String,
    /// The network's name.
    pub network: String,
}

/// An endpoint anywhere in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub id: EndpointId,
    /// Its namespace; empty where it has none (it is in no namespace then, and no namespaced policy fits).
    pub namespace: String,
    /// Its pod's or task's name; empty where it has none. A [`crate::spec::Pod`] of that name adds to its labels.
    pub pod: String,
    /// Labels that came with its ADD.
    pub labels: Labels,
    /// Its Mesos groups. Where there is one, only members of a common group (and whom policies name) get in.
    pub groups: BTreeSet<String>,
    /// Named ports that came with its ADD.
    pub ports: Vec<NamedPort>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// It is on this node and its verdicts are made here.
    pub local: bool,
}

/// A node, as rules can name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// It is this one.
    pub here: bool,
}

/// Something has become known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An object is there or has changed.
    Object(Object),
    /// An object is gone.
    ObjectGone(ObjectName),
    /// An endpoint is there or has changed.
    Endpoint(Endpoint),
    /// An endpoint is gone.
    EndpointGone(EndpointId),
    /// A node is there or has changed.
    Node(Node),
    /// A node is gone.
    NodeGone(String),
}

/// From where to where, as the endpoint whose policy it is sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To it.
    Ingress,
    /// From it.
    Egress,
}

impl Direction {
    /// Both.
    pub const BOTH: [Direction; 2] = [Direction::Ingress, Direction::Egress];
}

/// A packet, as rules can tell it from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Packet {
    /// `None`: a protocol that rules cannot name.
    pub protocol: Option<crate::spec::Protocol>,
    /// Destination port; of a protocol without ports 0.
    pub port: u16,
}

/// The number of a label set, of a prefix, of a table, of a set, of a rule. 0 is nobody.
pub type Number = u32;

/// What a rule decides, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side {
    /// The less, the earlier.
    pub order: u32,
    /// Which rule.
    pub rule: Number,
    /// What it decides.
    pub action: crate::spec::Action,
}

/// What rules say of a port: the first of the administrators' tier and the first of what comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decision {
    /// Administrators.
    pub high: Option<Side>,
    /// Network policies and groups, or the baseline.
    pub low: Option<Side>,
}

/// Ports by prefix: the longest that fits counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortPrefix {
    /// The protocol; `None`: all that policies cannot name (then port and length are 0).
    pub protocol: Option<crate::spec::Protocol>,
    /// The port, bits beyond `length` zero.
    pub port: u16,
    /// 0 to 16.
    pub length: u8,
}

/// The policy of an endpoint, as numbers of sets; 0: everything is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sets {
    /// For packets to it.
    pub ingress: Number,
    /// For packets from it.
    pub egress: Number,
    /// As if nothing were in audit; 0 where that is the same.
    pub ingress_audit: Number,
    /// As if nothing were in audit; 0 where that is the same.
    pub egress_audit: Number,
}

/// Something in the dataplane is to be changed. In the order in which they come, no packet is judged
/// by half of a change: what is pointed to is there before what points to it, and goes after; and where a
/// policy's change shows in more than one entry, a second set is made beside the first and the endpoints
/// change over. So what one [`Input`] changes is in between as it was or as it will be, for each pair of
/// addresses and each port. Two limits to that:
///
/// - Where several inputs come at once, a peer may be seen with its new labels while the policy is still
///   the old one, or the other way round, as if the inputs had come one after the other. The same holds
///   between two interfaces of one pod whose labels change.
/// - Where the maps have no room for a second set, endpoints concerned are closed ([`Change::Endpoint`]
///   with `None`) and opened again when all is in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Who has an address; `None`: nobody. `here`: it is an address of this very node.
    Address {
        /// The address.
        address: IpAddr,
        /// Who.
        identity: Option<Number>,
        /// This node's own.
        here: bool,
        /// The endpoint of this node that has it.
        endpoint: Option<EndpointId>,
    },
    /// The number of a prefix (from 2^31); `None`: nobody speaks of it any more.
    Prefix {
        /// The prefix.
        prefix: IpNetwork,
        /// Its number.
        number: Option<Number>,
    },
    /// A table of ports that is new. Tables never change.
    Table {
        /// Its number.
        table: Number,
        /// What it says.
        ports: Vec<(PortPrefix, Decision)>,
    },
    /// A table that nobody points to any more.
    TableGone {
        /// Its number.
        table: Number,
        /// What was in it.
        ports: Vec<PortPrefix>,
    },
    /// A set is there or has changed.
    Set {
        /// Its number.
        set: Number,
        /// Where no rule says anything: is it let through?
        otherwise: bool,
        /// Which rule that is.
        rule: Number,
        /// Some rule names a prefix.
        prefixes: bool,
        /// The table for anybody; 0: none.
        anybody: Number,
        /// Which lengths that table has, bit n for length n.
        lengths: u32,
    },
    /// A set that nobody has any more; its peers are gone already.
    SetGone {
        /// Its number.
        set: Number,
    },
    /// What is said of a peer in a set; table 0: nothing any more.
    Peer {
        /// The set.
        set: Number,
        /// An identity or a prefix.
        peer: Number,
        /// The table.
        table: Number,
        /// Which lengths that table has.
        lengths: u32,
    },
    /// The policy of an endpoint of this node; `None`: it is gone, or closed until it is named again.
    Endpoint {
        /// Which.
        id: EndpointId,
        /// Its identity.
        identity: Number,
        /// Its policy.
        sets: Option<Sets>,
    },
}
