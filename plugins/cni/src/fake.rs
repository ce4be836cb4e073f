//! Stand-ins for tests of plugins: an IPAM plugin that counts what it has given out and not got back.

use crate::{CniResult, Context, Detach, Failure, GcAttachments, IpConfig, Plugin, Route, Sandbox};
use ipnetwork::{IpNetwork, Ipv4Network};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicI32, Ordering},
};

/// Gives every container the same answer, and knows how many have it.
#[derive(Debug)]
pub struct Ipam {
    answer: CniResult,
    given: AtomicI32,
}

impl Ipam {
    /// One that answers so.
    pub fn answering(answer: CniResult) -> Self {
        Self {
            answer,
            given: AtomicI32::new(0),
        }
    }

    /// The usual one, but for the routes and the gateway.
    pub fn without_a_way_out() -> Self {
        let Self { mut answer, given } = Self::default();
        answer.routes.clear();
        answer.ips.iter_mut().for_each(|ip| ip.gateway = None);
        Self { answer, given }
    }

    /// How many ADDs had no DEL yet; below nothing where there were more DELs.
    pub fn given(&self) -> i32 {
        self.given.load(Ordering::SeqCst)
    }
}

/// `10.1.2.3/24` with a gateway, and a default route.
impl Default for Ipam {
    fn default() -> Self {
        let network = |address, length| {
            let network = Ipv4Network::new(address, length);
            IpNetwork::V4(network.unwrap_or_else(|_| Ipv4Network::from(address)))
        };
        Self::answering(CniResult {
            ips: vec![IpConfig {
                interface: None,
                address: network(Ipv4Addr::new(10, 1, 2, 3), 24),
                gateway: Some(IpAddr::V4(Ipv4Addr::new(10, 1, 2, 1))),
            }],
            routes: vec![Route::new(network(Ipv4Addr::UNSPECIFIED, 0), None)],
            ..CniResult::default()
        })
    }
}

impl Plugin for Ipam {
    fn is_ipam(&self) -> bool {
        true
    }

    fn add(&self, _: &Context<'_>, _: &Sandbox) -> Result<CniResult, Failure> {
        self.given.fetch_add(1, Ordering::SeqCst);
        Ok(self.answer.clone())
    }

    fn del(&self, _: &Context<'_>, _: &Detach) -> Result<(), Failure> {
        self.given.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn check(&self, _: &Context<'_>, _: &Sandbox) -> Result<(), Failure> {
        Ok(())
    }

    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, _: &Context<'_>) -> Result<(), Failure> {
        Ok(())
    }
}
