//! The envelope around every message.

use crate::{
    admin, call, definition, endpoint, ipam,
    trace::{self, Trace},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, time::Duration};

/// The version of the protocol. A daemon answers a request of another version with an error that names
/// both, and a client refuses such an answer.
pub const VERSION: u32 = 1;

/// In long work the daemon sends a `progress` frame at least this often, so that a caller can tell it from a
/// daemon that hangs.
pub const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub v: u32,
    /// What the call is known by. A daemon that is older passes over it, and so does each over what is none.
    #[serde(
        default,
        deserialize_with = "trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub trace: Option<Trace>,
    /// A list, or what is made of lists, may come as several frames, [`Body::Part`] before the last: it is not bounded by
    /// [`crate::frame::MAX_REPLY`] then. A daemon that is older passes over it and answers with one frame.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parts: bool,
    /// What is wanted.
    #[serde(flatten)]
    pub method: Method,
}

/// What can be asked for: `{"method": NAME, "params": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
pub enum Method {
    /// Addresses for an attachment. Answer: [`ipam::Allocated`].
    #[serde(rename = "ipam.allocate")]
    Allocate(Box<ipam::Allocate>),
    /// An attachment goes. Answer: [`ipam::Released`].
    #[serde(rename = "ipam.release")]
    Release(ipam::Release),
    /// CHECK. Answer: [`Nothing`].
    #[serde(rename = "ipam.check")]
    Check(ipam::Check),
    /// GC. Answer: [`ipam::Collected`].
    #[serde(rename = "ipam.gc")]
    Gc(ipam::Gc),
    /// STATUS. Answer: [`ipam::Headrooms`], or an error with code 50 or 51.
    #[serde(rename = "ipam.status")]
    Status(ipam::StatusQuery),

    /// Makes a pool. Answer: [`admin::Pool`].
    #[serde(rename = "pool.create")]
    PoolCreate(admin::PoolCreate),
    /// Changes one: grows it, drains it, changes its settings. Answer: [`admin::Pool`].
    #[serde(rename = "pool.set")]
    PoolSet(admin::PoolSet),
    /// Answer: a list of [`admin::Pool`].
    #[serde(rename = "pool.list")]
    PoolList,
    /// Retires one: it goes when the last address is back. Progress; answer: [`admin::Pool`].
    #[serde(rename = "pool.remove")]
    PoolRemove(admin::PoolRemove),

    /// Answer: a list of [`admin::AddressRow`].
    #[serde(rename = "ipam.list")]
    IpamList(admin::IpamList),
    /// The proof, and with `fix` the repair. Progress; answer: [`admin::Audit`].
    #[serde(rename = "ipam.audit")]
    IpamAudit(admin::IpamAudit),
    /// Frees an address whoever has it. Answer: [`ipam::Released`].
    #[serde(rename = "ipam.free")]
    IpamFree(admin::IpamFree),

    /// Makes a claim, or a set of claims. Answer: [`admin::Claim`].
    #[serde(rename = "claim.create")]
    ClaimCreate(admin::ClaimCreate),
    /// Answer: a list of [`admin::Claim`].
    #[serde(rename = "claim.list")]
    ClaimList(admin::ClaimList),
    /// Gives claims back: one, or those of an application. Answer: a list of [`admin::Claim`].
    #[serde(rename = "claim.remove")]
    ClaimRemove(admin::ClaimRemove),
    /// Takes a claim from its holder's node, or gives it to another workload. Answer: [`admin::Claim`].
    #[serde(rename = "claim.move")]
    ClaimMove(admin::ClaimMove),

    /// Answer: a list of [`admin::Node`].
    #[serde(rename = "node.list")]
    NodeList,
    /// A node that takes no new containers, or takes them again. Answer: [`admin::Node`].
    #[serde(rename = "node.drain")]
    NodeDrain(admin::NodeDrain),
    /// A node that never returns: its blocks and claims are free. Progress; answer: [`admin::NodeRemoved`].
    #[serde(rename = "node.remove")]
    NodeRemove(admin::NodeRemove),

    /// Makes a network. Answer: [`admin::Network`].
    #[serde(rename = "network.create")]
    NetworkCreate(admin::NetworkCreate),
    /// Changes one. Answer: [`admin::Network`].
    #[serde(rename = "network.set")]
    NetworkSet(admin::NetworkSet),
    /// Answer: a list of [`admin::Network`].
    #[serde(rename = "network.list")]
    NetworkList,
    /// Removes one; its pools stay. Answer: [`Nothing`].
    #[serde(rename = "network.remove")]
    NetworkRemove(admin::NetworkRemove),

    /// What a container of a network is to be like. Answer: [`endpoint::Prepared`].
    #[serde(rename = "endpoint.prepare")]
    EndpointPrepare(endpoint::Prepare),
    /// That a container is reached. Answer: [`Nothing`].
    #[serde(rename = "endpoint.ready")]
    EndpointReady(endpoint::Ready),
    /// That nothing passes a link before its policy is in place. Answer: [`endpoint::Guarded`].
    #[serde(rename = "endpoint.guard")]
    EndpointGuard(endpoint::Guard),
    /// That a guarded link's policy is in place. Answer: [`Nothing`].
    #[serde(rename = "endpoint.open")]
    EndpointOpen(Box<endpoint::Open>),
    /// CHECK of that. Answer: [`Nothing`].
    #[serde(rename = "endpoint.verify")]
    EndpointVerify(endpoint::Verify),
    /// That a container's rates are kept. Answer: [`endpoint::Shaped`].
    #[serde(rename = "endpoint.shape")]
    EndpointShape(Box<endpoint::Shape>),
    /// CHECK of that. Answer: [`Nothing`].
    #[serde(rename = "endpoint.shaped")]
    EndpointShaped(endpoint::VerifyRates),
    /// Containers of this node. Answer: a list of [`endpoint::Endpoint`].
    #[serde(rename = "endpoint.list")]
    EndpointList,

    /// What went to containers of this node and came from them. Answer: [`admin::Traffic`].
    #[serde(rename = "endpoint.traffic")]
    EndpointTraffic,
    /// Routes of this node. Answer: a list of [`admin::Route`].
    #[serde(rename = "route.list")]
    RouteList(admin::RouteList),
    /// Which way an address goes, and why. Answer: [`admin::RouteExplained`].
    #[serde(rename = "route.why")]
    RouteWhy(admin::RouteWhy),

    /// Networks that objects define, and what a pod's object asks for. Answer: [`definition::Found`].
    #[serde(rename = "definition.find")]
    DefinitionFind(definition::Find),

    /// Puts objects in place of those of the same names. Answer: a list of [`admin::Applied`].
    #[serde(rename = "object.apply")]
    ObjectApply(admin::ObjectApply),
    /// Answer: a list of objects, as they were applied.
    #[serde(rename = "object.list")]
    ObjectList(admin::ObjectList),
    /// Deletes one. Answer: [`admin::Applied`].
    #[serde(rename = "object.remove")]
    ObjectRemove(admin::ObjectRef),

    /// Policies, as this node sees them. Answer: a list of [`admin::Policy`].
    #[serde(rename = "policy.list")]
    PolicyList,
    /// Who decides about packets, and how. Answer: [`admin::PolicyExplained`].
    #[serde(rename = "policy.explain")]
    PolicyExplain(admin::PolicyExplain),
    /// What policies in audit would have refused. Answer: a list of [`admin::AuditRow`].
    #[serde(rename = "policy.audit")]
    PolicyAudit,
    /// How policy stands on this node. Answer: [`admin::PolicyStatus`].
    #[serde(rename = "policy.status")]
    PolicyStatus,
    /// Flows. Answer: [`admin::Flows`].
    #[serde(rename = "flow.list")]
    FlowList(admin::FlowList),

    /// Limits of this node. Answer: a list of [`admin::Rate`].
    #[serde(rename = "rate.list")]
    RateList(admin::RateList),
    /// How limits of this node have changed, the newest last. Answer: a list of [`admin::RateChanged`].
    #[serde(rename = "rate.history")]
    RateHistory(admin::RateList),
    /// Sets a workload's rates while it runs. Answer: [`admin::RateOverride`].
    #[serde(rename = "rate.set")]
    RateSet(admin::RateSet),
    /// Takes that back. Answer: [`Nothing`].
    #[serde(rename = "rate.remove")]
    RateRemove(admin::RateRemove),

    /// The BGP speaker of this node and its neighbours. Answer: [`admin::BgpPeers`].
    #[serde(rename = "bgp.peers")]
    BgpPeers,
    /// A neighbour, whole. Answer: [`admin::BgpNeighbor`].
    #[serde(rename = "bgp.neighbor")]
    BgpNeighbor(admin::BgpNeighborGet),
    /// Routes of BGP. Answer: a list of [`admin::BgpRoute`].
    #[serde(rename = "bgp.routes")]
    BgpRoutes(admin::BgpRouteList),
    /// Ends a session, which begins anew; or asks for routes once more. Answer: [`Nothing`].
    #[serde(rename = "bgp.reset")]
    BgpReset(admin::BgpReset),

    /// A plugin's call has failed. Answer: [`Nothing`].
    #[serde(rename = "call.failed")]
    CallFailed(Box<call::CallFailed>),
    /// The last calls that failed, the newest last. Answer: a list of [`call::FailedCall`].
    #[serde(rename = "call.list")]
    CallList,

    /// Answer: [`admin::Info`].
    #[serde(rename = "daemon.info")]
    Info,
    /// Whether this node's containers are reached, and what is in the way. Progress; answer:
    /// [`admin::Doctor`].
    #[serde(rename = "daemon.doctor")]
    Doctor,
}

/// One frame of an answer. Whoever sends it puts in what it has: a list of many thousand addresses is
/// several times as large as a [`Value`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply<T = Value> {
    /// [`VERSION`].
    pub v: u32,
    /// What it says.
    #[serde(flatten)]
    pub body: Body<T>,
}

/// What a frame of an answer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body<T = Value> {
    /// How far it is.
    Progress(Progress),
    /// The answer, before it is durable; the same comes again as `ok`.
    Early(T),
    /// The first rows of a list, or the next ones; the last are in `ok`. Only where [`Request::parts`] was said.
    Part(T),
    /// The answer.
    Ok(T),
    /// A refusal.
    Error(ErrorBody),
}

/// The answer where nothing is to be said: `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Nothing {}

/// How far a long task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// Units done.
    pub done: u64,
    /// Units in all, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl Progress {
    /// Something to be known beside the answer, which stays in sight: nothing of nothing is done.
    pub fn note(what: String) -> Progress {
        Progress {
            what,
            done: 0,
            total: Some(0),
        }
    }

    /// Is it a note?
    pub fn is_note(&self) -> bool {
        self.total == Some(0)
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A code as CNI has them.
    pub code: u32,
    /// One line for the user.
    pub message: String,
    /// What lies beneath.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}

impl ErrorBody {
    /// Does it say that there is no such method? Then the daemon is of an older version.
    pub fn is_unknown_method(&self) -> bool {
        self.code == 6
            && self.message == "the request: method"
            && self.details.starts_with("unknown variant")
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.details.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.details),
        }
    }
}

impl std::error::Error for ErrorBody {}
