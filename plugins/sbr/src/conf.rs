//! The configuration's keys, and what they mean for a result.

use fairway_cni::{CniResult, FieldError, NetConf};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// What is configured.
#[derive(Debug, Default)]
pub(crate) struct Conf {
    /// Rules lead there, and nothing else is done.
    pub(crate) table: Option<u32>,
    /// At most one of a family; they go before those of the result.
    gateways: Vec<IpAddr>,
    /// Subnets stay in the main table, each with the address to send from.
    pub(crate) source_hints: bool,
}

/// An address of the interface, and where packets from it go that are for nobody on the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) address: IpNetwork,
    pub(crate) gateway: Option<IpAddr>,
}

impl Conf {
    pub(crate) fn parse(conf: &NetConf) -> Result<Self, FieldError> {
        let root = conf.root();
        let table = root.integer("table", 1..=i64::from(u32::MAX))?;
        let mut gateways: Vec<IpAddr> = Vec::new();
        for item in root.items("gateways")? {
            let gateway = item.ip()?;
            if gateways
                .iter()
                .any(|other| other.is_ipv4() == gateway.is_ipv4())
            {
                return Err(item.invalid("is the second one of its family"));
            }
            gateways.push(gateway);
        }
        Ok(Conf {
            table: table.and_then(|table| u32::try_from(table).ok()),
            gateways,
            source_hints: root.flag("addSourceHints")?,
        })
    }

    /// The addresses of the interface, as far as the result tells whose they are.
    pub(crate) fn sources(
        &self,
        prev: &CniResult,
        ifname: &str,
    ) -> Result<Vec<Source>, FieldError> {
        let own = prev.ips.iter().filter(|ip| {
            let interface = ip.interface.and_then(|index| prev.interfaces.get(index));
            interface.is_none_or(|interface| interface.name == ifname)
        });
        let sources: Vec<Source> = own
            .map(|ip| {
                let mut gateways = self.gateways.iter();
                let of_family = |gateway: &&IpAddr| gateway.is_ipv4() == ip.address.is_ipv4();
                Source {
                    address: ip.address,
                    gateway: gateways.find(of_family).copied().or(ip.gateway),
                }
            })
            .collect();
        if sources.is_empty() {
            return Err(FieldError::Value {
                path: "prevResult.ips".to_owned(),
                value: format!("{} addresses", prev.ips.len()),
                reason: format!("none is on interface {ifname:?}"),
            });
        }
        Ok(sources)
    }
}
