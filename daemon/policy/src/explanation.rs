//! What [`crate::Engine::explain`] answers, as it is printed.

use crate::{
    input::{Direction, EndpointId, Number, Packet},
    spec::{Action, Labels, ObjectName, Protocol},
};
use serde::Serialize;
use std::{collections::BTreeSet, net::IpAddr};

/// One end of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// A pod or task.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        pod: String,
    },
    /// Whoever has an address, or nobody.
    Address(IpAddr),
}

/// The packet that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// `None`: any that rules cannot name.
    pub protocol: Option<Protocol>,
    /// Destination port.
    pub port: u16,
}

impl From<Packet> for Asked {
    fn from(packet: Packet) -> Self {
        Self {
            protocol: packet.protocol,
            port: packet.port,
        }
    }
}

/// Who is at one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// An endpoint.
    Endpoint {
        /// Which.
        id: EndpointId,
        /// Its namespace.
        namespace: String,
        /// Its pod's or task's name.
        pod: String,
        /// All its labels.
        labels: Labels,
        /// Its groups.
        groups: BTreeSet<String>,
        /// Its number.
        identity: Number,
        /// It is on this node: here its verdicts are made. What another node says may be older or newer.
        local: bool,
    },
    /// A node.
    Node {
        /// Which.
        name: String,
        /// Its labels.
        labels: Labels,
        /// Its number.
        identity: Number,
        /// This very one.
        here: bool,
    },
    /// Nobody who is known.
    Unknown,
}

/// One end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// The address that was taken; a pod's first of a family that the other end has too.
    pub address: Option<IpAddr>,
    /// Who has it.
    pub who: Who,
}

/// When a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// First: the first of its rules that fits decides, or passes on.
    Admin,
    /// Then: any of its rules may allow, and what none allows is refused.
    Network,
    /// Where there is no network policy: the first of its rules that fits decides.
    Baseline,
}

/// Does a rule fit?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleFits {
    /// It does.
    Yes,
    /// It is about others.
    OtherPeer,
    /// It is about this peer, by other ports.
    OtherPort,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSaid {
    /// Which of the policy's rules of that direction, from 0.
    pub index: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its number.
    pub number: Number,
    /// The less, the earlier.
    #[serde(skip)]
    pub(crate) order: u32,
    /// What it would decide.
    pub action: Action,
    /// Does it?
    pub fits: RuleFits,
}

/// A policy that is for the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicySaid {
    /// Which; `None`: groups.
    pub policy: Option<ObjectName>,
    /// When it is asked.
    pub stage: Stage,
    /// It only reports.
    pub audit: bool,
    /// Its rules of the direction, in their order.
    pub rules: Vec<RuleSaid>,
}

/// What decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// A rule.
    Rule {
        /// Its policy; `None`: groups.
        policy: Option<ObjectName>,
        /// Which of its rules.
        index: usize,
        /// The rule's name.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The rule's number.
        number: Number,
    },
    /// These are for the endpoint, and none of them allows it.
    NotAllowed {
        /// Network policies; none where it is groups alone.
        policies: Vec<ObjectName>,
        /// The number of that; 0 where verdicts of the endpoint are not made here.
        number: Number,
    },
    /// No rule says anything, and so it passes.
    Nothing,
}

impl Decided {
    /// The rule's number.
    pub fn number(&self) -> Number {
        match self {
            Decided::Rule { number, .. } | Decided::NotAllowed { number, .. } => *number,
            Decided::Nothing => 0,
        }
    }
}

/// Are policies asked?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applies {
    /// They are.
    Policies,
    /// This end is no endpoint: nothing is judged here.
    NoEndpoint,
    /// The other end is this node, which may always talk with its containers.
    Node,
    /// Both ends are the same.
    Itself,
}

/// What holds at one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Are policies asked?
    pub applies: Applies,
    /// It passes.
    pub allowed: bool,
    /// By what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Decided>,
    /// It passes only because policies are in audit; this would refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audited: Option<Decided>,
    /// The policies that are for the endpoint, in the order in which they are asked.
    pub policies: Vec<PolicySaid>,
}

impl Judgement {
    pub(crate) fn free(applies: Applies) -> Self {
        Self {
            applies,
            allowed: true,
            by: None,
            audited: None,
            policies: Vec::new(),
        }
    }

    /// What is said of it in a sentence's place, for tables.
    pub fn word(&self) -> &'static str {
        match (self.allowed, &self.audited) {
            (true, None) => "allowed",
            (true, Some(_)) => "audited",
            (false, _) => "denied",
        }
    }
}

/// Why a packet passes or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// It passes both ends.
    pub allowed: bool,
    /// The source.
    pub from: End,
    /// The destination.
    pub to: End,
    /// The packet.
    pub asked: Asked,
    /// At the source.
    pub egress: Judgement,
    /// At the destination.
    pub ingress: Judgement,
}

impl Explanation {
    /// What holds in a direction.
    pub fn judgement(&self, direction: Direction) -> &Judgement {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}
