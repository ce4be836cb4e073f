//! Which ports are asked for, and of which addresses.

use fairway_cni::{CniResult, Field, FieldError, NetConf, Object};
use fairway_netfilter::ports::{Asked, Protocol};
use ipnetwork::IpNetwork;

/// A port that is asked for, and where it says so.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) asked: Vec<Asked>,
    /// The path of each one's `hostPort`.
    pub(crate) fields: Vec<String>,
}

/// What the keys of a mapping are called.
struct Keys {
    host_port: &'static str,
    container_port: &'static str,
    protocol: &'static str,
    host_ip: &'static str,
}

const CONVENTION: Keys = Keys {
    host_port: "hostPort",
    container_port: "containerPort",
    protocol: "protocol",
    host_ip: "hostIP",
};
const MESOS: Keys = Keys {
    host_port: "host_port",
    container_port: "container_port",
    protocol: "protocol",
    host_ip: "host_ip",
};

impl Ports {
    /// `runtimeConfig.portMappings`, else what a Mesos agent passes.
    pub(crate) fn parse(conf: &NetConf, range: bool) -> Result<Self, FieldError> {
        let mut ports = Ports {
            asked: Vec::new(),
            fields: Vec::new(),
        };
        if let Some(field) = conf.convention("portMappings")? {
            ports.read(&field.items()?, &CONVENTION, range)?;
        } else if let Some(info) = conf.mesos_network_info()? {
            ports.read(&info.items("port_mappings")?, &MESOS, range)?;
        }
        Ok(ports)
    }

    fn read(&mut self, items: &[Field<'_>], keys: &Keys, range: bool) -> Result<(), FieldError> {
        for item in items {
            let mapping = item.object()?;
            let asked = read_one(&mapping, keys, range)?;
            // Runtimes repeat themselves.
            if self.asked.contains(&asked) {
                continue;
            }
            let path = format!("{}.{}", item.path(), keys.host_port);
            if let Some(at) = self.asked.iter().position(|other| clash(other, &asked)) {
                return Err(FieldError::Value {
                    path,
                    value: asked.host_port.unwrap_or_default().to_string(),
                    reason: format!("is that of {} as well", self.fields[at]),
                });
            }
            self.asked.push(asked);
            self.fields.push(path);
        }
        Ok(())
    }
}

fn read_one(mapping: &Object<'_>, keys: &Keys, range: bool) -> Result<Asked, FieldError> {
    let port = |number: i64| u16::try_from(number).unwrap_or_default();
    let host_port = match mapping.get(keys.host_port) {
        None => None,
        Some(field) => Some(port(field.integer(0..=65535)?)).filter(|port| *port != 0),
    };
    if host_port.is_none() && !range {
        let value = mapping.get(keys.host_port).map_or("missing", |_| "0");
        let reason = "without hostPortRange the port of the host must be named";
        return Err(mapping.invalid(keys.host_port, value, reason));
    }
    Ok(Asked {
        host_port,
        container_port: port(mapping.require(keys.container_port)?.integer(1..=65535)?),
        protocol: mapping.parse(keys.protocol)?.unwrap_or(Protocol::Tcp),
        host_ip: mapping.parse(keys.host_ip)?,
    })
}

/// Whether both name the same port at an address of the host.
fn clash(one: &Asked, other: &Asked) -> bool {
    let family = |v4: bool| {
        let of = |asked: &Asked| asked.host_ip.is_none_or(|ip| ip.is_ipv4() == v4);
        of(one) && of(other)
    };
    let only = |asked: &Asked| asked.host_ip.filter(|ip| !ip.is_unspecified());
    one.host_port.is_some()
        && (one.host_port, one.protocol) == (other.host_port, other.protocol)
        && (family(true) || family(false))
        && match (only(one), only(other)) {
            (Some(one), Some(other)) => one == other,
            // What is for one address comes before what is for all.
            (Some(_), None) => false,
            _ => true,
        }
}

/// The container's addresses that ports lead to: the first of each family, of its own interface as far as the result
/// tells.
pub(crate) fn addresses(result: &CniResult, ifname: &str) -> Vec<IpNetwork> {
    let mut addresses: Vec<IpNetwork> = Vec::new();
    for ip in &result.ips {
        let interface = ip.interface.and_then(|index| result.interfaces.get(index));
        let own = interface
            .is_none_or(|interface| interface.name == ifname && interface.sandbox.is_some());
        let new = addresses
            .iter()
            .all(|other| other.is_ipv4() != ip.address.is_ipv4());
        if own && new {
            addresses.push(ip.address);
        }
    }
    addresses
}
