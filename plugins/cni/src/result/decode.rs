//! A result from JSON: `prevResult`, and what a delegate printed.

use super::{CniResult, Interface, IpConfig, Route};
use crate::{
    Version,
    config::Dns,
    object::{FieldError, Object},
};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

const U32: std::ops::RangeInclusive<i64> = 0..=u32::MAX as i64;

impl CniResult {
    /// Reads the form of the version that the object itself names, else of `version`.
    pub fn from_json(object: &Object<'_>, version: Version) -> Result<Self, FieldError> {
        let version = match object.text("cniVersion")? {
            Some(text) => text
                .parse()
                .map_err(|error| object.invalid("cniVersion", text, error))?,
            None => version,
        };
        let dns = match object.object("dns")? {
            Some(dns) => Dns::from_json(&dns)?,
            None => Dns::default(),
        };
        let mut result = if version < Version::V0_3_0 {
            families(object)?
        } else {
            lists(object)?
        };
        result.dns = dns;
        Ok(result)
    }
}

fn families(object: &Object<'_>) -> Result<CniResult, FieldError> {
    let mut result = CniResult::default();
    for (key, v6) in [("ip4", false), ("ip6", true)] {
        let Some(family) = object.object(key)? else {
            continue;
        };
        let field = family.require("ip")?;
        let address = field.cidr()?;
        if address.is_ipv6() != v6 {
            return Err(field.invalid(format_args!("is not of the family of {key:?}")));
        }
        result.ips.push(IpConfig {
            interface: None,
            address,
            gateway: family.parse("gateway")?,
        });
        for item in family.items("routes")? {
            result.routes.push(route(&item.object()?)?);
        }
    }
    Ok(result)
}

fn lists(object: &Object<'_>) -> Result<CniResult, FieldError> {
    let mut result = CniResult::default();
    for item in object.items("interfaces")? {
        result.interfaces.push(interface(&item.object()?)?);
    }
    for item in object.items("ips")? {
        let ip = item.object()?;
        let interface = ip.get("interface").map(|field| {
            let index = field.integer(0..=i64::from(u32::MAX))?;
            match usize::try_from(index) {
                Ok(index) if index < result.interfaces.len() => Ok(Some(index)),
                // An IPAM plugin has no interfaces to point to; what it says of one means nothing.
                _ if result.interfaces.is_empty() => Ok(None),
                _ => Err(field.invalid("there is no such interface in the list")),
            }
        });
        result.ips.push(IpConfig {
            interface: interface.transpose()?.flatten(),
            address: ip.require("address")?.cidr()?,
            gateway: ip.parse("gateway")?,
        });
    }
    for item in object.items("routes")? {
        result.routes.push(route(&item.object()?)?);
    }
    Ok(result)
}

fn interface(object: &Object<'_>) -> Result<Interface, FieldError> {
    let text = |key| object.text(key).map(|text| text.map(ToOwned::to_owned));
    Ok(Interface {
        name: object.require("name")?.text()?.to_owned(),
        mac: text("mac")?,
        mtu: whole(object, "mtu")?,
        sandbox: text("sandbox")?,
        socket_path: text("socketPath")?,
        pci_id: text("pciID")?,
    })
}

/// Reads a route object; also the form in an IPAM configuration's `routes`.
pub(crate) fn route(object: &Object<'_>) -> Result<Route, FieldError> {
    let field = object.require("dst")?;
    let dst = field.cidr()?;
    let gw: Option<IpAddr> = object.parse("gw")?;
    if gw.is_some_and(|gw| gw.is_ipv6() != dst.is_ipv6()) {
        return Err(field.invalid("and its gateway are of different families"));
    }
    // The kernel takes no host bits in a destination; the reference masks them away too.
    let dst = IpNetwork::new(dst.network(), dst.prefix()).map_err(|error| field.invalid(error))?;
    Ok(Route {
        dst,
        gw,
        mtu: whole(object, "mtu")?,
        advmss: whole(object, "advmss")?,
        priority: whole(object, "priority")?,
        table: whole(object, "table")?,
        scope: object
            .integer("scope", 0..=255)?
            .and_then(|scope| u8::try_from(scope).ok()),
    })
}

impl Route {
    /// Reads a route as an IPAM configuration's `routes` holds it: `{dst, gw, mtu, …}`.
    pub fn from_json(object: &Object<'_>) -> Result<Self, FieldError> {
        route(object)
    }
}

fn whole(object: &Object<'_>, key: &str) -> Result<Option<u32>, FieldError> {
    Ok(object
        .integer(key, U32)?
        .and_then(|number| u32::try_from(number).ok()))
}
