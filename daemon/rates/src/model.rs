//! What is said, and what follows.

use fairway_policy::spec::{Labels, Selector};
use fairway_shape::Rate;
use std::{collections::BTreeMap, fmt};

/// Which interface of which container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    /// The network's name in CNI.
    pub network: String,
    /// The container's id.
    pub container: String,
    /// The interface.
    pub ifname: String,
}

/// Which way packets go, as the container sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What it gets.
    Ingress,
    /// What it sends.
    Egress,
}

/// How much may be sent; what is absent is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Allowance {
    /// Ethernet frames, in bits a second.
    pub rate: Option<Rate>,
    /// Bytes that may go at once after a pause; none: what suits the rate.
    pub burst: Option<u32>,
    /// Packets a second.
    pub packets: Option<u32>,
}

/// What somebody wishes for one direction. All absent: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Wish {
    /// How much.
    pub allowance: Allowance,
    /// The DSCP that packets get (RFC 2474), 0 to 63.
    pub dscp: Option<u8>,
}

/// What a container's configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which way.
    pub direction: Direction,
    /// How much.
    pub allowance: Allowance,
    /// Where it stands.
    pub field: String,
}

/// A container's interface on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub id: EndpointId,
    /// Its namespace.
    pub namespace: String,
    /// The pod's or task's name.
    pub pod: Option<String>,
    /// Its labels.
    pub labels: Labels,
    /// The network of ours that it is in: its tenant.
    pub network: Option<String>,
    /// What its configuration asks for; all of it holds.
    pub asked: Vec<Asked>,
}

/// An administrator's word on a workload, in place of what its own configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Override {
    /// What it gets; absent: nothing is said.
    pub ingress: Option<Wish>,
    /// What it sends.
    pub egress: Option<Wish>,
    /// Why.
    pub reason: Option<String>,
}

/// Who share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Each interface of a container has its own.
    Container,
    /// All containers of a namespace on this node.
    Namespace,
    /// All containers of a network, a tenant, on this node.
    Network,
}

/// A `RateLimit` object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Its name.
    pub name: String,
    /// Who share it.
    pub per: Scope,
    /// Only in these namespaces; empty: in all.
    pub namespaces: Vec<String>,
    /// Only in these networks; empty: in all.
    pub networks: Vec<String>,
    /// Only these pods, by their labels; only where each container has its own.
    pub pods: Selector,
    /// What they get.
    pub ingress: Option<Wish>,
    /// What they send.
    pub egress: Option<Wish>,
}

/// What the engine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An object is there, or is another.
    RateLimit(RateLimit),
    /// It is not any more.
    RateLimitGone(String),
    /// Namespace and pod have this said of them.
    Override(String, String, Override),
    /// Nothing is said of them any more.
    OverrideGone(String, String),
    /// A container's interface is there, or is another.
    Endpoint(Endpoint),
    /// It is not any more.
    EndpointGone(EndpointId),
}

/// A limit's number: above 0, and the same for as long as the limit is there.
pub type Number = u32;

/// A limit that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who share it.
    pub scope: Scope,
    /// The endpoint's title (`NAMESPACE/POD`, else the container's id, and the interface), the namespace, or
    /// the network.
    pub of: String,
    /// Which way.
    pub direction: Direction,
    /// How much; of several that are said, the least of each kind.
    pub allowance: Allowance,
    /// By whose word, such as `RateLimit/web` or `netctl rate set: incident 17`.
    pub reason: String,
}

/// What holds for one direction of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// Its own limit, its namespace's, its network's.
    pub limits: [Option<Number>; 3],
    /// The DSCP that its packets get.
    pub dscp: Option<u8>,
    /// What is worth knowing, such as a namespace's limit below the container's own.
    pub warnings: Vec<String>,
}

/// All that holds on this node. Who has no limit and no mark is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Limits by number.
    pub limits: BTreeMap<Number, Held>,
    /// Directions of endpoints.
    pub ways: BTreeMap<(EndpointId, Direction), Way>,
    /// Limits for which there was no room: they are not kept.
    pub overflow: Vec<String>,
}

impl Picture {
    /// The least of each kind, over all limits of a way.
    pub fn least(&self, way: &Way) -> Allowance {
        let limits = way.limits.iter().flatten();
        let held = limits.filter_map(|number| self.limits.get(number));
        held.fold(Allowance::default(), |least, held| {
            least.and(held.allowance)
        })
    }
}

impl Allowance {
    /// Is anything limited?
    pub fn is_none(&self) -> bool {
        self.rate.is_none() && self.packets.is_none()
    }

    /// Both hold: the least rate with its burst, the least number of packets.
    #[must_use]
    pub fn and(self, other: Allowance) -> Allowance {
        let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        let packets = least(self.packets, other.packets);
        let (rate, burst) = match (self.rate, other.rate) {
            (Some(a), Some(b)) if a == b => (Some(a), least(self.burst, other.burst)),
            (Some(a), Some(b)) if a < b => (Some(a), self.burst),
            (Some(a), None) => (Some(a), self.burst),
            (_, b) => (b, other.burst),
        };
        Allowance {
            rate,
            burst,
            packets,
        }
    }
}

/// As history has it: `20Mbit`, `20Mbit, 500 packets/s`, `20Mbit, burst 64000`.
impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.rate.map(|rate| rate.to_string()),
            self.packets.map(|packets| format!("{packets} packets/s")),
            self.burst.map(|burst| format!("burst {burst}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => f.write_str("no limit"),
            false => f.write_str(&parts.join(", ")),
        }
    }
}

impl Direction {
    /// All there are.
    pub const BOTH: [Direction; 2] = [Direction::Ingress, Direction::Egress];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scope::Container => "container",
            Scope::Namespace => "namespace",
            Scope::Network => "network",
        })
    }
}

impl Endpoint {
    /// `NAMESPACE/POD`, else the container's id.
    pub fn workload(&self) -> String {
        match &self.pod {
            Some(pod) => format!("{}/{pod}", self.namespace),
            None => self.id.container.clone(),
        }
    }

    /// [`Endpoint::workload`] and the interface.
    pub fn title(&self) -> String {
        format!("{} {}", self.workload(), self.id.ifname)
    }
}

impl Override {
    /// What it says of a direction.
    pub fn wish(&self, direction: Direction) -> Option<&Wish> {
        match direction {
            Direction::Ingress => self.ingress.as_ref(),
            Direction::Egress => self.egress.as_ref(),
        }
    }
}

impl RateLimit {
    /// What it says of a direction.
    pub fn wish(&self, direction: Direction) -> Option<&Wish> {
        match direction {
            Direction::Ingress => self.ingress.as_ref(),
            Direction::Egress => self.egress.as_ref(),
        }
    }
}
