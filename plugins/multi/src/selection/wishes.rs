//! What an entry asks of the plugins of its network: the keys that become `runtimeConfig`.

use fairway_cni::{Field, FieldError, object::Object};
use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// A value for a capability.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The key in the annotation.
    pub key: &'static str,
    /// The capability, which is the key in `runtimeConfig`.
    pub capability: &'static str,
    /// What the plugins are told.
    pub value: Value,
}

type Read = fn(&Field<'_>) -> Result<Value, FieldError>;

/// (key in the annotation, capability, how it is read).
const KEYS: [(&str, &str, Read); 6] = [
    ("ips", "ips", ips),
    ("mac", "mac", mac),
    ("infiniband-guid", "infinibandGUID", guid),
    ("portMappings", "portMappings", port_mappings),
    ("bandwidth", "bandwidth", bandwidth),
    ("deviceID", "deviceID", device),
];

/// Reads all of them. What is empty counts as absent, as Go's zero value does.
pub(super) fn read(element: &Object<'_>) -> Result<Vec<Wish>, FieldError> {
    let mut wishes = Vec::new();
    for (key, capability, read) in KEYS {
        let Some(field) = element.get(key).filter(|field| !is_zero(field.value())) else {
            continue;
        };
        wishes.push(Wish {
            key,
            capability,
            value: read(&field)?,
        });
    }
    Ok(wishes)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Addresses, with or without a prefix length; handed on as they are.
fn ips(field: &Field<'_>) -> Result<Value, FieldError> {
    let ip = |item: &Field<'_>| {
        let text = item.text()?;
        match text.contains('/') {
            true => text.parse::<IpNetwork>().is_ok(),
            false => text.parse::<IpAddr>().is_ok(),
        }
        .then(|| json!(text))
        .ok_or_else(|| item.invalid("is no IP address"))
    };
    field.items()?.iter().map(ip).collect()
}

fn mac(field: &Field<'_>) -> Result<Value, FieldError> {
    let octets: [u8; 6] =
        octets(field.text()?).ok_or_else(|| field.invalid("is no hardware address of 6 bytes"))?;
    if octets[0] & 1 == 1 {
        return Err(field.invalid("is a group's address, and no interface's"));
    }
    Ok(json!(colons(&octets)))
}

fn guid(field: &Field<'_>) -> Result<Value, FieldError> {
    let octets: [u8; 8] =
        octets(field.text()?).ok_or_else(|| field.invalid("is no GUID of 8 bytes"))?;
    Ok(json!(colons(&octets)))
}

/// Pairs of hexadecimal digits with colons or dashes between them.
fn octets<const N: usize>(text: &str) -> Option<[u8; N]> {
    let separator = match text.contains(':') {
        true => ':',
        false => '-',
    };
    let octet = |pair: &str| match pair.len() == 2 && !pair.starts_with('+') {
        true => u8::from_str_radix(pair, 16).ok(),
        false => None,
    };
    let octets: Option<Vec<u8>> = text.split(separator).map(octet).collect();
    octets?.try_into().ok()
}

fn colons(octets: &[u8]) -> String {
    let pairs: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(":")
}

fn port_mappings(field: &Field<'_>) -> Result<Value, FieldError> {
    field.items()?.iter().map(port_mapping).collect()
}

fn port_mapping(item: &Field<'_>) -> Result<Value, FieldError> {
    let item = item.object()?;
    let port = |key| item.require(key)?.integer(1..=65535);
    let mut mapping = Map::new();
    mapping.insert("hostPort".into(), json!(port("hostPort")?));
    mapping.insert("containerPort".into(), json!(port("containerPort")?));
    let protocol = item.text("protocol")?.unwrap_or("tcp").to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        let reason = "is none of tcp, udp and sctp";
        return Err(item.invalid("protocol", format_args!("{protocol:?}"), reason));
    }
    mapping.insert("protocol".into(), json!(protocol));
    if let Some(ip) = item.parse::<IpAddr>("hostIP")? {
        mapping.insert("hostIP".into(), json!(ip.to_string()));
    }
    Ok(Value::Object(mapping))
}

/// Bits and bits a second; a burst goes with its rate.
fn bandwidth(field: &Field<'_>) -> Result<Value, FieldError> {
    let object = field.object()?;
    let mut limits = Map::new();
    for (rate, burst) in [
        ("ingressRate", "ingressBurst"),
        ("egressRate", "egressBurst"),
    ] {
        for key in [rate, burst] {
            if let Some(bits) = object.integer(key, 1..=i64::MAX)? {
                limits.insert(key.into(), json!(bits));
            }
        }
        if limits.contains_key(burst) && !limits.contains_key(rate) {
            let burst = object.require(burst)?;
            return Err(burst.invalid(format_args!("goes with {rate}, which is missing")));
        }
    }
    if limits.is_empty() {
        return Err(field.invalid("has none of ingressRate and egressRate"));
    }
    Ok(Value::Object(limits))
}

fn device(field: &Field<'_>) -> Result<Value, FieldError> {
    Ok(json!(field.text()?))
}
