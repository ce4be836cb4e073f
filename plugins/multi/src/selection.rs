//! Which further networks a container is to have: the annotation `k8s.v1.cni.cncf.io/networks`.
//!
//! Two forms (Network Plumbing Working Group, de-facto standard 1.3, section 4.1): networks with commas between
//! them, each `[NAMESPACE/]NAME[@INTERFACE]`, or a JSON list of objects. Where the standard would have what is invalid
//! ignored, the container would come up without a network that it was to have: here it is an error that names the
//! entry and the field.

mod wishes;

use fairway_cni::{
    Field, FieldError, IfName, NetworkName,
    object::{Object, set},
};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

pub use wishes::Wish;

/// How many networks a container may have beside the first.
pub const MAX: usize = 32;

/// One network that a container is to have, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Where it stands, for errors.
    pub field: String,
    /// The network's name.
    pub name: NetworkName,
    /// The namespace that it was written with.
    pub namespace: Option<NetworkName>,
    /// The interface's name; one is made where absent.
    pub ifname: Option<IfName>,
    /// What its plugins are to be told, by capability.
    pub wishes: Vec<Wish>,
    /// The network has the default routes: by these gateways or, with none, by what its own plugins say.
    pub default_route: Option<Vec<IpAddr>>,
    /// `args.cni` of its plugins.
    pub cni_args: Map<String, Value>,
}

/// Reads the annotation's value, which stands in `field`. Nothing but blanks is no network.
///
/// # Errors
/// Names entry and field.
pub fn parse(text: &str, field: &str) -> Result<Vec<Selection>, FieldError> {
    let text = text.trim();
    let selections = if text.starts_with(['[', '{', '"']) {
        let value: Value = serde_json::from_str(text).map_err(|error| FieldError::Value {
            path: field.to_owned(),
            value: clip(text),
            reason: format!("is no JSON: {error}"),
        })?;
        of_list(&Field::new(&value, field))?
    } else if text.is_empty() {
        Vec::new()
    } else {
        let entries = text.split(',').enumerate();
        let entry = |(index, entry)| short(entry, &format!("{field}[{index}]"));
        entries.map(entry).collect::<Result<_, _>>()?
    };
    judged(selections, field)
}

/// Reads a list as a configuration holds it: each entry in either form.
///
/// # Errors
/// Names entry and field.
pub fn parse_list(field: &Field<'_>) -> Result<Vec<Selection>, FieldError> {
    let entry = |item: &Field<'_>| match item.value() {
        Value::String(text) => short(text, item.path()),
        _ => object(&item.object()?),
    };
    let selections = field.items()?.iter().map(entry).collect::<Result<_, _>>()?;
    judged(selections, field.path())
}

fn of_list(field: &Field<'_>) -> Result<Vec<Selection>, FieldError> {
    let items = field.items()?;
    items.iter().map(|item| object(&item.object()?)).collect()
}

/// What holds for all of them together.
fn judged(selections: Vec<Selection>, field: &str) -> Result<Vec<Selection>, FieldError> {
    if selections.len() > MAX {
        return Err(FieldError::Value {
            path: field.to_owned(),
            value: format!("{} networks", selections.len()),
            reason: format!("a container has {MAX} further networks at most"),
        });
    }
    let mut leading = selections
        .iter()
        .filter(|selection| selection.default_route.is_some());
    if let (Some(first), Some(second)) = (leading.next(), leading.next()) {
        return Err(FieldError::Value {
            path: format!("{}.default-route", second.field),
            value: format!("{:?}", second.name.as_str()),
            reason: format!("{}.default-route is there already", first.field),
        });
    }
    Ok(selections)
}

/// `[NAMESPACE/]NAME[@INTERFACE]`.
fn short(entry: &str, field: &str) -> Result<Selection, FieldError> {
    let entry = entry.trim();
    let wrong = |reason: String| FieldError::Value {
        path: field.to_owned(),
        value: format!("{:?}", clip(entry)),
        reason,
    };
    let (network, ifname) = match entry.split_once('@') {
        Some((network, ifname)) => (network, Some(ifname)),
        None => (entry, None),
    };
    let (namespace, name) = match network.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, network),
    };
    let name = name
        .parse()
        .map_err(|error| wrong(format!("name: {error}")))?;
    let namespace = namespace.map(str::parse).transpose();
    let ifname = ifname.map(interface).transpose();
    Ok(Selection {
        field: field.to_owned(),
        name,
        namespace: namespace.map_err(|error| wrong(format!("namespace: {error}")))?,
        ifname: ifname.map_err(|error| wrong(format!("interface: {error}")))?,
        wishes: Vec::new(),
        default_route: None,
        cni_args: Map::new(),
    })
}

/// An element of the JSON form. Keys that the standard does not know are passed over, as it may grow.
fn object(element: &Object<'_>) -> Result<Selection, FieldError> {
    let ifname = match element.text("interface")? {
        Some(text) => {
            let named =
                |error| element.invalid("interface", format_args!("{:?}", clip(text)), error);
            Some(interface(text).map_err(named)?)
        }
        None => None,
    };
    let mut cni_args = element
        .object("cni-args")?
        .map_or_else(Map::new, |args| args.raw().clone());
    let wishes = wishes::read(element)?;
    if let Some(claim) = element.text("ipam-claim-reference")? {
        if wishes.iter().any(|wish| wish.key == "ips") {
            let value = format_args!("{:?}", clip(claim));
            return Err(element.invalid("ipam-claim-reference", value, "cannot stand beside ips"));
        }
        label(&mut cni_args, fairway_cni::labels::CLAIM, claim);
    }
    Ok(Selection {
        field: element.path().to_owned(),
        name: element.require("name")?.parse()?,
        namespace: element.parse("namespace")?,
        ifname,
        wishes,
        default_route: gateways(element)?,
        cni_args,
    })
}

/// A name that the container can have besides its loopback.
fn interface(text: &str) -> Result<IfName, String> {
    match text {
        "lo" => Err("is the loopback's".to_owned()),
        _ => text.parse().map_err(|error| format!("{error}")),
    }
}

fn gateways(element: &Object<'_>) -> Result<Option<Vec<IpAddr>>, FieldError> {
    let Some(field) = element.get("default-route") else {
        return Ok(None);
    };
    let mut gateways = Vec::new();
    for item in field.items()? {
        let gateway = item.ip()?.to_canonical();
        if gateway.is_unspecified() || gateway.is_multicast() || gateway.is_loopback() {
            return Err(item.invalid("cannot be a gateway"));
        }
        if gateways.contains(&gateway) {
            return Err(item.invalid("is there twice"));
        }
        gateways.push(gateway);
    }
    Ok(Some(gateways))
}

/// Puts a label where our plugins look for it: `labels` is an object, or a list of `{key, value}`.
fn label(cni_args: &mut Map<String, Value>, key: &str, value: &str) {
    let there = cni_args
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("labels"));
    let labels = match there.map(|(_, labels)| labels.clone()) {
        Some(Value::Array(mut list)) => {
            list.push(json!({"key": key, "value": value}));
            Value::Array(list)
        }
        Some(Value::Object(mut map)) => {
            set(&mut map, key, json!(value));
            Value::Object(map)
        }
        _ => json!({key: value}),
    };
    set(cni_args, "labels", labels);
}

/// As much of it as an error can show.
fn clip(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
