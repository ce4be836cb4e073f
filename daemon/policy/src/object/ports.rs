//! Ports, as the two kinds of policy write them.

use super::{
    error::Reason,
    field::{self, Faults, Path},
    form,
};
use crate::spec::{Ports, Protocol};
use serde_json::Value;

/// All that there are.
pub(crate) const NUMBERS: (u16, u16) = (1, u16::MAX);

/// Names of protocols, and what they stand for.
pub(crate) const PROTOCOLS: (&[&str; 3], [Protocol; 3]) = (
    &["TCP", "UDP", "SCTP"],
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp],
);

/// `protocol`, TCP where it is left out.
pub(crate) fn protocol(
    value: Option<&Value>,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Protocol> {
    match value {
        None => Some(Protocol::Tcp),
        Some(value) => field::word(value, PROTOCOLS, at, faults),
    }
}

enum Port {
    All,
    Number(u16),
    Name(String),
}

fn port(value: Option<&Value>, at: &Path<'_>, faults: &mut Faults) -> Option<Port> {
    match value {
        None => Some(Port::All),
        Some(value @ Value::Number(_)) => {
            field::number(value, NUMBERS, at, faults).map(Port::Number)
        }
        Some(value @ Value::String(_)) => {
            let name = field::formed(value, form::PORT, at, faults)?;
            Some(Port::Name(name.to_owned()))
        }
        Some(value) => field::mistyped(value, "a number or a name", at, faults),
    }
}

/// An element of `ports` of a NetworkPolicy.
pub(crate) fn of_network_policy(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Ports> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["protocol", "port", "endPort"], at, faults);
    let given = field::optional(map, "protocol", at, faults);
    let protocol = protocol(given, &at.field("protocol"), faults);
    let given = field::optional(map, "port", at, faults);
    let port = port(given, &at.field("port"), faults);
    let end = at.field("endPort");
    let last = match (field::optional(map, "endPort", at, faults), &port) {
        (None, _) => Some(None),
        (Some(_), Some(Port::All)) => {
            let when = "port is not";
            faults.add(&end, Reason::Misplaced { when })
        }
        (Some(_), Some(Port::Name(_))) => {
            let when = "port is a name";
            faults.add(&end, Reason::Misplaced { when })
        }
        (Some(value), _) => field::number(value, NUMBERS, &end, faults).map(Some),
    };
    let (protocol, port, last) = (protocol?, port?, last?);
    match (port, last) {
        (Port::All, _) => Some(Ports::All(protocol)),
        (Port::Name(name), _) => Some(Ports::Named(Some(protocol), name)),
        (Port::Number(first), None) => Some(Ports::Range(protocol, first, first)),
        (Port::Number(start), Some(end_port)) if end_port < start => {
            let (rule, end_port) = ("at least", end_port);
            let reason = Reason::Order {
                end: end_port,
                rule,
                start,
            };
            faults.add(&end, reason)
        }
        (Port::Number(first), Some(last)) => Some(Ports::Range(protocol, first, last)),
    }
}

/// An element of `protocols` of a ClusterNetworkPolicy.
pub(crate) fn of_cluster_policy(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Ports> {
    const FORMS: &[&str] = &["tcp", "udp", "sctp", "destinationNamedPort"];
    let map = field::object(value, at, faults)?;
    let (name, value) = field::exactly_one(map, FORMS, at, faults)?;
    let at = at.field(name);
    let protocol = match name {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => {
            let name = field::formed(value, form::PORT, &at, faults)?;
            return Some(Ports::Named(None, name.to_owned()));
        }
    };
    let map = field::object(value, &at, faults)?;
    field::only(map, &["destinationPort"], &at, faults);
    let value = field::required(map, "destinationPort", &at, faults)?;
    destination(value, protocol, &at.field("destinationPort"), faults)
}

fn destination(
    value: &Value,
    protocol: Protocol,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Ports> {
    let map = field::object(value, at, faults)?;
    let (name, value) = field::exactly_one(map, &["number", "range"], at, faults)?;
    let at = at.field(name);
    if name == "number" {
        let number = field::number(value, NUMBERS, &at, faults)?;
        return Some(Ports::Range(protocol, number, number));
    }
    let map = field::object(value, &at, faults)?;
    field::only(map, &["start", "end"], &at, faults);
    let mut bound = |name| {
        let value = field::required(map, name, &at, faults)?;
        field::number(value, NUMBERS, &at.field(name), faults)
    };
    let (start, end) = (bound("start"), bound("end"));
    let (start, end) = (start?, end?);
    if start < end {
        return Some(Ports::Range(protocol, start, end));
    }
    let rule = "more than";
    faults.add(&at, Reason::Order { end, rule, start })
}
