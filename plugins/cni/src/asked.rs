//! Addresses that were asked for by name.
//!
//! They come from four places: `runtimeConfig.ips`, `args.cni.ips`, `IP` in `CNI_ARGS`, and a Mesos task's
//! `ip_addresses`. The reference plugins throw all of them (but Mesos's) together. Each IPAM plugin of ours
//! says itself what two of them for one thing mean; what comes from a place that counts more wins.

use crate::{CniArgs, Field, FieldError, NetConf};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Who says something about a container; what counts most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `runtimeConfig`, by a capability.
    RuntimeConfig,
    /// `args.cni`.
    ArgsCni,
    /// `CNI_ARGS`.
    CniArgs,
    /// `args["org.apache.mesos"].network_info`.
    Mesos,
}

/// An address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The address.
    pub ip: IpAddr,
    /// The field that asks for it.
    pub field: String,
    /// Who says so.
    pub place: Place,
}

/// Reads all that is asked for, what counts most first.
///
/// # Errors
/// Names the field that holds no address.
pub fn addresses(conf: &NetConf, args: &CniArgs) -> Result<Vec<Asked>, FieldError> {
    let mut found = Vec::new();
    for (place, object) in [
        (Place::RuntimeConfig, conf.runtime_config()?),
        (Place::ArgsCni, conf.args_cni()?),
    ] {
        let Some(object) = object else {
            continue;
        };
        for field in object.items("ips")? {
            found.push(of_field(&field, place)?);
        }
    }
    if let Some(text) = args.get("IP") {
        found.extend(of_list(text, "CNI_ARGS: IP", Place::CniArgs)?);
    }
    if let Some(info) = conf.mesos_network_info()? {
        for item in info.items("ip_addresses")? {
            let object = item.object()?;
            if object.text("ip_address")?.is_some() {
                found.push(of_field(&object.require("ip_address")?, Place::Mesos)?);
            }
        }
    }
    Ok(found)
}

/// Addresses with commas between them.
///
/// # Errors
/// Names the field and the piece that is no address.
pub fn of_list(text: &str, field: &str, place: Place) -> Result<Vec<Asked>, FieldError> {
    let pieces = text.split(',').map(str::trim);
    let asked = |piece: &str| {
        let ip = parse(piece).ok_or_else(|| FieldError::Value {
            path: field.to_owned(),
            value: format!("{piece:?}"),
            reason: "is no IP address".to_owned(),
        })?;
        let field = field.to_owned();
        Ok(Asked { ip, field, place })
    };
    pieces
        .filter(|piece| !piece.is_empty())
        .map(asked)
        .collect()
}

fn of_field(field: &Field<'_>, place: Place) -> Result<Asked, FieldError> {
    let ip = parse(field.text()?).ok_or_else(|| field.invalid("is no IP address"))?;
    let field = field.path().to_owned();
    Ok(Asked { ip, field, place })
}

/// An address, with or without a prefix length.
pub fn parse(text: &str) -> Option<IpAddr> {
    let ip = match text.contains('/') {
        true => text.parse::<IpNetwork>().ok()?.ip(),
        false => text.parse().ok()?,
    };
    Some(ip.to_canonical())
}
