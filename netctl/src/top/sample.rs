//! One look at a node: what the daemon tells of it at one moment.

use fairway_api::{
    Client, ClientError, Method,
    admin::{BgpPeers, Flow, FlowList, Flows, Info, PolicyStatus, Pool, Rate, RateList, Traffic},
};
use serde::de::DeserializeOwned;

/// Pools are summed up over all of the cluster's blocks, and change slowly: not each look asks for them.
const POOLS_EVERY: u64 = 5;

/// What was told.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) info: Info,
    pub(super) traffic: Traffic,
    pub(super) rates: Vec<Rate>,
    pub(super) pools: Vec<Pool>,
    pub(super) peers: Option<BgpPeers>,
    pub(super) policy: Option<PolicyStatus>,
    /// What was dropped since the look before.
    pub(super) drops: Vec<Flow>,
}

/// Looks again and again.
pub(super) struct Sampler {
    client: Client,
    looks: u64,
    pools: Vec<Pool>,
    /// Flows up to this number were told.
    after: Option<u64>,
}

impl Sampler {
    pub(super) fn new(client: Client) -> Sampler {
        Sampler {
            client,
            looks: 0,
            pools: Vec::new(),
            after: None,
        }
    }

    /// Asks for all of it. What the daemon refuses, such as pools while the store is away, is left as it was or
    /// out.
    pub(super) fn look(&mut self) -> Result<Sample, ClientError> {
        let info = self.client.call(Method::Info)?;
        let traffic = self.asked(Method::EndpointTraffic)?.unwrap_or_default();
        let rates = self.listed(Method::RateList(RateList::default()))?;
        if self.looks.is_multiple_of(POOLS_EVERY)
            && let Some(pools) = self.listed(Method::PoolList)?
        {
            self.pools = pools;
        }
        self.looks += 1;
        let peers = self.asked(Method::BgpPeers)?;
        let policy = self.asked(Method::PolicyStatus)?;
        Ok(Sample {
            info,
            traffic,
            rates: rates.unwrap_or_default(),
            pools: self.pools.clone(),
            peers,
            policy,
            drops: self.drops()?,
        })
    }

    fn asked<T: DeserializeOwned>(&mut self, method: Method) -> Result<Option<T>, ClientError> {
        unless_refused(self.client.call(method))
    }

    fn listed<T: DeserializeOwned>(
        &mut self,
        method: Method,
    ) -> Result<Option<Vec<T>>, ClientError> {
        unless_refused(self.client.list(method, |_| {}))
    }

    /// New ones; at the first look what was before is passed over.
    fn drops(&mut self) -> Result<Vec<Flow>, ClientError> {
        let first = self.after.is_none();
        let mut drops = Vec::new();
        // They may come faster than they are asked for: it ends all the same.
        for _ in 0..16 {
            let list = FlowList {
                after: self.after,
                drops: true,
                wait_ms: 0,
            };
            let Some(part) = self.asked::<Flows>(Method::FlowList(list))? else {
                break;
            };
            let none = part.flows.is_empty();
            self.after = Some(part.next);
            drops.extend(part.flows);
            if none {
                break;
            }
        }
        Ok(if first { Vec::new() } else { drops })
    }
}

fn unless_refused<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ClientError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
