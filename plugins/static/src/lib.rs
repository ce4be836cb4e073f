//! The static IPAM plugin: the addresses stand in the configuration, or the runtime says them.
//!
//! It keeps nothing, so that DEL, GC and STATUS have nothing to do, and it cannot tell whether an address
//! is in use elsewhere.

mod conf;

use conf::StaticConf;
use fairway_cni::{
    CniResult, Code, Context, Detach, Failure, Fault, GcAttachments, IpConfig, Plugin, Sandbox,
};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// The plugin `static`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Static;

/// What CHECK finds wrong.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("address {address} is not in prevResult")]
    Missing { address: IpNetwork },
    #[error("address {address} has the gateway {} in prevResult, expected {expected}", found.map_or_else(|| "none".to_owned(), |ip| ip.to_string()))]
    Gateway {
        address: IpNetwork,
        expected: IpAddr,
        found: Option<IpAddr>,
    },
}

impl Fault for CheckError {
    fn code(&self) -> Code {
        Code::CHECK_FAILED
    }
}

impl Plugin for Static {
    fn is_ipam(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        StaticConf::parse(context.conf, context.args)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, _: &Sandbox) -> Result<CniResult, Failure> {
        let conf = StaticConf::parse(context.conf, context.args)?;
        let ip = |address: conf::Address| IpConfig {
            interface: None,
            address: address.ip,
            gateway: address.gateway,
        };
        Ok(CniResult {
            interfaces: Vec::new(),
            ips: conf.addresses.into_iter().map(ip).collect(),
            routes: conf.routes,
            dns: conf.dns,
        })
    }

    fn del(&self, _: &Context<'_>, _: &Detach) -> Result<(), Failure> {
        Ok(())
    }

    /// Each address that is configured is in `prevResult`, with its gateway where it has one.
    fn check(&self, context: &Context<'_>, _: &Sandbox) -> Result<(), Failure> {
        let conf = StaticConf::parse(context.conf, context.args)?;
        let prev = context.conf.require_prev_result()?;
        for wanted in conf.addresses {
            let address = wanted.ip;
            let there = prev.ips.iter().find(|ip| ip.address == address);
            let there = there.ok_or(CheckError::Missing { address })?;
            match wanted.gateway {
                Some(expected) if there.gateway != Some(expected) => {
                    let found = there.gateway;
                    return Err(CheckError::Gateway {
                        address,
                        expected,
                        found,
                    }
                    .into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        StaticConf::parse(context.conf, context.args)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
