//! Requests of the socket, each to whom it concerns.

mod addresses;
mod audit;
mod bgp;
mod calls;
mod change;
mod claims;
mod doctor;
mod ipam;
mod networks;
mod nodes;
pub(crate) mod objects;
mod policy;
mod pools;
mod rates;
mod refusal;
mod routes;
mod shape;
mod traffic;
mod words;

use crate::{
    base::Meters,
    bgp::Bgp,
    clock::Clocks,
    config::Config,
    definitions::Definitions,
    driver::Driver,
    kubernetes,
    link::Link,
    policy::Policy,
    rates::Rates,
    released::Released,
    routes::Routes,
    server::{Gone, Replies, Service},
    trace,
};
pub use calls::Calls;
use change::Stop;
use fairway_api::{ErrorBody, Method, Nothing, Parts, Request, Trace, VERSION, admin};
use fairway_ipam::JournalId;
use serde::Serialize;
use std::sync::Arc;
use tracing::Instrument as _;

/// All that answering takes.
pub struct Daemon {
    /// What the daemon runs by.
    pub config: Arc<Config>,
    /// The agent.
    pub driver: Driver,
    /// The store.
    pub link: Link,
    /// Routes.
    pub routes: Routes,
    /// Policy.
    pub(crate) policy: Policy,
    /// Rates.
    pub(crate) rates: Rates,
    /// BGP.
    pub(crate) bgp: Bgp,
    /// Networks that objects define.
    pub(crate) definitions: Definitions,
    /// What DELs left behind.
    pub released: Arc<Released>,
    /// What an API server of Kubernetes has to do with this node.
    pub(crate) kubernetes: kubernetes::Told,
    /// Which journal is this node's.
    pub journal: JournalId,
    /// The clocks.
    pub clocks: Clocks,
    /// What became of calls.
    pub calls: Calls,
    /// What was counted on the way.
    pub(crate) meters: Meters,
}

impl Daemon {
    async fn info(&self) -> Result<admin::Info, ErrorBody> {
        let fault = self.driver.fault().await;
        Ok(admin::Info {
            node: self.config.node.to_string(),
            daemon: env!("CARGO_PKG_VERSION").to_owned(),
            store: self.link.kind().to_owned(),
            connected: self.link.connected(),
            problems: self.problems().await?,
            fault: fault.map_err(|error| refusal::failure(&error))?,
            api: VERSION,
        })
    }
}

impl Daemon {
    /// What keeps packets from going where they should, and policies from being in force.
    async fn problems(&self) -> Result<Vec<String>, ErrorBody> {
        let mut problems = self.routes.problems().await?;
        let policy = self.policy.problems().await?;
        let new = policy
            .into_iter()
            .filter(|problem| !problems.contains(problem));
        let new: Vec<String> = new.collect();
        problems.extend(new);
        problems.extend(self.rates.problems().await?);
        problems.extend(self.bgp.problems().await?);
        problems.extend(self.definitions.problems());
        problems.extend(self.kubernetes.problems());
        Ok(problems)
    }
}

impl Service for Daemon {
    async fn call(&self, request: Request, replies: &mut Replies) -> Result<(), Gone> {
        let call = self.calls.begin(&request);
        let Request { trace, method, .. } = request;
        let span = call.span();
        let answered = async {
            let answered = self.answer(method, trace, replies).await;
            if answered.is_ok() {
                call.end(replies.refused().as_ref());
            }
            answered
        };
        trace::within(trace, answered.instrument(span)).await
    }
}

impl Daemon {
    async fn answer(
        &self,
        method: Method,
        trace: Option<Trace>,
        replies: &mut Replies,
    ) -> Result<(), Gone> {
        match method {
            Method::Allocate(request) => self.allocate(*request, replies).await,
            Method::Release(request) => replies.answer(self.release(request).await).await,
            Method::Check(request) => replies.answer(self.check(request).await).await,
            Method::Gc(request) => replies.answer(self.gc(request).await).await,
            Method::Status(request) => replies.answer(self.status(request).await).await,
            Method::NetworkCreate(create) => {
                let done = self.network_create(create, replies).await;
                tell(done, replies).await
            }
            Method::NetworkSet(set) => {
                let done = self.network_set(set, replies).await;
                tell(done, replies).await
            }
            Method::NetworkList => {
                let done = self.network_list(replies).await;
                rows(done, replies).await
            }
            Method::NetworkRemove(remove) => {
                let done = self.network_remove(remove, replies).await;
                tell(done, replies).await
            }
            Method::EndpointPrepare(prepare) => replies.answer(self.prepare(prepare).await).await,
            Method::EndpointReady(ready) => replies.answer(self.ready(ready).await).await,
            Method::EndpointList => replies.list(self.routes.endpoints().await).await,
            Method::EndpointTraffic => replies.answer(self.traffic().await).await,
            Method::RouteList(list) => replies.list(self.routes.routes(list.network).await).await,
            Method::RouteWhy(why) => replies.answer(self.routes.why(why).await).await,
            Method::EndpointGuard(guard) => replies.answer(self.guard(guard).await).await,
            Method::EndpointOpen(open) => replies.answer(self.open(*open).await).await,
            Method::EndpointVerify(verify) => replies.answer(self.verify(verify).await).await,
            Method::EndpointShape(shape) => replies.answer(self.shape(*shape).await).await,
            Method::EndpointShaped(verify) => replies.answer(self.shaped(verify).await).await,
            Method::RateList(list) => replies.list(self.rates.list(list).await).await,
            Method::RateHistory(list) => replies.list(self.rates.history(list).await).await,
            Method::DefinitionFind(find) => {
                let follows = self.config.kubernetes.is_some();
                replies
                    .answer(self.definitions.find(find, follows).await)
                    .await
            }
            Method::ObjectApply(apply) => {
                let done = self.object_apply(apply, replies).await;
                rows(done, replies).await
            }
            Method::ObjectList(list) => {
                let done = self.object_list(list).await;
                rows(done, replies).await
            }
            Method::ObjectRemove(object) => {
                let done = self.object_remove(object, replies).await;
                tell(done, replies).await
            }
            Method::PolicyList => replies.list(self.policy.policies().await).await,
            Method::PolicyExplain(explain) => {
                replies.answer(self.policy.explain(explain).await).await
            }
            Method::PolicyAudit => replies.list(self.policy.audit().await).await,
            Method::PolicyStatus => replies.answer(self.policy.status().await).await,
            Method::RateSet(set) => {
                let done = self.rate_set(set).await;
                tell(done, replies).await
            }
            Method::RateRemove(remove) => {
                let done = self.rate_remove(remove).await;
                tell(done, replies).await
            }
            Method::FlowList(list) => replies.answer(Ok(self.flow_list(list).await)).await,
            Method::BgpPeers => replies.answer(self.bgp.peers().await).await,
            Method::BgpNeighbor(get) => replies.answer(self.bgp.neighbour(get).await).await,
            Method::BgpRoutes(list) => self.bgp_routes(list, replies).await,
            Method::BgpReset(reset) => replies.answer(self.bgp_reset(reset).await).await,
            Method::CallFailed(failed) => {
                self.calls.told(&failed, trace);
                replies.answer(Ok(Nothing {})).await
            }
            Method::CallList => replies.list(Ok(self.calls.failed())).await,
            Method::Info => {
                let info = self.info().await;
                replies.answer(info).await
            }
            Method::Doctor => {
                let done = self.doctor(replies).await;
                tell(done, replies).await
            }
            Method::PoolCreate(create) => {
                let done = self.pool_create(create, replies).await;
                tell(done, replies).await
            }
            Method::PoolSet(set) => {
                let done = self.pool_set(set, replies).await;
                tell(done, replies).await
            }
            Method::PoolList => {
                let done = self.pool_list(replies).await;
                rows(done, replies).await
            }
            Method::PoolRemove(remove) => {
                let done = self.pool_remove(remove, replies).await;
                tell(done, replies).await
            }
            Method::IpamList(list) => {
                let done = self.ipam_list(list, replies).await;
                rows(done, replies).await
            }
            Method::IpamAudit(audit) => {
                let done = self.ipam_audit(audit, replies).await;
                rows(done, replies).await
            }
            Method::IpamFree(free) => {
                let done = self.ipam_free(free, replies).await;
                tell(done, replies).await
            }
            Method::ClaimCreate(create) => {
                let done = self.claim_create(create, replies).await;
                tell(done, replies).await
            }
            Method::ClaimList(list) => {
                let done = self.claim_list(list, replies).await;
                rows(done, replies).await
            }
            Method::ClaimRemove(remove) => {
                let done = self.claim_remove(remove, replies).await;
                rows(done, replies).await
            }
            Method::ClaimMove(wish) => {
                let done = self.claim_move(wish, replies).await;
                tell(done, replies).await
            }
            Method::NodeList => {
                let done = self.node_list(replies).await;
                rows(done, replies).await
            }
            Method::NodeDrain(drain) => {
                let done = self.node_drain(drain, replies).await;
                tell(done, replies).await
            }
            Method::NodeRemove(remove) => {
                let done = self.node_remove(remove, replies).await;
                tell(done, replies).await
            }
        }
    }
}

async fn tell<T: Serialize>(done: Result<T, Stop>, replies: &mut Replies) -> Result<(), Gone> {
    match done {
        Ok(answer) => replies.answer(Ok(answer)).await,
        Err(Stop::Error(error)) => replies.answer(Err::<Nothing, _>(error)).await,
        Err(Stop::Gone) => Err(Gone),
    }
}

async fn rows<T>(done: Result<T, Stop>, replies: &mut Replies) -> Result<(), Gone>
where
    T: Parts<Row: Serialize> + Serialize,
{
    match done {
        Ok(rows) => replies.list(Ok(rows)).await,
        Err(Stop::Error(error)) => replies.answer(Err::<Nothing, _>(error)).await,
        Err(Stop::Gone) => Err(Gone),
    }
}
