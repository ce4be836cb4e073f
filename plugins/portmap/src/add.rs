//! ADD.

use crate::asked::{Ports, addresses};
use crate::conf::Conf;
use crate::error::Error;
use crate::state::Chosen;
use crate::{attachment, unmap};
use fairway_cni::{CniResult, Context, Failure, Sandbox, Steps};
use fairway_iface::Owner;
use fairway_netfilter::{
    Error as Rules, Netfilter,
    ports::{self, Mapping, Marking, Wanted},
};
use fairway_netlink::{Handle, Netlink as _, sysctl};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let conf = Conf::parse(context.conf)?;
    let ports = Ports::parse(context.conf, conf.range.is_some())?;
    let prev = context.conf.require_prev_result()?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let addresses = addresses(&prev, owner.ifname);
    if ports.asked.is_empty() || addresses.is_empty() {
        return Ok(prev);
    }
    let chosen = Chosen::at(&conf.data_dir, owner);
    Steps::run(&mut (), |(), steps| {
        steps.push("host ports", move |()| Ok(unmap(owner)?));
        let mappings = map(&conf, &ports, owner, &addresses)?;
        if conf.snat {
            for address in &addresses {
                let_localhost_out(address.ip())?;
            }
        }
        // One that was left by an ADD of other ports says nothing any more.
        if ports.asked.iter().all(|asked| asked.host_port.is_some()) {
            chosen.remove()?;
        } else {
            chosen.write(&mappings)?;
        }
        Ok(())
    })?;
    Ok(prev)
}

/// What is asked of the rules.
pub(crate) fn wanted<'a>(
    conf: &Conf,
    ports: &'a Ports,
    owner: Owner<'a>,
    addresses: &'a [IpNetwork],
) -> Wanted<'a> {
    Wanted {
        attachment: attachment(owner),
        addresses,
        asked: &ports.asked,
        range: conf.range.clone(),
        snat: conf.snat,
        masquerade_all: conf.masquerade_all,
        marking: conf.marking.clone(),
        conditions: conf.conditions.clone(),
    }
}

fn map(
    conf: &Conf,
    ports: &Ports,
    owner: Owner<'_>,
    addresses: &[IpNetwork],
) -> Result<Vec<Mapping>, Error> {
    let mut netfilter = Netfilter::open()?;
    let wanted = wanted(conf, ports, owner, addresses);
    let mapped = ports::setup(&mut netfilter, conf.backend(), &wanted);
    mapped.map_err(|error| match &error {
        Rules::PortTaken { index, port, .. } => Error::Port {
            field: ports.fields.get(*index).cloned().unwrap_or_default(),
            value: port.to_string(),
            source: Box::new(error),
        },
        Rules::NoPortLeft { index, .. } => Error::Port {
            field: ports.fields.get(*index).cloned().unwrap_or_default(),
            value: "to be chosen".to_owned(),
            source: Box::new(error),
        },
        Rules::NoChain { chain } if conf.marking == Marking::Chain(chain.clone()) => {
            Error::Field(fairway_cni::FieldError::Value {
                path: "externalSetMarkChain".to_owned(),
                value: format!("{chain:?}"),
                reason: error.to_string(),
            })
        }
        _ => Error::Netfilter(error),
    })
}

/// Lets packets of 127.0.0.0/8 leave by the link that leads to the container. IPv6 has no such setting.
fn let_localhost_out(container: IpAddr) -> Result<(), Error> {
    if container.is_ipv6() {
        return Ok(());
    }
    let mut host = Handle::open()?;
    // Without a route nobody reaches it, whatever the setting.
    let routes = match host.route_to(container) {
        Err(fairway_netlink::Error::Kernel { .. }) => Vec::new(),
        routes => routes?,
    };
    let link = match routes.iter().find_map(|route| route.oif) {
        Some(index) => host.link_by_index(index)?,
        None => None,
    };
    let Some(link) = link else {
        return Ok(());
    };
    sysctl::ensure(&format!("net/ipv4/conf/{}/route_localnet", link.name), "1")?;
    Ok(())
}
