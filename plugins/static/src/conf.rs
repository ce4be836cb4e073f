//! Where the addresses come from: `runtimeConfig.ips`, else `args.cni.ips`, else those of `ipam` and of
//! `IP` in `CNI_ARGS` together.

use fairway_cni::{CniArgs, Dns, Failure, Field, FieldError, NetConf, Object, Route, Version};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host bits kept.
    pub(crate) ip: IpNetwork,
    /// Of the same family.
    pub(crate) gateway: Option<IpAddr>,
}

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StaticConf {
    /// In order.
    pub(crate) addresses: Vec<Address>,
    /// `ipam.routes`.
    pub(crate) routes: Vec<Route>,
    /// `ipam.dns`.
    pub(crate) dns: Dns,
}

impl StaticConf {
    /// Reads the configuration; an error names the key.
    pub(crate) fn parse(conf: &NetConf, args: &CniArgs) -> Result<Self, Failure> {
        let root = conf.root();
        let ipam = root.require("ipam")?.object()?;
        let addresses = match overriding(conf)? {
            Some(addresses) => addresses,
            None => {
                let mut addresses = configured(&ipam)?;
                addresses.extend(from_args(args)?);
                addresses
            }
        };
        if conf.version < Version::V0_3_0 {
            at_most_one_of_a_family(&ipam, &addresses, conf.version)?;
        }
        let route = |item: &Field<'_>| Route::from_json(&item.object()?);
        Ok(StaticConf {
            addresses,
            routes: ipam
                .items("routes")?
                .iter()
                .map(route)
                .collect::<Result<_, _>>()?,
            dns: ipam
                .object("dns")?
                .as_ref()
                .map_or(Ok(Dns::default()), Dns::from_json)?,
        })
    }
}

/// `runtimeConfig.ips`, else `args.cni.ips`; an empty list counts as absent.
fn overriding(conf: &NetConf) -> Result<Option<Vec<Address>>, FieldError> {
    for object in [conf.runtime_config()?, conf.args_cni()?]
        .into_iter()
        .flatten()
    {
        let items = object.items("ips")?;
        if !items.is_empty() {
            let address = |item: &Field<'_>| {
                let ip = item.cidr()?;
                Ok(Address { ip, gateway: None })
            };
            return items
                .iter()
                .map(address)
                .collect::<Result<_, _>>()
                .map(Some);
        }
    }
    Ok(None)
}

fn configured(ipam: &Object<'_>) -> Result<Vec<Address>, FieldError> {
    let address = |item: &Field<'_>| {
        let item = item.object()?;
        let ip = item.require("address")?.cidr()?;
        let gateway: Option<IpAddr> = item.parse("gateway")?;
        match gateway {
            Some(gateway) if gateway.is_ipv6() != ip.is_ipv6() => Err(item.invalid(
                "gateway",
                gateway,
                format_args!("is of another family than {ip}"),
            )),
            _ => Ok(Address { ip, gateway }),
        }
    };
    ipam.items("addresses")?.iter().map(address).collect()
}

/// `IP=10.1.2.3/24,fd00::3/64;GATEWAY=10.1.2.1,fd00::1`: each gateway is that of the addresses whose
/// subnet it is in.
fn from_args(args: &CniArgs) -> Result<Vec<Address>, FieldError> {
    let list = |key: &'static str| {
        let value = args.get(key).filter(|value| !value.is_empty());
        value
            .into_iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .map(move |item| {
                let field = move |reason: String| FieldError::Value {
                    path: format!("CNI_ARGS: {key}"),
                    value: format!("{item:?}"),
                    reason,
                };
                (item, field)
            })
    };
    let mut addresses = Vec::new();
    for (item, invalid) in list("IP") {
        if !item.contains('/') {
            return Err(invalid(
                "needs a prefix length, such as 10.1.2.3/24".to_owned(),
            ));
        }
        let ip = item
            .parse()
            .map_err(|error: ipnetwork::IpNetworkError| invalid(error.to_string()))?;
        addresses.push(Address { ip, gateway: None });
    }
    for (item, invalid) in list("GATEWAY") {
        let gateway: IpAddr = item
            .parse()
            .map_err(|error: std::net::AddrParseError| invalid(error.to_string()))?;
        for address in addresses
            .iter_mut()
            .filter(|address| address.ip.contains(gateway))
        {
            address.gateway = Some(gateway);
        }
    }
    Ok(addresses)
}

/// The oldest results have room for one address of each family.
fn at_most_one_of_a_family(
    ipam: &Object<'_>,
    addresses: &[Address],
    version: Version,
) -> Result<(), FieldError> {
    let many = |v6: bool| {
        addresses
            .iter()
            .filter(|address| address.ip.is_ipv6() == v6)
            .count()
            > 1
    };
    if many(false) || many(true) {
        let reason = format_args!("version {version} holds no more than one of each family");
        return Err(ipam.invalid(
            "addresses",
            format_args!("{} addresses", addresses.len()),
            reason,
        ));
    }
    Ok(())
}
