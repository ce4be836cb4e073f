//! `v1 Pod`: its ports that have names. All else is for others to judge.

use super::{
    error::Reason,
    field::{self, Faults, Path},
    form, ports,
};
use crate::spec::NamedPort;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Of its `spec`, sorted, each once.
///
/// Two containers may give one name to different ports; then it stands for both.
pub(crate) fn ports(
    value: Option<&Value>,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<NamedPort>> {
    let Some(value) = value else {
        return Some(Vec::new());
    };
    let map = field::object(value, at, faults)?;
    let main = containers(map, "containers", |_| true, at, faults);
    // Only those that run on beside the containers (sidecars) have ports to be reached by.
    let sidecar =
        |map: &Map<String, Value>| map.get("restartPolicy").is_some_and(|p| p == "Always");
    let sidecars = containers(map, "initContainers", sidecar, at, faults);
    let all: BTreeSet<_> = main?.into_iter().chain(sidecars?).collect();
    Some(all.into_iter().collect())
}

fn containers(
    map: &Map<String, Value>,
    name: &str,
    counts: fn(&Map<String, Value>) -> bool,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<NamedPort>> {
    let Some(value) = field::optional(map, name, at, faults) else {
        return Some(Vec::new());
    };
    let each = |value, at: &Path<'_>, faults: &mut Faults| {
        let map = field::object(value, at, faults)?;
        match field::optional(map, "ports", at, faults).filter(|_| counts(map)) {
            None => Some(Vec::new()),
            Some(value) => of_container(value, &at.field("ports"), faults),
        }
    };
    Some(field::list(value, &at.field(name), faults, each)?.concat())
}

fn of_container(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<NamedPort>> {
    let mut seen = BTreeSet::new();
    let ports = field::list(value, at, faults, |value, at, faults| {
        let map = field::object(value, at, faults)?;
        let Some(name) = field::optional(map, "name", at, faults).filter(|name| *name != "") else {
            return Some(None);
        };
        let place = at.field("name");
        let name = field::formed(name, form::PORT, &place, faults);
        let number = field::required(map, "containerPort", at, faults).and_then(|value| {
            field::number(value, ports::NUMBERS, &at.field("containerPort"), faults)
        });
        let protocol = field::optional(map, "protocol", at, faults);
        let protocol = ports::protocol(protocol, &at.field("protocol"), faults);
        if name.is_some_and(|name| !seen.insert(name)) {
            return faults.add(&place, Reason::Twice);
        }
        Some(Some(NamedPort {
            name: name?.to_owned(),
            protocol: protocol?,
            port: number?,
        }))
    });
    Some(ports?.into_iter().flatten().collect())
}
