//! An administrator's word on a workload: as it is typed, and as it is kept.

use super::wish::{self, Words};
use crate::model::Override;
use fairway_policy::object::{
    ObjectError, Reason, clip,
    field::{self, Faults, Path},
    form::{self, Form},
};
use serde_json::{Map, Value};

/// The version that this program writes and the newest that it reads.
const VERSION: u64 = 1;

const DIRECTIONS: &[&str] = &["ingress", "egress"];

/// It stands in a line of its own later, and in a terminal.
const REASON: Form = (
    reason,
    "1 to 256 characters, none of which breaks the line or is another control character",
);

fn reason(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// What is said of a workload, from what was typed.
///
/// # Errors
/// All that is wrong with it, each with its field, as `ingress.rate`.
pub fn overridden(
    ingress: Option<Words<'_>>,
    egress: Option<Words<'_>>,
    why: Option<&str>,
) -> Result<Override, ObjectError> {
    let mut faults = Faults::default();
    let at = &Path::ROOT;
    if ingress.is_none() && egress.is_none() {
        faults.add::<()>(at, Reason::OneAtLeast { of: DIRECTIONS });
    }
    let way = |words: Option<Words<'_>>, name, faults: &mut Faults| {
        words.and_then(|words| wish::typed(words, &at.field(name), faults))
    };
    let told = Override {
        ingress: way(ingress, "ingress", &mut faults),
        egress: way(egress, "egress", &mut faults),
        reason: why.and_then(|why| because(&why.into(), at, &mut faults)),
    };
    faults.end(Some(told))
}

/// Namespace and pod, from `NAMESPACE/POD`.
///
/// # Errors
/// Where they are not names.
pub fn workload(text: &str) -> Result<(String, String), ObjectError> {
    let fits = |(namespace, pod): &(&str, &str)| form::LABEL.0(namespace) && form::SUBDOMAIN.0(pod);
    match text.split_once('/').filter(fits) {
        Some((namespace, pod)) => Ok((namespace.to_owned(), pod.to_owned())),
        None => {
            let (given, form) = (clip(text), "NAMESPACE/POD, both as Kubernetes names them");
            Err(ObjectError::one("workload", Reason::Form { given, form }))
        }
    }
}

fn because(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<String> {
    field::formed(value, REASON, &at.field("reason"), faults).map(str::to_owned)
}

/// To be stored.
pub fn encode(told: &Override) -> Vec<u8> {
    let mut map = Map::new();
    map.insert("version".into(), VERSION.into());
    for (name, way) in [("ingress", &told.ingress), ("egress", &told.egress)] {
        if let Some(way) = way {
            map.insert(name.into(), wish::json(way));
        }
    }
    if let Some(why) = &told.reason {
        map.insert("reason".into(), why.as_str().into());
    }
    Value::from(map).to_string().into_bytes()
}

/// As it was stored.
///
/// # Errors
/// Where a newer program wrote it, or it is none.
pub fn decode(value: &[u8]) -> Result<Override, String> {
    let value: Value = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    match value["version"].as_u64() {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(format!(
                "version {newer} is newer than {VERSION}, the newest that this program knows"
            ));
        }
        _ => return Err("version: missing or not a whole number above 0".to_owned()),
    }
    let mut faults = Faults::default();
    let told = read(&value, &mut faults);
    faults.end(told).map_err(|error| error.to_string())
}

fn read(value: &Value, faults: &mut Faults) -> Option<Override> {
    let at = &Path::ROOT;
    let map = field::object(value, at, faults)?;
    field::only(map, &["version", "ingress", "egress", "reason"], at, faults);
    let mut way = |name| {
        let value = field::optional(map, name, at, faults)?;
        wish::any(value, &at.field(name), faults)
    };
    let (ingress, egress) = (way("ingress"), way("egress"));
    let reason = field::optional(map, "reason", at, faults);
    let reason = reason.and_then(|value| because(value, at, faults));
    Some(Override {
        ingress,
        egress,
        reason,
    })
}
