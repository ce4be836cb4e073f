//! A daemon's socket, as a client sees it: calls with typed answers, and outcomes for a history.

use crate::history::{Ask, Listed, Outcome, Recorder};
use fairway_api::admin::{
    AddressRow, Applied, Audit, AuditRow, Claim, ClaimCreate, ClaimList, ClaimMove, ClaimRemove,
    Doctor, FlowList, Flows, Info, IpamAudit, IpamList, Network, NetworkCreate, NetworkRemove,
    NetworkSet, Node, NodeDrain, NodeRemove, NodeRemoved, ObjectApply, ObjectList, ObjectRef,
    Policy, PolicyExplain, PolicyExplained, PolicyStatus, Pool, PoolCreate, PoolRemove, PoolSet,
    Rate, RateList, Route, RouteExplained, RouteList, RouteWhy,
};
use fairway_api::endpoint::{Endpoint, Prepare, Prepared};
use fairway_api::ipam::{
    Allocate, Allocated, Attachment, Check, Collected, Facts, Gc, Headrooms, Netns, Release,
    Released, Sourced, StatusQuery,
};
use fairway_api::{Client, ClientError, Method, Nothing};
use fairway_lab::Value;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The result of one call.
pub type Answer<T> = Result<T, ClientError>;

const CONNECT: Duration = Duration::from_secs(5);
/// Longer than any answer of a daemon that works: an ADD waits for a claim, a removal for other nodes, and all for an
/// emulated machine's programs.
const PATIENCE: Duration = Duration::from_secs(180);

/// Where a daemon listens.
#[derive(Debug, Clone)]
pub struct Door {
    /// The node's name.
    pub node: String,
    /// The socket.
    pub socket: PathBuf,
}

/// An attachment of the network `net`, interface `eth0`.
pub fn attachment(container: &str) -> Attachment {
    Attachment {
        network: "net".into(),
        container: container.into(),
        ifname: "eth0".into(),
    }
}

/// The daemon's code; none where it is no refusal.
pub fn code(error: &ClientError) -> Option<u32> {
    match error {
        ClientError::Refused(body) => Some(body.code),
        _ => None,
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($method:ident $(($ask:ty))?) -> $answer:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// See [`ClientError`].
        pub fn $name(&self $(, ask: $ask)?) -> Answer<$answer> {
            self.call(calls!(@method $method $($ask)?, ask))
        }
    )*};
    (@method $method:ident, $ask:ident) => { Method::$method };
    (@method $method:ident $type:ty, $ask:ident) => { Method::$method($ask) };
}

impl Door {
    /// One call on a connection of its own.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call<T: DeserializeOwned>(&self, method: Method) -> Answer<T> {
        let client = Client::connect(&self.socket, CONNECT)?;
        client.answer_timeout(PATIENCE).call(method)
    }

    /// ADD.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn add(&self, who: &Attachment, facts: Facts) -> Answer<Allocated> {
        self.add_in(who, facts, None)
    }

    /// ADD for a container whose namespace is known.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn add_in(
        &self,
        who: &Attachment,
        facts: Facts,
        netns: Option<Netns>,
    ) -> Answer<Allocated> {
        self.call(Method::Allocate(Box::new(Allocate {
            attachment: who.clone(),
            netns,
            facts,
            early: false,
        })))
    }

    /// What a container of a network is to be like.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn prepare(&self, network: &str) -> Answer<Prepared> {
        let network = Sourced {
            value: network.to_owned(),
            field: "network".to_owned(),
        };
        self.call(Method::EndpointPrepare(Prepare { network }))
    }

    /// DEL.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn del(&self, who: &Attachment) -> Answer<Released> {
        let attachment = who.clone();
        self.call(Method::Release(Release { attachment }))
    }

    /// CHECK.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn check(&self, who: &Attachment, addresses: &[IpAddr]) -> Answer<Nothing> {
        self.call(Method::Check(Check {
            attachment: who.clone(),
            addresses: addresses.to_vec(),
        }))
    }

    calls! {
        /// GC.
        gc(Gc(Gc)) -> Collected;
        /// STATUS.
        status(Status(StatusQuery)) -> Headrooms;
        /// Makes a pool.
        pool_create(PoolCreate(PoolCreate)) -> Pool;
        /// Changes one.
        pool_set(PoolSet(PoolSet)) -> Pool;
        /// All pools.
        pools(PoolList) -> Vec<Pool>;
        /// Retires one.
        pool_remove(PoolRemove(PoolRemove)) -> Pool;
        /// All that is not free.
        list(IpamList(IpamList)) -> Vec<AddressRow>;
        /// The proof.
        audit(IpamAudit(IpamAudit)) -> Audit;
        /// Makes a claim.
        claim_create(ClaimCreate(ClaimCreate)) -> Claim;
        /// All claims.
        claims(ClaimList(ClaimList)) -> Vec<Claim>;
        /// Gives claims back.
        claim_remove(ClaimRemove(ClaimRemove)) -> Vec<Claim>;
        /// Moves one.
        claim_move(ClaimMove(ClaimMove)) -> Claim;
        /// All nodes.
        nodes(NodeList) -> Vec<Node>;
        /// A node that takes no new containers, or takes them again.
        node_drain(NodeDrain(NodeDrain)) -> Node;
        /// A node that never returns.
        node_remove(NodeRemove(NodeRemove)) -> NodeRemoved;
        /// The daemon about itself.
        info(Info) -> Info;
        /// Whether containers are reached.
        doctor(Doctor) -> Doctor;
        /// Makes a network.
        network_create(NetworkCreate(NetworkCreate)) -> Network;
        /// Changes one.
        network_set(NetworkSet(NetworkSet)) -> Network;
        /// All networks.
        networks(NetworkList) -> Vec<Network>;
        /// Removes one.
        network_remove(NetworkRemove(NetworkRemove)) -> Nothing;
        /// Containers that are in a network.
        endpoints(EndpointList) -> Vec<Endpoint>;
        /// Routes.
        routes(RouteList(RouteList)) -> Vec<Route>;
        /// Which way an address goes, and why.
        why(RouteWhy(RouteWhy)) -> RouteExplained;
        /// Puts objects in place of those of the same names.
        apply(ObjectApply(ObjectApply)) -> Vec<Applied>;
        /// Objects of a kind.
        objects(ObjectList(ObjectList)) -> Vec<Value>;
        /// Deletes one.
        object_remove(ObjectRemove(ObjectRef)) -> Applied;
        /// Policies as this node sees them.
        policies(PolicyList) -> Vec<Policy>;
        /// Who decides about packets.
        explain(PolicyExplain(PolicyExplain)) -> PolicyExplained;
        /// What policies in audit would have refused.
        policy_audit(PolicyAudit) -> Vec<AuditRow>;
        /// How policy stands.
        policy_status(PolicyStatus) -> PolicyStatus;
        /// Limits.
        rate_list(RateList(RateList)) -> Vec<Rate>;
        /// Flows.
        flows(FlowList(FlowList)) -> Flows;
    }

    /// Makes a call of a history.
    pub fn make(&self, ask: &Ask) -> Outcome {
        match ask {
            Ask::Add { attachment, facts } => {
                outcome(self.add(attachment, (**facts).clone()), Outcome::Given)
            }
            Ask::Del { attachment } => outcome(self.del(attachment), |freed| {
                Outcome::Freed(freed.addresses)
            }),
            Ask::Check {
                attachment,
                addresses,
            } => outcome(self.check(attachment, addresses), |_| Outcome::Fine),
            Ask::Unclaim { claim } => {
                let ask = ClaimRemove {
                    name: Some(claim.clone()),
                    ..ClaimRemove::default()
                };
                outcome(self.claim_remove(ask), |_| Outcome::Fine)
            }
        }
    }

    /// All that is not free, for a history.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn listed(&self, recorder: &Recorder) -> Answer<Listed> {
        let start = recorder.now();
        let rows = self.list(IpamList::default())?;
        Ok(Listed {
            start,
            end: recorder.now(),
            node: self.node.clone(),
            rows,
        })
    }
}

fn outcome<T>(answer: Answer<T>, good: impl FnOnce(T) -> Outcome) -> Outcome {
    match answer {
        Ok(answer) => good(answer),
        Err(ClientError::Refused(body)) => Outcome::Refused {
            code: body.code,
            message: body.to_string(),
        },
        Err(error) if error.outcome_unknown() => Outcome::Unknown {
            why: error.to_string(),
        },
        // It was never asked.
        Err(error) => Outcome::Refused {
            code: 11,
            message: error.to_string(),
        },
    }
}
