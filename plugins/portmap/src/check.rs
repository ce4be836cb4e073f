//! CHECK.

use crate::add::wanted;
use crate::asked::{Ports, addresses};
use crate::conf::Conf;
use crate::error::Error;
use crate::state::Chosen;
use fairway_cni::{Context, Failure, Sandbox};
use fairway_iface::Owner;
use fairway_netfilter::{
    Netfilter,
    ports::{self, Mapping},
};

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let conf = Conf::parse(context.conf)?;
    let ports = Ports::parse(context.conf, conf.range.is_some())?;
    let prev = context.conf.require_prev_result()?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let addresses = addresses(&prev, owner.ifname);
    if ports.asked.is_empty() || addresses.is_empty() {
        return Ok(());
    }
    let mappings = mappings(&ports, &Chosen::at(&conf.data_dir, owner))?;
    let mut netfilter = Netfilter::open().map_err(Error::from)?;
    let wanted = wanted(&conf, &ports, owner, &addresses);
    let done = ports::check(&mut netfilter, conf.backend(), &wanted, &mappings);
    Ok(done.map_err(Error::from)?)
}

/// The ports as they were named, or chosen.
fn mappings(ports: &Ports, chosen: &Chosen) -> Result<Vec<Mapping>, Error> {
    let mut known: Option<Vec<Mapping>> = None;
    let mut mappings = Vec::new();
    for (asked, field) in ports.asked.iter().zip(&ports.fields) {
        let host_port = match (asked.host_port, &mut known) {
            (Some(port), _) => Some(port),
            (None, known) => {
                let known = match known {
                    Some(known) => known,
                    none => none.insert(chosen.read()?),
                };
                let same = known.iter().find(|mapping| {
                    (mapping.container_port, mapping.protocol, mapping.host_ip)
                        == (asked.container_port, asked.protocol, asked.host_ip)
                });
                same.map(|mapping| mapping.host_port)
            }
        };
        mappings.push(Mapping {
            host_port: host_port.ok_or_else(|| Error::Forgotten {
                field: field.clone(),
                path: chosen.path().to_owned(),
            })?,
            container_port: asked.container_port,
            protocol: asked.protocol,
            host_ip: asked.host_ip,
        });
    }
    Ok(mappings)
}
